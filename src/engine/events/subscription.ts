import { GantryError } from "../../base/errors.ts";
import type { EventMessage } from "./message.ts";

/** So many new events wait for a slow reader before it is given up. */
const LONGEST_QUEUE = 1024;

/** One reader's queue of events. Bounded, so that a client that stopped reading costs no memory. */
export class Subscription implements AsyncIterable<EventMessage>, AsyncIterator<EventMessage> {
  private readonly queue: EventMessage[];
  private readonly wanted: (event: EventMessage) => boolean;
  private readonly leave: () => void;
  private readonly cleanups: (() => void)[] = [];
  private readonly limit: number;
  private waiting: ((result: IteratorResult<EventMessage>) => void) | undefined;
  private ended = false;
  private dropped = false;

  /** `leave` is called once, when no more events are taken. */
  constructor(history: EventMessage[], wanted: (event: EventMessage) => boolean, leave: () => void) {
    this.queue = history;
    this.limit = history.length + LONGEST_QUEUE;
    this.wanted = wanted;
    this.leave = leave;
  }

  offer(event: EventMessage): void {
    if (this.ended || !this.wanted(event)) return;
    if (this.waiting !== undefined) {
      const resolve = this.waiting;
      this.waiting = undefined;
      resolve({ value: event, done: false });
    } else if (this.queue.length < this.limit) this.queue.push(event);
    else {
      this.dropped = true;
      this.end();
    }
  }

  /** No more events; what is queued can still be read. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.leave();
    for (const cleanup of this.cleanups) cleanup();
    this.waiting?.({ value: undefined, done: true });
    this.waiting = undefined;
  }

  onEnd(cleanup: () => void): void {
    this.cleanups.push(cleanup);
  }

  async next(): Promise<IteratorResult<EventMessage>> {
    const event = this.queue.shift();
    if (event !== undefined) return { value: event, done: false };
    if (this.dropped) {
      this.dropped = false;
      const message = "the reader of events was too slow: some were lost to it";
      throw new GantryError("unavailable", "EVENTS_DROPPED", message, {
        hint: "ask again with since=<last event seen>",
      });
    }
    if (this.ended) return { value: undefined, done: true };
    return new Promise((resolve) => {
      this.waiting = resolve;
    });
  }

  async return(): Promise<IteratorResult<EventMessage>> {
    this.end();
    this.queue.length = 0;
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
