import { GantryError } from "./errors.ts";
import { formatFloat } from "./go-float.ts";

/**
 * Sizes and times as Docker's clients write and read them. The rendering follows docker/go-units
 * and Go's time package to the letter, since scripts compare the output.
 */

const DECIMAL_UNITS = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
const BINARY_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];

function scale(bytes: number, base: number, units: string[], digits: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= base && unit < units.length - 1) {
    size /= base;
    unit += 1;
  }
  return `${formatFloat(size, "g", digits)}${units[unit]}`;
}

/** Decimal, four significant digits: 1234567 → "1.235MB". */
export const humanSize = (bytes: number): string => humanSizeWithPrecision(bytes, 4);

/** Decimal with `digits` significant digits; `docker images` and `ps -s` use 3: 1234567 → "1.23MB". */
export const humanSizeWithPrecision = (bytes: number, digits: number): string =>
  scale(bytes, 1000, DECIMAL_UNITS, digits);

/** Binary, four significant digits: 1258291 → "1.2MiB". */
export const bytesSize = (bytes: number): string => scale(bytes, 1024, BINARY_UNITS, 4);

/** A span in words as `docker ps` shows it; milliseconds. */
export function humanDuration(ms: number): string {
  const exactSeconds = ms / 1000;
  const seconds = Math.trunc(exactSeconds);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.trunc(exactSeconds / 60);
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  const exactHours = exactSeconds / 3600;
  const hours = Math.trunc(exactHours + 0.5);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`;
  return `${Math.trunc(exactHours / 24 / 365)} years`;
}

const BINARY_PREFIXES = "bkmgtp";

/**
 * A memory size as `--memory` takes it: a number, then optionally a blank and b, k, m, g, t or p (any case, also "kb"
 * and "KiB"), in powers of 1024. Returns whole bytes. Throws invalid BAD_SIZE.
 */
export const parseBytes = (text: string): number => parseSize(text, 1024);

/** As parseBytes in powers of 1000, as a log's `max-size` is meant. */
export const parseDecimalBytes = (text: string): number => parseSize(text, 1000);

function parseSize(text: string, base: number): number {
  const refuse = (message = `invalid size: '${text}'`): GantryError => new GantryError("invalid", "BAD_SIZE", message);
  const end = /[\d. ][^\d. ]*$/.exec(text)?.index;
  if (end === undefined) throw refuse();
  const number = text.slice(0, text[end] === " " ? end : end + 1);
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(number)) {
    throw refuse(`strconv.ParseFloat: parsing ${JSON.stringify(number)}: invalid syntax`);
  }
  const size = Number(number);
  if (size < 0) throw refuse();
  const suffix = text.slice(end + 1).toLowerCase();
  const match = /^(?:b?|([kmgtp])(?:i?b)?)$/.exec(suffix);
  if (match === null) throw refuse(`invalid suffix: '${suffix}'`);
  return Math.trunc(size * base ** BINARY_PREFIXES.indexOf(match[1] ?? "b"));
}

const NANOSECONDS: Record<string, number> = {
  ns: 1,
  us: 1e3,
  µs: 1e3, // U+00B5 micro sign
  μs: 1e3, // U+03BC Greek mu
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};
const LONGEST = 2 ** 63;

const badDuration = (message: string): GantryError => new GantryError("invalid", "BAD_DURATION", `time: ${message}`);

/**
 * Go's time.ParseDuration: "1m30s", "1.5h", "-300ms", "0". Returns nanoseconds (exact below 2⁵³ ns, about 104 days).
 * Throws invalid BAD_DURATION in Go's words.
 */
export function parseDuration(text: string): number {
  const quoted = JSON.stringify(text);
  let rest = text;
  let sign = 1;
  if (rest.startsWith("-") || rest.startsWith("+")) {
    if (rest.startsWith("-")) sign = -1;
    rest = rest.slice(1);
  }
  if (rest === "0") return 0;
  if (rest === "") throw badDuration(`invalid duration ${quoted}`);
  let total = 0;
  while (rest !== "") {
    const number = /^\d*(?:\.\d*)?/.exec(rest)?.[0] ?? "";
    if (!/\d/.test(number)) throw badDuration(`invalid duration ${quoted}`);
    rest = rest.slice(number.length);
    const unit = /^[^.\d]*/.exec(rest)?.[0] ?? "";
    if (unit === "") throw badDuration(`missing unit in duration ${quoted}`);
    rest = rest.slice(unit.length);
    const factor = Object.hasOwn(NANOSECONDS, unit) ? NANOSECONDS[unit] : undefined;
    if (factor === undefined) throw badDuration(`unknown unit ${JSON.stringify(unit)} in duration ${quoted}`);
    const [whole = "", fraction = ""] = number.split(".");
    // Go adds the fraction apart and cuts it, so that 1.1s is 1100000000 and not a neighbour of it.
    total += Number(whole === "" ? "0" : whole) * factor;
    if (fraction !== "") total += Math.trunc((Number(fraction) * factor) / 10 ** fraction.length);
    if (total > LONGEST || (total === LONGEST && sign > 0)) throw badDuration(`invalid duration ${quoted}`);
  }
  return total === 0 ? 0 : sign * total;
}

/** A decimal number of `value / 10^digits` without trailing zeros. */
function decimal(value: bigint, digits: number): string {
  const divisor = 10n ** BigInt(digits);
  const fraction = (value % divisor).toString().padStart(digits, "0").replace(/0+$/, "");
  return fraction === "" ? `${value / divisor}` : `${value / divisor}.${fraction}`;
}

/** Go's Duration.String(): 90000000000 → "1m30s", 1500000 → "1.5ms", 0 → "0s". */
export function formatDuration(ns: number): string {
  const whole = BigInt(Math.trunc(ns));
  const size = whole < 0n ? -whole : whole;
  const sign = whole < 0n ? "-" : "";
  if (size === 0n) return "0s";
  if (size < 1000n) return `${sign}${size}ns`;
  if (size < 1_000_000n) return `${sign}${decimal(size, 3)}µs`;
  if (size < 1_000_000_000n) return `${sign}${decimal(size, 6)}ms`;
  const minutes = size / 60_000_000_000n;
  const seconds = `${decimal(size % 60_000_000_000n, 9)}s`;
  if (minutes === 0n) return `${sign}${seconds}`;
  if (minutes < 60n) return `${sign}${minutes}m${seconds}`;
  return `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`;
}
