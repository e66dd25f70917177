import { globToRegExp } from "./glob.ts";

/** Variables by name; undefined means not set. */
export type Lookup = (name: string) => string | undefined;

/** What expansion refuses; the caller adds the place. */
export class ExpansionError extends Error {
  override readonly name = "ExpansionError";
}

/** Expands `$x`, `${x…}`, quotes and escapes of one word as Dockerfile instructions do. The result stays one word. */
export function expandWord(text: string, lookup: Lookup, escape = "\\"): string {
  return new Expander(text, lookup, escape, "word").all();
}

/** Expands a here-document's body: variables and escaped `$` only, quotes are ordinary characters. */
export function expandHeredoc(text: string, lookup: Lookup): string {
  return new Expander(text, lookup, "\\", "heredoc").all();
}

/** Expands and splits: blanks that come from unquoted variables divide words (EXPOSE). */
export function expandWords(text: string, lookup: Lookup, escape = "\\"): string[] {
  const expander = new Expander(text, lookup, escape, "word");
  expander.all();
  return expander.words;
}

const SPECIAL = /[@*#?\-$!0-9]/;
const NAME_START = /[A-Za-z_]/;
const NAME_PART = /[A-Za-z0-9_]/;

class Expander {
  readonly words: string[] = [];
  private readonly text: string;
  private readonly lookup: Lookup;
  private readonly escape: string;
  private readonly mode: "word" | "heredoc";
  private at = 0;
  private current: string | undefined;

  constructor(text: string, lookup: Lookup, escape: string, mode: "word" | "heredoc") {
    this.text = text;
    this.lookup = lookup;
    this.escape = escape;
    this.mode = mode;
  }

  all(): string {
    const result = this.until("");
    this.endWord();
    return result;
  }

  /** Up to the unquoted `stop` (not taken); "" means the end. */
  private until(stop: string): string {
    let result = "";
    const take = (piece: string, quoted: boolean, expanded = false): void => {
      result += piece;
      if (stop === "") this.feed(piece, quoted, expanded);
    };
    while (this.at < this.text.length) {
      const c = this.text[this.at] ?? "";
      if (stop !== "" && c === stop) return result;
      if (c === "$") take(this.dollar(), false, true);
      else if (this.mode === "word" && c === "'") take(this.single(), true);
      else if (this.mode === "word" && c === '"') take(this.double(), true);
      else if (c === this.escape) take(this.escaped(), true);
      else {
        this.at += 1;
        take(c, false);
      }
    }
    if (stop !== "") throw new ExpansionError(`unexpected end of statement while looking for matching ${stop}`);
    return result;
  }

  private feed(piece: string, quoted: boolean, expanded: boolean): void {
    if (quoted) {
      this.current = (this.current ?? "") + piece;
      return;
    }
    if (expanded && piece === "") return;
    for (const [index, part] of piece.split(/\s+/).entries()) {
      if (index > 0) this.endWord();
      if (part !== "") this.current = (this.current ?? "") + part;
    }
  }

  private endWord(): void {
    if (this.current !== undefined) this.words.push(this.current);
    this.current = undefined;
  }

  private escaped(): string {
    const next = this.text[this.at + 1];
    this.at += 2;
    if (next === undefined) return this.mode === "word" ? "" : this.escape;
    if (this.mode === "heredoc" && next !== "$" && next !== this.escape) return this.escape + next;
    return next;
  }

  private single(): string {
    const end = this.text.indexOf("'", this.at + 1);
    if (end < 0) throw new ExpansionError("unexpected end of statement while looking for matching single-quote");
    const inner = this.text.slice(this.at + 1, end);
    this.at = end + 1;
    return inner;
  }

  private double(): string {
    this.at += 1;
    let result = "";
    for (;;) {
      const c = this.text[this.at];
      if (c === undefined) {
        throw new ExpansionError("unexpected end of statement while looking for matching double-quote");
      }
      if (c === '"') {
        this.at += 1;
        return result;
      }
      if (c === "$") result += this.dollar();
      else if (c === this.escape) {
        const next = this.text[this.at + 1] ?? "";
        this.at += 2;
        result += next === '"' || next === "$" || next === this.escape ? next : c + next;
      } else {
        result += c;
        this.at += 1;
      }
    }
  }

  private dollar(): string {
    this.at += 1;
    const c = this.text[this.at] ?? "";
    if (c === "{") {
      this.at += 1;
      return this.braces();
    }
    const name = this.takeName();
    return name === "" ? "$" : (this.lookup(name) ?? "");
  }

  private takeName(): string {
    const c = this.text[this.at] ?? "";
    if (c !== "" && SPECIAL.test(c)) {
      this.at += 1;
      return c;
    }
    if (!NAME_START.test(c)) return "";
    const start = this.at;
    while (NAME_PART.test(this.text[this.at] ?? "")) this.at += 1;
    return this.text.slice(start, this.at);
  }

  /** After `${`: name, operator, word, `}`. */
  private braces(): string {
    const name = this.takeName();
    if (name === "") throw new ExpansionError("bad substitution");
    const value = this.lookup(name);
    let operator = this.text[this.at] ?? "";
    if (operator === "}") {
      this.at += 1;
      return value ?? "";
    }
    this.at += 1;
    let strict = false;
    if (operator === ":") {
      strict = true;
      operator = this.text[this.at] ?? "";
      this.at += 1;
    }
    const missing = value === undefined || (strict && value === "");
    switch (operator) {
      case "-": {
        const word = this.operand();
        return missing ? word : value;
      }
      case "+": {
        const word = this.operand();
        return missing ? "" : word;
      }
      case "?": {
        const word = this.operand();
        if (!missing) return value;
        throw new ExpansionError(
          `${name}: ${word || `is not allowed to be ${value === undefined ? "unset" : "empty"}`}`,
        );
      }
      default:
    }
    if (strict) throw new ExpansionError(`unsupported modifier (${operator}) in substitution`);
    if (operator === "#" || operator === "%") {
      const greedy = this.text[this.at] === operator;
      if (greedy) this.at += 1;
      const pattern = this.rawOperand("");
      return operator === "#" ? cutStart(value ?? "", pattern, greedy) : cutEnd(value ?? "", pattern, greedy);
    }
    if (operator === "/") {
      const everywhere = this.text[this.at] === "/";
      if (everywhere) this.at += 1;
      const pattern = this.rawOperand("/");
      const replacement = this.operand();
      return replace(value ?? "", pattern, replacement, everywhere);
    }
    throw new ExpansionError(
      operator === "" ? "syntax error: missing '}'" : `unsupported modifier (${operator}) in substitution`,
    );
  }

  /** The expanded word up to `}`, which is taken. */
  private operand(): string {
    const inner = new Expander(this.text.slice(this.at), this.lookup, this.escape, this.mode);
    let word: string;
    try {
      word = inner.until("}");
    } catch (error) {
      if (inner.at >= inner.text.length) throw new ExpansionError("syntax error: missing '}'");
      throw error;
    }
    this.at += inner.at + 1;
    return word;
  }

  /** A pattern: variables expanded, escapes kept for the pattern. Ends at `}` (taken) or at `also` (taken). */
  private rawOperand(also: string): string {
    let pattern = "";
    for (;;) {
      const c = this.text[this.at];
      if (c === undefined) throw new ExpansionError("syntax error: missing '}'");
      if (c === also && also !== "") {
        this.at += 1;
        return pattern;
      }
      if (c === "}") {
        if (also === "") this.at += 1;
        else throw new ExpansionError("syntax error: missing '/' in ${}");
        return pattern;
      }
      if (c === "$") pattern += this.dollar();
      else if (c === this.escape) {
        pattern += `\\${this.text[this.at + 1] ?? ""}`;
        this.at += 2;
      } else {
        pattern += c;
        this.at += 1;
      }
    }
  }
}

/** Takes the shortest (or longest) match of the pattern off the start. */
function cutStart(value: string, pattern: string, greedy: boolean): string {
  const shape = globToRegExp(pattern);
  const order = Array.from({ length: value.length + 1 }, (_, i) => (greedy ? value.length - i : i));
  const length = order.find((n) => shape.test(value.slice(0, n)));
  return length === undefined ? value : value.slice(length);
}

function cutEnd(value: string, pattern: string, greedy: boolean): string {
  const shape = globToRegExp(pattern);
  const order = Array.from({ length: value.length + 1 }, (_, i) => (greedy ? i : value.length - i));
  const start = order.find((n) => shape.test(value.slice(n)));
  return start === undefined ? value : value.slice(0, start);
}

function replace(value: string, pattern: string, replacement: string, everywhere: boolean): string {
  const shape = globToRegExp(pattern, { anchored: false, flags: everywhere ? "g" : "" });
  return value.replace(shape, () => replacement);
}
