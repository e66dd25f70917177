import { parseTimestamp } from "../../base/timestamps.ts";
import type { Clock } from "../../ports/clock.ts";
import type { EventJournal } from "../../ports/event-journal.ts";
import { type EventFilters, matchesFilters } from "./filter.ts";
import { eventJson, type EventMessage, eventMessage, parseEvent } from "./message.ts";
import { Subscription } from "./subscription.ts";

/** So many past events are kept, over restarts too. */
export const HISTORY = 1000;

/** Milliseconds; a longer timer would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

export interface EventsDeps {
  clock: Clock;
  journal: EventJournal;
}

export interface EventQuery {
  /** Nanoseconds since the epoch, both inclusive. Past events are given only if one of the two is set. */
  since?: bigint;
  until?: bigint;
  filters: EventFilters;
}

/** The engine's log of what happened, for `GET /events` and for whoever in the engine waits for something. */
export class Events {
  private readonly deps: EventsDeps;
  private readonly past: EventMessage[];
  private readonly subscriptions = new Set<Subscription>();

  constructor(deps: EventsDeps) {
    this.deps = deps;
    this.past = deps.journal
      .read()
      .flatMap((line) => parseEvent(line) ?? [])
      .slice(-HISTORY);
  }

  /** How many wait for events. */
  get listeners(): number {
    return this.subscriptions.size;
  }

  /** Tells all listeners; never waits for them and never throws. `attributes` carries the object's name, labels … */
  publish(type: string, action: string, actorId: string, attributes: Record<string, string>): void {
    const timeNano = parseTimestamp(this.deps.clock.stamp(), 0);
    const event = eventMessage(type, action, actorId, attributes, timeNano);
    this.past.push(event);
    if (this.past.length > HISTORY) this.past.shift();
    this.deps.journal.append(eventJson(event));
    for (const subscription of this.subscriptions) subscription.offer(event);
  }

  /**
   * Past events, then new ones until `until` or the signal; listening starts with this call, not with the first
   * `next`. The iteration throws unavailable EVENTS_DROPPED when its reader was so slow that events were lost to it.
   */
  query(query: EventQuery, signal: AbortSignal): AsyncIterable<EventMessage> {
    const { since, until } = query;
    const wanted = (event: EventMessage): boolean =>
      (since === undefined || event.timeNano >= since) &&
      (until === undefined || event.timeNano <= until) &&
      matchesFilters(event, query.filters);
    const history = since === undefined && until === undefined ? [] : this.past.filter(wanted);
    const subscription = new Subscription(history, wanted, () => this.subscriptions.delete(subscription));
    const left = until === undefined ? undefined : Number(until / 1_000_000n) - this.deps.clock.now();
    if (signal.aborted || (left !== undefined && left <= 0)) subscription.end();
    else {
      this.subscriptions.add(subscription);
      const cancel = left === undefined ? undefined : this.endAfter(left, subscription);
      const onAbort = (): void => subscription.end();
      signal.addEventListener("abort", onAbort, { once: true });
      subscription.onEnd(() => {
        cancel?.();
        signal.removeEventListener("abort", onAbort);
      });
    }
    return subscription;
  }

  /** A later end than a timer holds is reached in steps. */
  private endAfter(ms: number, subscription: Subscription): () => void {
    let cancel: (() => void) | undefined;
    const wait = (left: number): void => {
      cancel = this.deps.clock.after(Math.min(left, LONGEST_TIMER), () =>
        left > LONGEST_TIMER ? wait(left - LONGEST_TIMER) : subscription.end(),
      );
    };
    wait(ms);
    return () => cancel?.();
  }
}
