export type Quote = "" | "'" | '"';

export interface Word {
  /** As the shell would hand it over, but nothing in it is expanded or run. */
  text: string;
  /** As it was typed. */
  raw: string;
  /** The quotation mark that is still open at the end. */
  open: Quote;
}

/** Splits a command line at its blanks. The last word is the one under the cursor; after a blank it is empty. */
export function splitLine(line: string): Word[] {
  const words: Word[] = [];
  let word: Word | undefined;
  let open: Quote = "";
  for (let at = 0; at < line.length; at += 1) {
    const char = line[at]!;
    if (open === "" && /\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    word ??= { text: "", raw: "", open: "" };
    word.raw += char;
    if (open === "" && (char === "'" || char === '"')) open = char;
    else if (char === open) open = "";
    else if (char === "\\" && open !== "'" && at + 1 < line.length) {
      const next = line[(at += 1)]!;
      word.raw += next;
      word.text += open === '"' && !'$`"\\'.includes(next) ? `\\${next}` : next;
    } else word.text += char;
    word.open = open;
  }
  return [...words, word ?? { text: "", raw: "", open: "" }];
}

/** One word as the shells hand it to a completion: blanks in it were quoted. */
export function unquote(raw: string): string {
  return splitLine(raw)
    .map(({ text }) => text)
    .join(" ");
}

/** The same text for a shell's line, inside of the quotation mark that is open there. */
export function quoteFor(text: string, open: Quote): string {
  if (open === "'") return text.replaceAll("'", String.raw`'\''`);
  if (open === '"') return text.replace(/[$`"\\]/g, String.raw`\$&`);
  return text.replace(/[^\w./:=@,+%^-]/gu, String.raw`\$&`);
}
