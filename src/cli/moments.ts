import { parseDuration } from "../base/units.ts";

/**
 * A moment as `--since` and `--until` take it: seconds since 1970, RFC 3339 (also shortened), or a duration before
 * `now`. Gives seconds with nanoseconds, as the API takes them.
 */
export function apiTime(text: string, now: number): string {
  if (/^\d+(\.\d+)?$/.test(text)) {
    const [seconds, fraction = ""] = text.split(".") as [string, string?];
    return `${seconds}.${fraction.padEnd(9, "0").slice(0, 9)}`;
  }
  try {
    const ms = now - parseDuration(text) / 1e6;
    return `${Math.floor(ms / 1000)}.${String(Math.round((ms % 1000) * 1e6)).padStart(9, "0")}`;
  } catch {
    const moment = absolute(text);
    if (moment === undefined) throw new Error(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
    return moment;
  }
}

/** Without a zone it is the user's. */
function absolute(text: string): string | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?)?(Z|[+-]\d\d:\d\d)?$/.exec(
    text,
  );
  if (match === null) return undefined;
  const [, year, month, day, hour = "00", minute = "00", second = "00", fraction = "", zone = ""] = match;
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${zone}`);
  return Number.isNaN(ms) ? undefined : `${ms / 1000}.${fraction.padEnd(9, "0")}`;
}
