import type { PortBinding } from "../../base/container-config.ts";
import { GantryError } from "../../base/errors.ts";
import { canonicalAddress } from "../../base/ip-address.ts";

/** A container port to publish: on which host address, and at which host ports (any of first..last, or undefined: the engine picks). */
export interface PortWish {
  /** "80/tcp" */
  key: string;
  protocol: "tcp" | "udp" | "sctp";
  port: number;
  hostAddress: string;
  hostPorts?: { first: number; last: number };
  /** Where the engine picks: what it picked for the run before, to be taken again if it is free. */
  again?: number;
  /** The same as the wish before it for the other family: at the same host port, where the container has that family. */
  twin?: true;
}

export interface PortRequest {
  exposedPorts: string[];
  portBindings: Record<string, PortBinding[] | null>;
  publishAll: boolean;
  /** The run before: host ports that the engine picked then are taken again where they are free. */
  before?: { ports: Record<string, PortBinding[] | null> };
}

export interface PortPlan {
  wishes: PortWish[];
  /** Ports that are only exposed. */
  exposed: string[];
}

/** From what the container was created with to what is to be published. `fallback`: the host address when none is named. */
export function planPorts(request: PortRequest, fallback: string): PortPlan {
  const wishes: PortWish[] = [];
  const exposed: string[] = [];
  const bound = new Map(Object.entries(request.portBindings).map(([key, list]) => [portKey(key), list ?? []]));
  for (const key of new Set([...request.exposedPorts.map(portKey), ...bound.keys()])) {
    const { protocol, port } = parseKey(key);
    const named = bound.get(key) ?? [];
    const bindings = named.length === 0 && request.publishAll ? [{}] : named;
    const before = [...(request.before?.ports[key] ?? [])];
    if (bindings.length === 0) exposed.push(key);
    for (const binding of bindings) {
      const hostAddress = hostAddressOf(binding.HostIp, fallback);
      const hostPorts = hostPortsOf(binding.HostPort);
      const again = hostPorts === undefined ? takePort(before, hostAddress) : undefined;
      const wish = { key, protocol, port, hostAddress, hostPorts, ...(again && { again }) };
      wishes.push(wish);
      if (!binding.HostIp && hostAddress === "0.0.0.0") wishes.push({ ...wish, hostAddress: "::", twin: true });
    }
  }
  // named ports first, so that the engine's own picks don't take one of them
  return { wishes: [...wishes.filter((w) => w.hostPorts), ...wishes.filter((w) => !w.hostPorts)], exposed };
}

function takePort(before: PortBinding[], hostAddress: string): number | undefined {
  const at = before.findIndex(({ HostIp }) => HostIp === hostAddress);
  return at < 0 ? undefined : portNumber(before.splice(at, 1)[0]?.HostPort ?? "");
}

/** "80" → "80/tcp". Throws invalid BAD_PORT. */
export const portKey = (text: string): string => parseKey(text).key;

function parseKey(key: string): { key: string; protocol: PortWish["protocol"]; port: number } {
  const [number = "", protocol = "tcp"] = key.toLowerCase().split("/");
  const port = portNumber(number);
  if (port === undefined || port === 0) throw bad(`invalid port specification: "${key}"`);
  if (protocol !== "tcp" && protocol !== "udp" && protocol !== "sctp") throw bad(`invalid proto: ${protocol}`);
  return { key: `${port}/${protocol}`, protocol, port };
}

function hostAddressOf(text: string | undefined, fallback: string): string {
  if (text === undefined || text === "") return fallback;
  const address = canonicalAddress(text);
  if (address === undefined) {
    throw bad(
      `invalid host address for a published port: ${text}`,
      "give an IP address of the host, or none for all of them",
    );
  }
  return address;
}

function hostPortsOf(text: string | undefined): PortWish["hostPorts"] {
  if (text === undefined || text === "" || text === "0") return undefined;
  const [from = "", to = from, ...rest] = text.split("-");
  const first = portNumber(from);
  const last = portNumber(to);
  if (first === undefined || last === undefined || rest.length > 0 || first === 0 || last < first) {
    throw bad(`invalid port specification: "${text}"`);
  }
  return { first, last };
}

const portNumber = (text: string): number | undefined =>
  /^\d{1,5}$/.test(text) && Number(text) <= 65535 ? Number(text) : undefined;

const bad = (message: string, hint?: string): GantryError =>
  new GantryError("invalid", "BAD_PORT", message, hint === undefined ? {} : { hint });
