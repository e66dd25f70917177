import type { IncomingMessage, ServerResponse } from "node:http";
import { Call } from "../../../src/server/call.ts";

/** A call without a connection, for what only asks for its version or query. */
export const callOf = ({ minor = 51, query = "", agent }: { minor?: number; query?: string; agent?: string }): Call =>
  new Call({
    params: {},
    query: new URLSearchParams(query),
    version: [1, minor],
    request: { headers: { "user-agent": agent } } as IncomingMessage,
    response: {} as ServerResponse,
    signal: new AbortController().signal,
  });
