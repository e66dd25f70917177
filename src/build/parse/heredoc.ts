import type { Heredoc } from "./instruction.ts";
import { quotedWords } from "./words.ts";

export type Opening = Omit<Heredoc, "content">;

const OPENING = /^\d*<<(-?)\s*([^<]*)$/;
/** An opening that a blank divides from its delimiter. */
const APART = /^\d*<<-?$/;
const PLAIN_NAME = /^(["']?)[A-Za-z_][\w-]*\1$/;

/** The here-document that the text opens, if it does just this: `<<EOF`, `<<-EOF`, `<<'EOF'`, `3<<EOF`, `<< EOF`. */
export function heredocOf(text: string): Opening | undefined {
  const match = OPENING.exec(text);
  if (!match) return undefined;
  const [written = "", more] = quotedWords(match[2] ?? "", "\\").map((word) => word.text);
  if (more !== undefined) return undefined;
  const name = written.replace(/\\(.)|["']/g, "$1");
  return name === "" ? undefined : { name, chomp: match[1] === "-", expand: !/["'\\]/.test(written) };
}

/**
 * All here-documents that a logical line opens, in order. `<< EOF` with a blank is one only if `ends` knows its
 * delimiter: else it may as well be a shift (`$((1 << n))`).
 */
export function heredocsOf(text: string, escape: string, ends: (opening: Opening) => boolean): Opening[] {
  const words = quotedWords(text, escape).map((word) => word.text);
  return words.flatMap((word, index) => {
    const next = words[index + 1] ?? "";
    const apart = APART.test(word) && PLAIN_NAME.test(next) ? heredocOf(word + next) : undefined;
    return heredocOf(word) ?? (apart && ends(apart) ? apart : []);
  });
}

/** Is this the line that ends it? */
export const endsAt = ({ name, chomp }: Opening, line: string): boolean =>
  (chomp ? line.replace(/^\t+/, "") : line) === name;

/** Takes the leading tabs off every line (`<<-`). */
export const chomp = (content: string): string => content.replace(/^\t+/gm, "");

/** The here-document's text as the file or script that it stands for. */
export const heredocText = (heredoc: Heredoc): string => (heredoc.chomp ? chomp(heredoc.content) : heredoc.content);
