import type { HealthConfig } from "../base/container-config.ts";
import { formatDuration } from "../base/units.ts";

/** Go's %q of a list of strings: `["sh" "-c" "echo"]`, as Docker's history shows commands. */
export const quotedList = (words: readonly string[]): string => `[${words.map(quoted).join(" ")}]`;

const ESCAPES: Record<string, string> = {
  '"': '\\"',
  "\\": "\\\\",
  "\u0007": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

const escapeControl = (c: string): string =>
  ESCAPES[c] ?? `\\x${(c.codePointAt(0) ?? 0).toString(16).padStart(2, "0")}`;

/** Go's %q of a string. */
export const quoted = (text: string): string => `"${text.replace(/["\\\u0000-\u001f\u007f]/g, escapeControl)}"`;

/** Go's %q of a number: the character with that code. */
const quotedRune = (code: number): string => {
  const c = String.fromCodePoint(code);
  if (c === "'") return "'\\''";
  return `'${c === '"' ? c : c.replace(/[\\\u0000-\u001f\u007f]/g, escapeControl)}'`;
};

const time = (ns: number | undefined): string => `"${formatDuration(ns ?? 0)}"`;

/** A health check as Docker's history prints it. */
export function healthText(health: HealthConfig): string {
  const times = [health.Interval, health.Timeout, health.StartPeriod, health.StartInterval].map(time).join(" ");
  const retries = Math.min(health.Retries ?? 0, 0x10ffff);
  return `&{${quotedList(health.Test ?? [])} ${times} ${quotedRune(retries)}}`;
}
