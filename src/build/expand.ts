import { cutEnd, cutStart, PatternError, replace } from "./substitution.ts";

/** Variables by name; undefined means not set. `expected`: the text says itself what to do then (`${x:-y}`). */
export type Lookup = (name: string, expected?: boolean) => string | undefined;

/** What expansion refuses; the caller adds the place. */
export class ExpansionError extends Error {
  override readonly name = "ExpansionError";
}

/** The text ended before what must close it. */
class Unclosed extends ExpansionError {}

/** Expands `$x`, `${x…}`, quotes and escapes of one word as Dockerfile instructions do. The result stays one word. */
export function expandWord(text: string, lookup: Lookup, escape = "\\"): string {
  return new Expander(text, lookup, escape, "word").all();
}

/** Expands a here-document's body: variables and escapes only, quotes are ordinary characters. */
export function expandHeredoc(text: string, lookup: Lookup): string {
  return new Expander(text, lookup, "\\", "heredoc").all();
}

/** Expands and splits: blanks that come from unquoted variables divide words (EXPOSE). */
export function expandWords(text: string, lookup: Lookup, escape = "\\"): string[] {
  const expander = new Expander(text, lookup, escape, "word");
  expander.all();
  return expander.words;
}

const SPECIAL = /[@*#?\-$!]/;
const NAME = "\\p{Nd}+|[\\p{L}_][\\p{L}\\p{Nd}_]*";
/** Substitutions inside of substitutions; deeper ones would only exhaust the stack. */
const DEEPEST = 100;

class Expander {
  readonly words: string[] = [];
  private readonly text: string;
  private readonly lookup: Lookup;
  private readonly escape: string;
  private readonly mode: "word" | "heredoc";
  private readonly nameHere = new RegExp(NAME, "uy");
  private at = 0;
  private depth = 0;
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

  /** Up to the unquoted `stop`, which is taken; "" means the end. `raw`: escapes stay in the result. */
  private until(stop: string, raw = false): string {
    let result = "";
    const take = (piece: string, quoted: boolean, expanded = false): void => {
      result += piece;
      if (stop === "") this.feed(piece, quoted, expanded);
    };
    while (this.at < this.text.length) {
      const c = this.text[this.at] ?? "";
      if (c === stop) {
        this.at += 1;
        return result;
      }
      if (c === "$") take(this.dollar(), false, true);
      else if (this.mode === "word" && c === "'") take(this.single(), true);
      else if (this.mode === "word" && c === '"') take(this.double(raw), true);
      else if (c === this.escape) take(this.escaped(raw), true);
      else {
        this.at += 1;
        take(c, false);
      }
    }
    if (stop !== "") throw new Unclosed(`unexpected end of statement while looking for matching ${stop}`);
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

  /** The character behind an escape; an escape at the very end means nothing. */
  private escaped(raw: boolean): string {
    const next = this.text[this.at + 1] ?? "";
    this.at += 2;
    return raw ? this.escape + next : next;
  }

  private single(): string {
    const end = this.text.indexOf("'", this.at + 1);
    if (end < 0) throw new Unclosed("unexpected end of statement while looking for matching single-quote");
    const inner = this.text.slice(this.at + 1, end);
    this.at = end + 1;
    return inner;
  }

  private double(raw: boolean): string {
    this.at += 1;
    let result = "";
    for (;;) {
      const c = this.text[this.at];
      if (c === undefined) {
        throw new Unclosed("unexpected end of statement while looking for matching double-quote");
      }
      if (c === '"') {
        this.at += 1;
        return result;
      }
      if (c === "$") result += this.dollar();
      else if (c === this.escape) {
        const next = this.text[this.at + 1] ?? "";
        this.at += 2;
        const special = next === '"' || next === "$" || next === this.escape;
        result += special && !raw ? next : c + next;
      } else {
        result += c;
        this.at += 1;
      }
    }
  }

  private dollar(): string {
    this.at += 1;
    if (this.text[this.at] === "{") {
      this.at += 1;
      return this.braces();
    }
    const name = this.takeName();
    return name === "" ? "$" : (this.lookup(name) ?? "");
  }

  private takeName(): string {
    const c = this.text[this.at] ?? "";
    if (SPECIAL.test(c)) {
      this.at += 1;
      return c;
    }
    this.nameHere.lastIndex = this.at;
    const name = this.nameHere.exec(this.text)?.[0] ?? "";
    this.at += name.length;
    return name;
  }

  /** After `${`: name, operator, word, `}`. */
  private braces(): string {
    const name = this.takeName();
    const next = this.text[this.at];
    if (next === undefined) throw new Unclosed("syntax error: missing '}'");
    if (name === "") throw new ExpansionError("syntax error: bad substitution");
    this.at += 1;
    if (next === "}") return this.lookup(name) ?? "";
    const strict = next === ":";
    const operator = strict ? (this.text[this.at++] ?? "") : next;
    switch (operator) {
      case "-":
      case "+":
      case "?":
        return this.conditional(name, operator, strict);
      case "#":
      case "%":
        return this.cut(name, operator);
      case "/":
        if (!strict) return this.replaced(name);
    }
    throw new ExpansionError(`unsupported modifier (${strict ? ":" : ""}${operator}) in substitution`);
  }

  private conditional(name: string, operator: "-" | "+" | "?", strict: boolean): string {
    const word = this.operand("}");
    const value = this.lookup(name, true);
    const missing = value === undefined || (strict && value === "");
    if (operator === "+") return missing ? "" : word;
    if (!missing) return value;
    if (operator === "-") return word;
    throw new ExpansionError(`${name}: ${word || `is not allowed to be ${value === undefined ? "unset" : "empty"}`}`);
  }

  private cut(name: string, operator: "#" | "%"): string {
    const word = this.operand("}", true);
    const greedy = word.startsWith(operator);
    const pattern = greedy ? word.slice(1) : word;
    const value = this.lookup(name) ?? "";
    return inPattern(pattern, () => (operator === "#" ? cutStart : cutEnd)(value, pattern, greedy));
  }

  private replaced(name: string): string {
    const everywhere = this.text[this.at] === "/";
    if (everywhere) this.at += 1;
    const pattern = this.operand("/", true);
    const replacement = this.operand("}", true);
    return inPattern(pattern, () => replace(this.lookup(name) ?? "", pattern, replacement, everywhere));
  }

  /** The expanded word up to `stop`, which is taken. */
  private operand(stop: "}" | "/", raw = false): string {
    this.depth += 1;
    if (this.depth > DEEPEST) throw new ExpansionError(`substitutions are nested more than ${DEEPEST} deep`);
    try {
      return this.until(stop, raw);
    } catch (error) {
      if (!(error instanceof Unclosed)) throw error;
      throw new Unclosed(`syntax error: missing '${stop}'${stop === "/" ? " in ${}" : ""}`);
    } finally {
      this.depth -= 1;
    }
  }
}

function inPattern(pattern: string, work: () => string): string {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    throw new ExpansionError(`invalid pattern (${pattern}) in substitution: ${error.message}`);
  }
}
