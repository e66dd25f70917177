import { Readable } from "node:stream";
import { GantryError } from "../../base/errors.ts";
import type { OnProgress } from "../../base/progress.ts";
import type { Clock } from "../../ports/clock.ts";

/** So often at most one layer's numbers are told, in milliseconds. */
const INTERVAL = 100;

/** Tells how far one layer is, in Docker's words, no more often than a client can use. */
export class LayerProgress {
  private readonly tell: OnProgress;
  private readonly clock: Clock;
  private readonly id: string;
  private last = 0;

  constructor(tell: OnProgress, clock: Clock, id: string) {
    this.tell = tell;
    this.clock = clock;
    this.id = id;
  }

  /** A step by name: "Waiting", "Pull complete". */
  step(status: string): void {
    this.last = 0;
    this.tell({ id: this.id, status, progressDetail: {} });
  }

  /** Bytes of a step that takes long; `total` 0: nobody knows. */
  bytes(status: string, current: number, total: number): void {
    const now = this.clock.now();
    if (now - this.last < INTERVAL && (total === 0 || current < total)) return;
    this.last = now;
    this.tell({ id: this.id, status, progressDetail: { current, total } });
  }
}

/** The same stream, with its bytes counted as they pass. */
export function counted(source: Readable, onBytes: (total: number) => void): Readable {
  async function* count(): AsyncGenerator<Buffer> {
    let total = 0;
    for await (const chunk of source) {
      total += (chunk as Buffer).length;
      onBytes(total);
      yield chunk as Buffer;
    }
  }
  return Readable.from(count(), { objectMode: false, highWaterMark: 256 * 1024 });
}

/** Lets so many pieces of work run at once, the rest in the order they came. */
export class Slots {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(count: number) {
    this.free = count;
  }

  get busy(): boolean {
    return this.free === 0;
  }

  /** An abort while waiting gives the place in the queue up: canceled. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.free > 0) this.free -= 1;
    else await this.turn(signal);
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free += 1;
    }
  }

  private turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.waiting.splice(this.waiting.indexOf(go), 1);
        reject(new GantryError("canceled", "CANCELED", "context canceled"));
      };
      const go = (): void => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      if (signal?.aborted) return reject(new GantryError("canceled", "CANCELED", "context canceled"));
      signal?.addEventListener("abort", onAbort, { once: true });
      this.waiting.push(go);
    });
  }
}
