import { badLogOption, parseInteger } from "./values.ts";

/** Where a log is sent. */
export type LogEndpoint = StreamEndpoint | DatagramEndpoint;
export type StreamEndpoint =
  | { protocol: "unix"; path: string }
  | { protocol: "tcp" | "tls"; host: string; port: number };
export type DatagramEndpoint = { protocol: "unixgram"; path: string } | { protocol: "udp"; host: string; port: number };

function parsed(address: string): URL {
  try {
    return new URL(address);
  } catch {
    throw badLogOption(`parse ${JSON.stringify(address)}: invalid address`, "scheme://host:port or unix:///path");
  }
}

/** The host without the brackets of an IPv6 address; a port that is missing is `fallback`. */
function hostAndPort(rest: string, fallback: number): { host: string; port: number } {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(rest);
  if (!match) throw badLogOption(`address ${rest}: too many colons in address`);
  const [, host = "", port] = match;
  const number = port === undefined ? fallback : parseInteger(port);
  if (number < 0 || number > 65535) throw badLogOption(`invalid port: ${port}`);
  return { host: host.replace(/^\[(.*)\]$/, "$1"), port: number };
}

const authority = (address: string): string => /^[^:]+:\/\/([^/?#]*)/.exec(address)?.[1] ?? "";

/** `syslog-address`; undefined: this machine's own. Throws BAD_LOG_OPT. */
export function parseSyslogAddress(address: string): LogEndpoint | undefined {
  if (address === "") return undefined;
  const { protocol } = parsed(address);
  switch (protocol) {
    case "unix:":
    case "unixgram:":
      return { protocol: protocol === "unix:" ? "unix" : "unixgram", path: address.replace(/^\w+:\/\//, "") };
    case "udp:":
    case "tcp:":
    case "tcp+tls:": {
      const place = hostAndPort(authority(address), 514);
      return { protocol: protocol === "udp:" ? "udp" : protocol === "tcp:" ? "tcp" : "tls", ...place };
    }
    default:
      throw badLogOption(`unsupported scheme: '${protocol.slice(0, -1)}'`);
  }
}

/** `fluentd-address`: tcp (also without a scheme), tls or unix. Throws BAD_LOG_OPT. */
export function parseFluentdAddress(address: string): StreamEndpoint {
  if (address === "") return { protocol: "tcp", host: "127.0.0.1", port: 24224 };
  const refuse = (why: string): never => {
    throw badLogOption(`invalid fluentd-address (${address}): ${why}`);
  };
  const full = address.includes("://") ? address : `tcp://${address}`;
  const scheme = full.slice(0, full.indexOf("://"));
  const rest = full.slice(scheme.length + 3);
  if (scheme === "unix") {
    if (rest.replaceAll("/", "") === "") refuse("path is empty");
    return { protocol: "unix", path: rest };
  }
  if (scheme !== "tcp" && scheme !== "tls") return refuse(`unsupported scheme: '${scheme}'`);
  if (rest.includes("/")) refuse("should not contain a path element");
  try {
    const { host, port } = hostAndPort(rest, 24224);
    return { protocol: scheme, host: host || "127.0.0.1", port };
  } catch (error) {
    return refuse((error as Error).message);
  }
}

/** `gelf-address`: udp or tcp with a port. Throws BAD_LOG_OPT. */
export function parseGelfAddress(address: string): { protocol: "udp" | "tcp"; host: string; port: number } {
  if (address === "") throw badLogOption("gelf-address is a required parameter");
  const { protocol } = parsed(address);
  if (protocol !== "udp:" && protocol !== "tcp:") throw badLogOption("gelf: endpoint needs to be TCP or UDP");
  const rest = authority(address);
  if (!/:\d+$/.test(rest)) throw badLogOption("gelf: please provide gelf-address as proto://host:port");
  return { protocol: protocol === "udp:" ? "udp" : "tcp", ...hostAndPort(rest, 0) };
}

const FACILITIES =
  "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp - - - - local0 local1 local2 local3 local4 local5 local6 local7".split(
    " ",
  );
const DAEMON = 3;

/** `syslog-facility`, by name or number, as the number of RFC 5424. Throws BAD_LOG_OPT. */
export function parseFacility(text: string): number {
  if (text === "") return DAEMON;
  const named = text === "-" ? -1 : FACILITIES.indexOf(text);
  if (named >= 0) return named;
  if (/^\d{1,2}$/.test(text) && Number(text) <= 23) return Number(text);
  throw badLogOption("invalid syslog facility");
}
