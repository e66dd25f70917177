import { messageOf } from "../../../base/errors.ts";
import type { ContainerDeps } from "../deps.ts";
import type { ContainerEntry } from "../registry.ts";
import { type Reading, type ReadingDeps, takeReading } from "./reading.ts";

/** Milliseconds between two readings of a container that somebody watches. */
const PERIOD = 1000;

/** A reading and the one before it, about a second older; a container that does not run has none. */
export interface Sample {
  now?: Reading;
  before?: Reading;
}

export interface Watcher {
  onSample(sample: Sample): void;
  /** The container was removed: there will be no more. */
  onGone(): void;
}

interface Watched {
  entry: ContainerEntry;
  watchers: Set<Watcher>;
  last: Reading | undefined;
  /** When that was tried, in milliseconds. */
  lastAt: number;
  forgetRemoval: () => void;
}

/** Reads each watched container once a second, however many watch it; reads nothing while nobody watches. */
export class StatsFeed {
  private readonly deps: ReadingDeps & Pick<ContainerDeps, "logger">;
  private readonly watched = new Map<string, Watched>();
  private cancel: (() => void) | undefined;
  private turning = false;
  private closed = false;
  /** First readings that are to be taken, one after the other. */
  private first: Promise<void> = Promise.resolve();

  constructor(deps: ReadingDeps & Pick<ContainerDeps, "logger">) {
    this.deps = deps;
  }

  /** One reading, now. */
  once(entry: ContainerEntry): Sample {
    const now = takeReading(this.deps, entry.record);
    return now === undefined ? {} : { now };
  }

  /** From the next second on, a sample each second. Returns what ends it. */
  watch(entry: ContainerEntry, watcher: Watcher): () => void {
    const watched = this.watched.get(entry.id) ?? this.begin(entry);
    watched.watchers.add(watcher);
    if (!this.turning) {
      this.turning = true;
      this.arm(PERIOD);
    }
    return () => {
      watched.watchers.delete(watcher);
      if (watched.watchers.size === 0) this.end(watched);
    };
  }

  close(): void {
    this.closed = true;
    this.cancel?.();
  }

  /** The first reading is what the first sample is measured against. */
  private begin(entry: ContainerEntry): Watched {
    const watched: Watched = {
      entry,
      watchers: new Set(),
      last: undefined,
      lastAt: this.deps.clock.now(),
      forgetRemoval: entry.removed.once(() => {
        this.end(watched);
        for (const watcher of watched.watchers) watcher.onGone();
      }),
    };
    this.watched.set(entry.id, watched);
    this.first = this.first.then(async () => {
      this.attempt(watched, () => this.read(watched));
      await othersTurn();
    });
    return watched;
  }

  private end(watched: Watched): void {
    watched.forgetRemoval();
    if (this.watched.get(watched.entry.id) === watched) this.watched.delete(watched.entry.id);
  }

  private arm(ms: number): void {
    if (this.closed) return;
    this.cancel = this.deps.clock.after(ms, () => void this.round());
  }

  private async round(): Promise<void> {
    const began = this.deps.clock.now();
    for (const watched of [...this.watched.values()]) {
      // Two readings that are close together tell nothing: the kernel counts the machine's time in hundredths.
      if (Math.abs(this.deps.clock.now() - watched.lastAt) < PERIOD / 2) continue;
      this.attempt(watched, () => this.sample(watched));
      await othersTurn();
    }
    const took = Math.abs(this.deps.clock.now() - began);
    if (this.watched.size > 0) this.arm(Math.max(0, PERIOD - took));
    else this.turning = false;
  }

  private attempt(watched: Watched, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.deps.logger.error("reading a container's use", { container: watched.entry.id, error: messageOf(error) });
    }
  }

  private read(watched: Watched): void {
    watched.last = this.once(watched.entry).now;
    watched.lastAt = this.deps.clock.now();
  }

  private sample(watched: Watched): void {
    const before = watched.last;
    this.read(watched);
    const now = watched.last;
    const sample = { ...(now && { now }), ...(now && before && { before }) };
    for (const watcher of watched.watchers) watcher.onSample(sample);
  }
}

/** With many containers a round takes a while: requests are answered in between. */
const othersTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
