import { GantryError } from "./errors.ts";
import { parseDuration } from "./units.ts";

const SECOND = 1_000_000_000n;
const UNIX = /^(-?)(\d+)(?:\.(\d{1,9})\d*)?$/;
const DATE_TIME =
  /^(\d{4}-\d{2}-\d{2})(?:T(\d{2})(?::?(\d{2}))?(?::?(\d{2}))?(?:\.(\d{1,9})\d*)?(Z|[+-]\d{2}:?\d{2})?|(Z|[+-]\d{2}:?\d{2}))?$/;

/** An RFC 3339 time (a date alone, hours, minutes and fraction optional; UTC without a zone) in ns since the epoch. */
function dateTime(text: string): bigint | undefined {
  const match = DATE_TIME.exec(text);
  if (match === null) return undefined;
  const [, date, hour = "00", minute = "00", second = "00", fraction = "", zone, dateZone] = match;
  const offset = (zone ?? dateZone ?? "Z").replace(/^([+-]\d{2})(\d{2})$/, "$1:$2");
  const ms = Date.parse(`${date}T${hour}:${minute}:${second}${offset}`);
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}

/**
 * A point in time as `--since` and `--until` take it: Unix seconds with up to nine decimals, an RFC 3339 time, or a
 * Go duration back from `now` (ms since the epoch). Returns nanoseconds since the epoch. Throws invalid BAD_TIME.
 */
export function parseTimestamp(text: string, now: number): bigint {
  const unix = UNIX.exec(text);
  if (unix !== null) {
    const size = BigInt(unix[2] ?? "0") * SECOND + BigInt((unix[3] ?? "").padEnd(9, "0"));
    return unix[1] === "-" ? -size : size;
  }
  const time = dateTime(text);
  if (time !== undefined) return time;
  try {
    return BigInt(now) * 1_000_000n - BigInt(parseDuration(text));
  } catch (cause) {
    const message = `failed to parse value as time or duration: ${JSON.stringify(text)}`;
    throw new GantryError("invalid", "BAD_TIME", message, { cause });
  }
}

/** Milliseconds since the epoch, with fractions, as RFC 3339 with nanoseconds in UTC. */
export function stampOf(ms: number): string {
  const whole = Math.floor(ms);
  const rest = Math.round((ms - whole) * 1e6);
  return `${new Date(whole).toISOString().slice(0, -1)}${String(Math.min(rest, 999_999)).padStart(6, "0")}Z`;
}
