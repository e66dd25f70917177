import { GantryError } from "./errors.ts";
import { formatDuration } from "./units.ts";

/** How a network is made worse, in each direction. Durations in nanoseconds, shares in percent of the packets. */
export interface TrafficShape {
  delay?: number;
  /** By how much the delay varies, up and down. */
  jitter?: number;
  loss?: number;
  duplicate?: number;
  corrupt?: number;
  /** Packets that are sent at once instead of after the delay. */
  reorder?: number;
  /** Bits a second. */
  rate?: number;
}

const SHARES = ["loss", "duplicate", "corrupt", "reorder"] as const;
const LEAST = 0.001;
/** What the kernel counts in: 2³² steps of 64 ns. */
const LONGEST = 2 ** 32 * 64;
const SLOWEST = 8_000;
const FASTEST = 1e12;

/** Throws invalid BAD_SHAPE. */
export function checkShape(shape: TrafficShape): void {
  if (Object.values(shape).every((value) => value === undefined)) {
    throw bad("nothing is said of how the network is to be", "give a delay, a loss or a rate");
  }
  for (const name of SHARES) {
    const share = shape[name];
    if (share !== undefined && !(share >= LEAST && share <= 100)) {
      throw bad(`${name} must be between ${LEAST}% and 100%`);
    }
  }
  for (const name of ["delay", "jitter"] as const) {
    const duration = shape[name];
    if (duration !== undefined && !(duration > 0 && duration < LONGEST)) {
      throw bad(`${name} must be above 0 and at most ${Math.floor(LONGEST / 1e9)}s`);
    }
  }
  const { delay, jitter, reorder, rate } = shape;
  if (jitter !== undefined && jitter > (delay ?? 0)) throw bad("jitter must not be more than the delay");
  if (reorder !== undefined && delay === undefined) throw bad("only what has a delay can be reordered: give one too");
  if (rate !== undefined && !(rate >= SLOWEST && rate <= FASTEST)) {
    throw bad(`rate must be between ${formatRate(SLOWEST)} and ${formatRate(FASTEST)}`);
  }
}

const RATE_UNITS = ["", "k", "m", "g", "t"];

/** "10mbit", "1.5gbit", "64000bit" → bits a second. Throws invalid BAD_SHAPE. */
export function parseRate(text: string): number {
  const [, number = "", prefix = ""] = /^(\d+(?:\.\d+)?)([kmgt]?)bit$/.exec(text.toLowerCase()) ?? [];
  if (number === "") throw bad(`not a rate: ${JSON.stringify(text)}`, "write bits a second: 512kbit, 10mbit, 1gbit");
  return Math.round(Number(number) * 1000 ** RATE_UNITS.indexOf(prefix));
}

export function formatRate(bits: number): string {
  const step = Math.min(RATE_UNITS.length - 1, Math.floor(Math.log10(bits) / 3));
  return `${Number((bits / 1000 ** step).toFixed(3))}${RATE_UNITS[step]}bit`;
}

/** "5%", "0.1%" or "5" → 5, 0.1, 5. Throws invalid BAD_SHAPE. */
export function parseShare(text: string): number {
  if (!/^\d+(\.\d+)?%?$/.test(text))
    throw bad(`not a share of the packets: ${JSON.stringify(text)}`, "write 5% or 0.1%");
  return Number(text.replace("%", ""));
}

/** "delay 200ms ±20ms, loss 5%, rate 10mbit" */
export function shapeWords({ delay, jitter, rate, ...shares }: TrafficShape): string {
  const words: string[] = [];
  if (delay !== undefined) words.push(`delay ${formatDuration(delay)}${jitter ? ` ±${formatDuration(jitter)}` : ""}`);
  for (const name of SHARES) if (shares[name] !== undefined) words.push(`${name} ${shares[name]}%`);
  if (rate !== undefined) words.push(`rate ${formatRate(rate)}`);
  return words.join(", ");
}

const bad = (message: string, hint?: string): GantryError =>
  new GantryError("invalid", "BAD_SHAPE", message, hint === undefined ? {} : { hint });
