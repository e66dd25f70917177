import type { PortBinding } from "../../base/container-config.ts";
import { messageOf } from "../../base/errors.ts";

export interface Ports {
  exposed: Record<string, object>;
  bindings: Record<string, PortBinding[]>;
}

const PROTOCOLS = ["tcp", "udp", "sctp"];

/**
 * `--publish`: [[ip:]host:]container[/protocol], each a port or a range, or `published=…,target=…,protocol=…`;
 * `--expose`: container[/protocol].
 */
export function portsOf(publish: string[], expose: string[]): Ports {
  const ports: Ports = { exposed: {}, bindings: {} };
  for (const spec of publish) {
    for (const { port, binding } of published(spec.includes("=") ? fromFields(spec) : spec)) {
      ports.exposed[port] = {};
      (ports.bindings[port] ??= []).push(binding);
    }
  }
  for (const spec of expose) {
    if (spec.includes(":")) throw new Error(`invalid port format for --expose: ${spec}`);
    const [range, protocol] = splitProtocol(spec);
    let span: [number, number];
    try {
      span = rangeOf(range);
    } catch (error) {
      throw new Error(`invalid range format for --expose: ${range}, error: ${messageOf(error)}`, { cause: error });
    }
    for (let port = span[0]; port <= span[1]; port += 1) ports.exposed[`${port}/${protocol}`] = {};
  }
  return ports;
}

function fromFields(spec: string): string {
  const fields: Record<string, string> = { protocol: "tcp" };
  for (const field of spec.split(",")) {
    const [key = "", value] = field.split("=") as [string, string?];
    if (!["published", "target", "protocol", "mode"].includes(key) || !value) {
      throw new Error(`invalid publish opts format (should be name=value but got '${field}')`);
    }
    fields[key] = value;
  }
  if (!fields["target"]) throw new Error(`invalid publish opts format (no target): '${spec}'`);
  const host = fields["published"] === undefined ? "" : `${fields["published"]}:`;
  return `${host}${fields["target"]}/${fields["protocol"]}`;
}

function splitProtocol(spec: string): [string, string] {
  const at = spec.indexOf("/");
  const protocol = at === -1 || at === spec.length - 1 ? "tcp" : spec.slice(at + 1).toLowerCase();
  return [at === -1 ? spec : spec.slice(0, at), protocol];
}

function rangeOf(text: string): [number, number] {
  if (text === "") throw new Error("empty string specified for ports");
  const parts = text.split("-");
  const [start, end] = [parts[0]!, parts.slice(1).join("-") || parts[0]!].map(portNumber) as [number, number];
  if (end < start) throw new Error(`invalid range specified for port: ${text}`);
  return [start, end];
}

function portNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  const port = Number(text);
  if (port > 65535) throw new Error(`strconv.ParseUint: parsing ${JSON.stringify(text)}: value out of range`);
  return port;
}

/** The address in front may be an IPv6 one, in brackets or not. */
function splitSpec(spec: string): { ip: string; host: string; container: string } {
  const parts = spec.split(":");
  const container = parts.pop()!;
  const host = parts.pop() ?? "";
  return { ip: parts.join(":"), host, container };
}

function published(spec: string): { port: string; binding: PortBinding }[] {
  const [body, protocol] = splitProtocol(spec);
  const { ip: rawIp, host, container } = splitSpec(body);
  const ip = rawIp.replace(/^\[(.*)\]$/, "$1");
  if (ip !== "" && !isIp(ip)) throw new Error(`invalid IP address: ${ip}`);
  if (container === "") throw new Error(`no port specified: ${spec}<empty>`);
  const inside = attempt(() => rangeOf(container), `invalid containerPort: ${container}`);
  const outside = host === "" ? undefined : attempt(() => rangeOf(host), `invalid hostPort: ${host}`);
  if (outside !== undefined && outside[1] - outside[0] !== inside[1] - inside[0] && inside[0] !== inside[1]) {
    throw new Error(`invalid ranges specified for container and host Ports: ${container} and ${host}`);
  }
  if (!PROTOCOLS.includes(protocol)) throw new Error(`invalid proto: ${protocol}`);
  const result: { port: string; binding: PortBinding }[] = [];
  for (let offset = 0; offset <= inside[1] - inside[0]; offset += 1) {
    let HostPort = outside === undefined ? "" : String(outside[0] + offset);
    // One port inside and a range outside: any free one of the range.
    if (outside !== undefined && inside[0] === inside[1] && outside[0] !== outside[1])
      HostPort = `${outside[0]}-${outside[1]}`;
    result.push({ port: `${inside[0] + offset}/${protocol}`, binding: { HostIp: ip, HostPort } });
  }
  return result;
}

const isIp = (text: string): boolean =>
  /^\d{1,3}(\.\d{1,3}){3}$/.test(text)
    ? text.split(".").every((part) => Number(part) < 256)
    : /^[0-9a-fA-F:]+(\.\d+){0,3}$/.test(text) && text.includes(":");

function attempt<T>(action: () => T, message: string): T {
  try {
    return action();
  } catch {
    throw new Error(message);
  }
}
