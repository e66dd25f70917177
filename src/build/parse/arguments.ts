import type { KeyValue } from "./instruction.ts";
import type { LogicalLine } from "./lines.ts";
import { nearest, type Place, Problem } from "./problem.ts";

/** A piece of the logical line with its place. */
export interface Word {
  text: string;
  offset: number;
}

export interface Flag {
  name: string;
  /** undefined: given without `=`. */
  value?: string;
  word: Word;
}

/** One instruction's arguments: flags taken off, the rest still as written. */
export class Arguments {
  readonly name: string;
  readonly rest: Word;
  readonly line: LogicalLine;
  readonly escape: string;
  private readonly flags: Flag[];

  constructor(name: string, line: LogicalLine, start: number, escape: string) {
    this.name = name;
    this.line = line;
    this.escape = escape;
    const { flags, end } = leadingFlags(line.text, start, escape);
    this.flags = flags;
    this.rest = { text: line.text.slice(end), offset: end };
  }

  problem(message: string, word: Word = this.rest, meant?: string): Problem {
    const at: Place = this.line.placeOf(word.offset);
    return new Problem(message, at, Math.max(1, word.text.trimEnd().length), meant);
  }

  /** The word of the instruction itself. */
  get head(): Word {
    return { text: this.line.text.slice(0, this.name.length), offset: 0 };
  }

  /** Checks the flags against those that the instruction takes. */
  takes(names: readonly string[], repeatable: readonly string[] = []): Map<string, Flag[]> {
    const result = new Map<string, Flag[]>();
    for (const flag of this.flags) {
      if (!names.includes(flag.name) && !repeatable.includes(flag.name)) {
        const meant = nearest(flag.name, [...names, ...repeatable]);
        const about = { text: `--${flag.name}`, offset: flag.word.offset };
        throw this.problem(`unknown flag: --${flag.name}`, about, meant === undefined ? undefined : `--${meant}`);
      }
      const seen = result.get(flag.name) ?? [];
      if (seen.length > 0 && !repeatable.includes(flag.name)) {
        throw this.problem(`duplicate flag specified: ${flag.name}`, flag.word);
      }
      seen.push(flag);
      result.set(flag.name, seen);
    }
    return result;
  }

  /** The value of a flag that needs one. */
  text(flags: Map<string, Flag[]>, name: string): string | undefined {
    const flag = flags.get(name)?.[0];
    if (flag === undefined) return undefined;
    if (flag.value === undefined) throw this.problem(`missing a value on flag: ${name}`, flag.word);
    return flag.value;
  }

  /** A switch: `--link`, `--link=true`, `--link=false`. */
  bool(flags: Map<string, Flag[]>, name: string): boolean {
    const flag = flags.get(name)?.[0];
    if (flag === undefined) return false;
    const value = (flag.value ?? "true").toLowerCase();
    if (value !== "true" && value !== "false") {
      throw this.problem(`expecting boolean value for flag ${name}, not: ${flag.value}`, flag.word);
    }
    return value === "true";
  }

  /** The rest as a JSON array of strings, or undefined where it is none (then it is the shell form). */
  json(): string[] | undefined {
    const text = this.rest.text.trim();
    if (!text.startsWith("[")) return undefined;
    try {
      const parsed: unknown = JSON.parse(text);
      return Array.isArray(parsed) && parsed.every((item) => typeof item === "string") ? parsed : undefined;
    } catch {
      return undefined;
    }
  }

  /** The rest, split at blanks. */
  words(): Word[] {
    return [...this.rest.text.matchAll(/\S+/g)].map((m) => ({ text: m[0], offset: this.rest.offset + m.index }));
  }

  /** The rest, split at blanks outside of quotes; quotes and escapes stay. */
  quotedWords(): Word[] {
    return quotedWords(this.rest.text, this.escape).map((w) => ({ text: w.text, offset: this.rest.offset + w.offset }));
  }

  /** ENV's and LABEL's arguments: `key=value …`, or the old `key the rest`. */
  pairs(): KeyValue[] {
    const words = this.quotedWords();
    const first = words[0];
    if (first === undefined) throw this.problem(`${this.name} requires at least one argument`, this.head);
    if (!first.text.includes("=")) {
      const [, key = "", value] = /^(\S+)\s+([\s\S]*)$/.exec(this.rest.text.trim()) ?? [];
      if (value === undefined) throw this.problem(`${this.name} must have two arguments`, first);
      return [{ key, value }];
    }
    return words.map((word) => {
      const cut = word.text.indexOf("=");
      if (cut < 0) {
        const shown = JSON.stringify(word.text);
        throw this.problem(`Syntax error - can't find = in ${shown}. Must be of the form: name=value`, word);
      }
      if (cut === 0) throw this.problem(`${this.name} names can not be blank`, word);
      return { key: word.text.slice(0, cut), value: word.text.slice(cut + 1) };
    });
  }
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

/** `--name`, `--name=value` words at the start; a lone `--` ends them. */
function leadingFlags(text: string, start: number, escape: string): { flags: Flag[]; end: number } {
  const flags: Flag[] = [];
  let end = start;
  for (const word of quotedWords(text.slice(start), escape)) {
    if (!word.text.startsWith("--")) break;
    end = start + word.offset + word.text.length;
    if (word.text === "--") break;
    const bare = unquote(word.text.slice(2), escape);
    const cut = bare.indexOf("=");
    flags.push({
      name: cut < 0 ? bare : bare.slice(0, cut),
      ...(cut < 0 ? {} : { value: bare.slice(cut + 1) }),
      word: { text: word.text, offset: start + word.offset },
    });
  }
  while (/\s/.test(text[end] ?? "")) end += 1;
  return { flags, end };
}

/** Takes quotes and escapes off a flag. */
function unquote(text: string, escape: string): string {
  let result = "";
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? "";
    if (c === escape && quote !== "'" && /["'\\\s`]/.test(text[i + 1] ?? "")) result += text[++i] ?? "";
    else if (quote === "" && (c === '"' || c === "'")) quote = c;
    else if (c === quote) quote = "";
    else result += c;
  }
  return result;
}
