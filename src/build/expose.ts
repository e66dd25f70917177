import { GantryError } from "../base/errors.ts";

const PROTOCOLS = new Set(["tcp", "udp", "sctp"]);
/** So many ports one EXPOSE may name: the whole range of 16 bits. */
const LAST_PORT = 65535;

const bad = (why: string): GantryError => new GantryError("invalid", "BAD_PORT", why);

/**
 * EXPOSE's argument as the configuration's keys: "80" → ["80/tcp"], "7000-7002/udp" → three.
 * A mapping ("8080:80") keeps the container's side, as Docker does. Throws invalid BAD_PORT in Docker's words.
 */
export function normalizeExpose(text: string): string[] {
  const cut = text.indexOf("/");
  const protocol = cut < 0 ? "tcp" : text.slice(cut + 1).toLowerCase() || "tcp";
  if (!PROTOCOLS.has(protocol)) throw bad(`invalid proto: ${protocol}`);
  const ports = (cut < 0 ? text : text.slice(0, cut)).split(":").at(-1) ?? "";
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(ports);
  if (match === null) throw bad(`invalid containerPort: ${ports}`);
  const first = Number(match[1]);
  const last = match[2] === undefined ? first : Number(match[2]);
  if (first > LAST_PORT || last > LAST_PORT || last < first) throw bad(`invalid containerPort: ${ports}`);
  return Array.from({ length: last - first + 1 }, (_, i) => `${first + i}/${protocol}`);
}
