import type { Clock } from "../../ports/clock.ts";

/** The machine's clock. */
export class SystemClock implements Clock {
  private last = 0n;

  now(): number {
    return Date.now();
  }

  stamp(): string {
    const measured = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e3)) * 1000n;
    const wall = BigInt(Date.now()) * 1_000_000n;
    // The monotonic clock gives the digits below a millisecond; after a step of the wall clock the wall wins.
    const drift = measured > wall ? measured - wall : wall - measured;
    let nanos = drift < 50_000_000n ? measured : wall;
    if (nanos <= this.last) nanos = this.last + 1n;
    this.last = nanos;
    const seconds = new Date(Number(nanos / 1_000_000n)).toISOString().slice(0, 19);
    return `${seconds}.${String(nanos % 1_000_000_000n).padStart(9, "0")}Z`;
  }

  after(ms: number, fn: () => void): () => void {
    const timer = setTimeout(fn, Math.min(ms, 2 ** 31 - 1)).unref();
    return () => clearTimeout(timer);
  }
}
