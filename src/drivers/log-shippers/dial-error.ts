import { errnoOf, GantryError, messageOf } from "../../base/errors.ts";

const WORDS: Record<string, string> = {
  ECONNREFUSED: "connect: connection refused",
  ENOENT: "connect: no such file or directory",
  EACCES: "connect: permission denied",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  EPROTOTYPE: "connect: protocol wrong type for socket",
  ETIMEDOUT: "i/o timeout",
};

export const unreachable = (message: string, cause?: unknown): GantryError =>
  new GantryError("unavailable", "LOG_UNREACHABLE", message, { cause });

/** A connection that did not come about, in Go's words: `dial tcp 127.0.0.1:514: connect: connection refused`. */
export function dialError(network: string, address: string, error: unknown): GantryError {
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const code = errnoOf(first) ?? "";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    const host = address.replace(/:\d+$/, "");
    return unreachable(
      `dial ${network}: lookup ${host}: ${code === "ENOTFOUND" ? "no such host" : "server misbehaving"}`,
      error,
    );
  }
  const at = first as { address?: string; port?: number };
  const place = at.address && at.port ? `${at.address}:${at.port}` : address;
  return unreachable(`dial ${network} ${place}: ${WORDS[code] ?? messageOf(first)}`, error);
}
