import type { Heredoc } from "./instruction.ts";

type Opening = Omit<Heredoc, "content">;

const OPENING = /^\d*<<(-?)([^<]+)$/;

/** The here-document that one shell word opens, if it does: `<<EOF`, `<<-EOF`, `<<'EOF'`, `3<<EOF`. */
export function heredocOf(word: string): Opening | undefined {
  const match = OPENING.exec(word);
  if (!match) return undefined;
  const written = match[2] ?? "";
  const quoted = /^(["'])(.*)\1$/.exec(written);
  const name = quoted ? (quoted[2] ?? "") : written.replace(/\\(.)/g, "$1");
  if (name === "" || /["'\s]/.test(name)) return undefined;
  return { name, chomp: match[1] === "-", expand: !quoted && !written.includes("\\") };
}

/** All here-documents that a logical line opens, in order. */
export function heredocsOf(text: string, escape: string): Opening[] {
  return shellWords(text, escape)
    .map(heredocOf)
    .filter((opening) => opening !== undefined);
}

/** Words at blanks outside of quotes, quotes and escapes kept as written. */
export function shellWords(text: string, escape: string): string[] {
  const words: string[] = [];
  let word = "";
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? "";
    if (quote === "" && /\s/.test(c)) {
      if (word !== "") words.push(word);
      word = "";
      continue;
    }
    word += c;
    if (c === escape && quote !== "'") word += text[++i] ?? "";
    else if (quote === "" && (c === '"' || c === "'")) quote = c;
    else if (c === quote) quote = "";
  }
  if (word !== "") words.push(word);
  return words;
}

/** Takes the leading tabs off every line (`<<-`). */
export const chomp = (content: string): string => content.replace(/^\t+/gm, "");

/** The here-document's text as the file or script that it stands for. */
export const heredocText = (heredoc: Heredoc): string => (heredoc.chomp ? chomp(heredoc.content) : heredoc.content);
