import type { KeyValue } from "./instruction.ts";
import type { LogicalLine } from "./lines.ts";
import type { Place } from "../../base/excerpt.ts";
import { nearest, Problem } from "./problem.ts";
import { quotedWords, unquoted, type Word } from "./words.ts";

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
    return this.texts(flags, name)[0];
  }

  /** The values of a flag that may be given several times. */
  texts(flags: Map<string, Flag[]>, name: string): string[] {
    return (flags.get(name) ?? []).map((flag) => {
      if (flag.value === undefined) throw this.problem(`missing a value on flag: ${name}`, flag.word);
      return flag.value;
    });
  }

  /** A switch: `--link`, `--link=true`, `--link=false`. */
  bool(flags: Map<string, Flag[]>, name: string): boolean {
    const flag = flags.get(name)?.[0];
    if (flag === undefined) return false;
    const value = (flag.value || "true").toLowerCase();
    if (value !== "true" && value !== "false") {
      throw this.problem(`expecting boolean value for flag ${name}, not: ${flag.value}`, flag.word);
    }
    return value === "true";
  }

  /** The rest (or this part of it) as a JSON array of strings, or undefined where it is none: then it is the shell form. */
  json(from: Word = this.rest): string[] | undefined {
    const text = from.text.trim();
    if (!text.startsWith("[")) return undefined;
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch {
      return undefined;
    }
    if (Array.isArray(parsed) && parsed.every((item) => typeof item === "string")) return parsed;
    throw this.problem("when using JSON array syntax, arrays must be comprised of strings only", from);
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
  pairs(): { pairs: KeyValue[]; legacy?: true } {
    const words = this.quotedWords();
    const first = words[0];
    if (first === undefined) throw this.problem(`${this.name} requires at least one argument`, this.head);
    if (!first.text.includes("=")) {
      const [, key = "", value] = /^(\S+)\s+([\s\S]*)$/.exec(this.rest.text.trim()) ?? [];
      if (value === undefined) throw this.problem(`${this.name} must have two arguments`, first);
      return { pairs: [{ key, value }], legacy: true };
    }
    const pairs = words.map((word) => {
      const cut = word.text.indexOf("=");
      if (cut < 0) {
        const shown = JSON.stringify(word.text);
        throw this.problem(`Syntax error - can't find = in ${shown}. Must be of the form: name=value`, word);
      }
      if (cut === 0) throw this.problem(`${this.name} names can not be blank`, word);
      return { key: word.text.slice(0, cut), value: word.text.slice(cut + 1) };
    });
    return { pairs };
  }
}

/** `--name`, `--name=value` words at the start; a lone `--` ends them. */
function leadingFlags(text: string, start: number, escape: string): { flags: Flag[]; end: number } {
  const flags: Flag[] = [];
  let end = start;
  for (const word of quotedWords(text.slice(start), escape)) {
    if (!word.text.startsWith("--")) break;
    end = start + word.offset + word.text.length;
    if (word.text === "--") break;
    const bare = unquoted(word.text.slice(2), escape);
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
