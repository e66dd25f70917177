import type { Timestamp } from "../syscalls/files.ts";
import { badArchive } from "./entry.ts";

const SPACE = 0x20;
const ZERO = 0x30;
const SEVEN = 0x37;

/** A numeric header field: octal digits, or GNU's base 256 when the top bit is set. Empty means 0. May be negative. */
export function parseNumber(block: Buffer, start: number, length: number): number {
  const end = start + length;
  const first = block[start]!;
  if (first & 0x80) return parseBase256(block, start, end);
  let at = start;
  while (at < end && (block[at] === SPACE || block[at] === 0)) at++;
  let value = 0;
  for (; at < end; at++) {
    const digit = block[at]!;
    if (digit === SPACE || digit === 0) break;
    if (digit < ZERO || digit > SEVEN) throw badArchive("a number in the header is not octal");
    value = value * 8 + (digit - ZERO);
  }
  return value;
}

function parseBase256(block: Buffer, start: number, end: number): number {
  const negative = (block[start]! & 0x40) !== 0;
  let value = BigInt(negative ? (block[start]! | 0x80) - 256 : block[start]! & 0x7f);
  for (let at = start + 1; at < end; at++) value = value * 256n + BigInt(block[at]!);
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw badArchive("a number in the header is too big");
  return number;
}

/** A decimal whole number of a PAX record. */
export function parseDecimal(text: string, key: string): number {
  const value = /^-?[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw badArchive(`PAX ${key} is no whole number`);
  return value;
}

/** PAX seconds with a fraction, rounded down to the nanosecond. */
export function parseTime(text: string): Timestamp {
  const match = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/.exec(text);
  if (!match) throw badArchive("PAX mtime is no time");
  const seconds = Number(match[2]);
  const nanoseconds = Number((match[3] ?? "").slice(0, 9).padEnd(9, "0"));
  if (match[1] !== "-") return { seconds, nanoseconds };
  return nanoseconds === 0
    ? { seconds: 0 - seconds, nanoseconds }
    : { seconds: -seconds - 1, nanoseconds: 1e9 - nanoseconds };
}

/** PAX seconds; the fraction only as long as needed. */
export function formatTime({ seconds, nanoseconds }: Timestamp): string {
  if (nanoseconds === 0) return String(seconds);
  const negative = seconds < 0;
  const whole = negative ? -seconds - 1 : seconds;
  const fraction = String(negative ? 1e9 - nanoseconds : nanoseconds)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return `${negative ? "-" : ""}${whole}.${fraction}`;
}
