import type { Digest } from "../../base/image-config.ts";
import { Mutex } from "../../base/mutex.ts";

/**
 * What running operations rely on before any record names it: layers by chain id, blobs by digest.
 * Nothing held is reclaimed. Taking a hold and reclaiming exclude one another, so that "it is there" stays true.
 */
export class Holds {
  private readonly counts = new Map<Digest, number>();
  private readonly gate = new Mutex();

  /** Holds the digests from the moment this resolves. */
  take(digests: Iterable<Digest>): Promise<Hold> {
    return this.gate.run(() => {
      const hold = new Hold(this.counts, this.gate);
      for (const digest of digests) hold.add(digest);
      return Promise.resolve(hold);
    });
  }

  has(digest: Digest): boolean {
    return this.counts.has(digest);
  }

  /** Runs a reclaim while nobody takes a new hold. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    return this.gate.run(work);
  }
}

export class Hold {
  private readonly counts: Map<Digest, number>;
  private readonly gate: Mutex;
  private readonly mine: Digest[] = [];

  constructor(counts: Map<Digest, number>, gate: Mutex) {
    this.counts = counts;
    this.gate = gate;
  }

  /** Stores something whose digest is known only afterwards: no reclaim comes between. */
  keep<T extends { digest: Digest }>(store: () => Promise<T>): Promise<T> {
    return this.gate.run(async () => {
      const stored = await store();
      this.add(stored.digest);
      return stored;
    });
  }

  /** For what this operation has made itself; what was there before goes through `Holds.take`. */
  add(digest: Digest): void {
    this.mine.push(digest);
    this.counts.set(digest, (this.counts.get(digest) ?? 0) + 1);
  }

  release(): void {
    for (const digest of this.mine.splice(0)) {
      const left = (this.counts.get(digest) ?? 1) - 1;
      if (left === 0) this.counts.delete(digest);
      else this.counts.set(digest, left);
    }
  }
}
