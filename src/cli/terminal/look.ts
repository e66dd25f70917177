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

/** At most `width` letters, colours not counted and kept whole. */
export function clipped(text: string, width: number): string {
  if (withoutEscapes(text).length <= width) return text;
  let left = width - 1;
  let result = "";
  for (const part of text.split(/(\u001b\[[0-9;]*m)/)) {
    if (part.startsWith("\u001b[")) result += part;
    else {
      result += part.slice(0, Math.max(0, left));
      if (part.length > left && left >= 0) result += "…";
      left -= part.length > left ? Infinity : part.length;
    }
  }
  return result;
}
