/** A piece of the logical line with its place. */
export interface Word {
  text: string;
  offset: number;
}

/** Splits at blanks outside of quotes; quotes and escapes stay in the words. */
export function quotedWords(text: string, escape: string): Word[] {
  const words: Word[] = [];
  let start = -1;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? "";
    if (quote === "" && /\s/.test(c)) {
      if (start >= 0) words.push({ text: text.slice(start, i), offset: start });
      start = -1;
      continue;
    }
    if (start < 0) start = i;
    if (c === escape && quote !== "'") i += 1;
    else if (quote === "" && (c === '"' || c === "'")) quote = c;
    else if (c === quote) quote = "";
  }
  if (start >= 0) words.push({ text: text.slice(start), offset: start });
  return words;
}

/** Takes quotes and escapes off a flag. */
export function unquoted(text: string, escape: string): string {
  let result = "";
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? "";
    if (c === (quote === "" ? escape : "\\")) result += text[++i] ?? "";
    else if (quote === "" && (c === '"' || c === "'")) quote = c;
    else if (c === quote) quote = "";
    else result += c;
  }
  return result;
}
