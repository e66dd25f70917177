import type { DnsTransport, NameServers } from "../../../ports/name-servers.ts";
import type { Upstream } from "../resolv.ts";
import { RCODE, rcodeOf } from "./message.ts";

/** For each server; a client's own time-out is 5 s by default. */
const TIMEOUT = 4000;
/** Answers after which the next server is asked. */
const UNWILLING: ReadonlySet<number> = new Set([RCODE.SERVFAIL, RCODE.NOTIMP, RCODE.REFUSED]);

export interface Forward {
  query: Buffer;
  via: DnsTransport;
  upstreams: Upstream[];
  /** The container's. */
  netns: string;
  signal: AbortSignal;
}

/**
 * The answer of the first server that has one, else the last refusal; undefined: none answered. A cut answer is given
 * on as it is: the client then asks by TCP, and so do we.
 */
export async function forward(servers: NameServers, request: Forward): Promise<Buffer | undefined> {
  const { query, via, upstreams, netns, signal } = request;
  let refusal: Buffer | undefined;
  for (const { address, host } of upstreams) {
    if (signal.aborted) return undefined;
    try {
      const asked = { server: address, netns: host ? undefined : netns, via, query, timeout: TIMEOUT, signal };
      const reply = await servers.ask(asked);
      if (!UNWILLING.has(rcodeOf(reply))) return reply;
      refusal = reply;
    } catch {
      // the next one may answer
    }
  }
  return refusal;
}
