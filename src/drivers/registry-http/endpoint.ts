import { BlockList, isIP } from "node:net";
import { GantryError, isGantryError } from "../../base/errors.ts";
import { type Challenge, pickChallenge } from "./challenge.ts";
import { complaint, refusal } from "./replies.ts";
import type { Transport } from "./transport.ts";

/** Where a registry answers, and how it wants to be asked. */
export interface Endpoint {
  registry: string;
  /** Ends without a slash: `https://registry-1.docker.io`. */
  base: URL;
  /** Plain HTTP and unverified certificates are fine here. */
  insecure: boolean;
  /** Undefined: no authentication. */
  challenge?: Challenge | undefined;
}

const HUB = new Set(["docker.io", "index.docker.io", "registry-1.docker.io"]);

export const isHub = (registry: string): boolean => HUB.has(registry);

/** Docker Hub answers at another name than the one in references. */
export const hostOf = (registry: string): string => (isHub(registry) ? "registry-1.docker.io" : registry);

/** Which registries may be spoken to without TLS: those on loopback, and by host[:port], address or CIDR as configured. */
export class InsecureList {
  private names = new Set<string>();
  private ranges = new BlockList();

  constructor(entries: string[]) {
    this.replace(entries);
  }

  replace(entries: string[]): void {
    this.names = new Set();
    this.ranges = new BlockList();
    for (const entry of entries) {
      const [address = "", bits] = entry.split("/");
      const family = isIP(address);
      if (family !== 0 && bits !== undefined)
        this.ranges.addSubnet(address, Number(bits), family === 6 ? "ipv6" : "ipv4");
      else this.names.add(entry.toLowerCase());
    }
  }

  has(registry: string): boolean {
    const { hostname } = new URL(`http://${registry}`);
    const address = hostname.replaceAll(/^\[|\]$/g, "");
    const family = isIP(address);
    return (
      this.names.has(registry.toLowerCase()) ||
      this.names.has(hostname) ||
      (family !== 0 && this.ranges.check(address, family === 6 ? "ipv6" : "ipv4"))
    );
  }
}

export function isLoopback(registry: string): boolean {
  const { hostname } = new URL(`http://${registry}`);
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

function candidates(registry: string, insecureList: InsecureList): { base: URL; insecure: boolean }[] {
  let host: string;
  try {
    host = new URL(`http://${hostOf(registry)}`).host;
    if (host === "" || /[/?#@\s\\]/.test(registry)) throw new Error("not a host");
  } catch (cause) {
    throw new GantryError("invalid", "BAD_REGISTRY", `invalid registry host "${registry}"`, { cause });
  }
  // `new URL` drops the scheme's own port, so the host is kept as it was written.
  const at = (scheme: string, insecure: boolean): { base: URL; insecure: boolean } => ({
    base: new URL(`${scheme}://${hostOf(registry)}`),
    insecure,
  });
  if (isLoopback(registry)) return [at("http", true), at("https", true)];
  if (insecureList.has(registry)) return [at("https", true), at("http", true)];
  return [at("https", false)];
}

/** Finds out by `GET /v2/`, without credentials, which scheme a registry speaks and what authentication it asks for. */
export async function probe(
  transport: Transport,
  registry: string,
  insecureList: InsecureList,
  signal?: AbortSignal,
): Promise<Endpoint> {
  let last: unknown;
  for (const { base, insecure } of candidates(registry, insecureList)) {
    try {
      const reply = await transport.send({ method: "GET", url: new URL("/v2/", base), signal, trustAnyone: insecure });
      if (reply.status >= 500) throw refusal(await complaint(reply));
      // A TLS server that was spoken to in plain HTTP answers 400 (Go, nginx): try the next scheme.
      if (reply.status === 400 && base.protocol === "http:") {
        reply.body.destroy();
        last = new GantryError(
          "unavailable",
          "REGISTRY_UNREACHABLE",
          `Get "${base.href}v2/": client sent an HTTP request to an HTTPS server`,
        );
        continue;
      }
      reply.body.resume();
      const challenge = reply.status === 401 ? pickChallenge(reply.headers["www-authenticate"]) : undefined;
      return { registry, base, insecure, challenge };
    } catch (error) {
      if (!isGantryError(error, "REGISTRY_UNREACHABLE")) throw error;
      // Nothing listens there: https on the same port won't answer either, and plain HTTP names the port best.
      if (isLoopback(registry) && base.protocol === "http:" && error.message.endsWith("connection refused"))
        throw error;
      last = base.protocol === "https:" && last !== undefined ? last : error;
    }
  }
  throw last;
}
