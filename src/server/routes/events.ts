import { once } from "node:events";
import { GantryError, messageOf } from "../../base/errors.ts";
import { parseTimestamp } from "../../base/timestamps.ts";
import type { Events } from "../../engine/events/events.ts";
import { eventJson } from "../../engine/events/message.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Call, Route } from "../call.ts";

export interface EventRoutesDeps {
  events: Events;
  clock: Clock;
}

/** GET /events: one JSON object a line, for as long as the client stays or until `until`. */
export function eventRoutes(deps: EventRoutesDeps): Route[] {
  return [{ method: "GET", path: "/events", handler: (call) => streamEvents(deps, call) }];
}

async function streamEvents({ events, clock }: EventRoutesDeps, call: Call): Promise<void> {
  const time = (name: string): bigint | undefined => {
    const text = call.query.get(name);
    return text === null || text === "" || text === "0" ? undefined : parseTimestamp(text, clock.now());
  };
  const since = time("since");
  const until = time("until");
  if (since !== undefined && until !== undefined && since > until) {
    const message = `since time (${call.query.get("since")}) cannot be after until time (${call.query.get("until")})`;
    throw new GantryError("invalid", "BAD_TIME", message);
  }
  const query = {
    filters: call.filters(),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
  const stream = events.query(query, call.signal);
  const out = call.stream("application/json");
  try {
    for await (const event of stream) {
      if (event.Type === "image" && event.Action === "create" && !call.atLeast(46)) continue;
      // Waiting for the client here is what lets the queue behind it fill and be given up.
      if (!out.write(`${eventJson(event)}\n`)) await once(out, "drain", { signal: call.signal });
    }
  } catch (error) {
    if (!call.signal.aborted)
      out.write(`${JSON.stringify({ errorDetail: { message: messageOf(error) }, error: messageOf(error) })}\n`);
  }
  out.end();
}
