import type { Output } from "./output.ts";

/** What may be drawn on an output. */
export interface Look {
  /** Lines may be drawn over. */
  live: boolean;
  colour: boolean;
}

/** Nothing but plain lines for pipes, files and terminals that can do no more; no colours where NO_COLOR is set. */
export function lookOf(out: Output, env: Record<string, string | undefined>): Look {
  const able = out.isTTY && env["TERM"] !== "dumb";
  return { live: able, colour: able && !env["NO_COLOR"] };
}

type Tone = "good" | "bad" | "quiet" | "busy";
const TONES: Record<Tone, string> = { good: "\u001b[32m", bad: "\u001b[31m", quiet: "\u001b[2m", busy: "\u001b[36m" };

export const tinted = (look: Look, tone: Tone, text: string): string =>
  look.colour && text !== "" ? `${TONES[tone]}${text}\u001b[0m` : text;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const ESCAPES = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|[()][A-Z0-9]|[@-Z\\^_])/g;

/** Without what would move a cursor or colour what follows. */
export const withoutEscapes = (text: string): string => text.replace(ESCAPES, "");

/** Signs that take two columns: of East Asia, and pictures. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
/** And those that take none. */
const JOINED = /\p{Mn}|\p{Cf}/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what needs no look at its letters
const PLAIN = /^[\u0000-\u02ff]*$/;

const columns = (letter: string): number => (WIDE.test(letter) ? 2 : JOINED.test(letter) ? 0 : 1);

/** How many columns of a terminal a text takes; it has no escapes. */
export function columnsOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let sum = 0;
  for (const letter of text) sum += columns(letter);
  return sum;
}

/** At most `width` columns, colours not counted and kept whole. */
export function clipped(text: string, width: number): string {
  if (columnsOf(withoutEscapes(text)) <= width) return text;
  let left = width - 1;
  let result = "";
  for (const part of text.split(/(\u001b\[[0-9;]*m)/)) {
    if (part.startsWith("\u001b[")) result += part;
    else {
      for (const letter of part) {
        if (left < 0) break;
        const wide = columns(letter);
        result += wide <= left ? letter : "…";
        left = wide <= left ? left - wide : -1;
      }
    }
  }
  return result;
}
