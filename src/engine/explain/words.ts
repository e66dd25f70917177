import type { ByHand } from "../../base/explanation.ts";

/** One word of a shell's command line. */
export const word = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

export const byHand = (command: string, shows: string): ByHand => ({ command, shows });
