import type { Cell, Part } from "./draw.ts";

export const yes = (value: boolean): string => (value ? "yes" : "no");
export const dim = (text: string): Cell => ({ text, tone: "dim" });
export const list = (words: readonly string[]): string => (words.length === 0 ? "none" : words.join(" "));

/** Rows without a value are left out. */
export const facts = (rows: [string, Cell | undefined][]): Part => ({
  kind: "facts",
  rows: rows.filter((row): row is [string, Cell] => row[1] !== undefined),
});
