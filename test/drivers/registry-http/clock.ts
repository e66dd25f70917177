import type { Clock } from "../../../src/ports/clock.ts";

export const systemClock: Clock = {
  now: () => Date.now(),
  stamp: () => new Date().toISOString(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
