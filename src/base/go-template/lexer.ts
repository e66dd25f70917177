export type TokenType =
  | "text"
  | "open"
  | "close"
  | "space"
  | "assign"
  | "declare"
  | "pipe"
  | "left paren"
  | "right paren"
  | "char"
  | "string"
  | "raw string"
  | "char constant"
  | "number"
  | "field"
  | "variable"
  | "identifier"
  | "bool"
  | "dot"
  | "keyword"
  | "error"
  | "end of text";

export interface Token {
  type: TokenType;
  pos: number;
  line: number;
  /** The source; for "error" the message. */
  text: string;
}

const KEYWORDS = new Set([
  "block",
  "break",
  "continue",
  "define",
  "else",
  "end",
  "if",
  "nil",
  "range",
  "template",
  "with",
]);
const WORD = /[\p{L}\p{Nd}_]*/uy;
const BLANKS = /[ \t\r\n]+/y;
const NUMBER =
  /[+-]?(?:0[xX][\da-fA-F_]*(?:\.[\da-fA-F_]*)?(?:[pP][+-]?[\d_]+)?|0[bB][01_]*|0[oO][0-7_]*|[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?[\d_]*)?)i?/y;
const STRING = /"(?:\\[^\n]|[^"\\\n])*"/y;
const CHAR = /'(?:\\[^\n]|[^'\\\n])*'/y;
const RAW = /`[^`]*`/y;

const blank = (char: string | undefined): boolean => char !== undefined && " \t\r\n".includes(char);

/** How Go shows a character: U+0021 '!'. */
function codePoint(text: string): string {
  const code = text.codePointAt(0) ?? 0;
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")}${/\p{C}/u.test(text) ? "" : ` '${text}'`}`;
}

/** Cuts a template into tokens. An error is the last token, so that what the parser finds before it is told first. */
export function lex(text: string): Token[] {
  return new Lexer(text).run();
}

class Lexer {
  private readonly text: string;
  private readonly tokens: Token[] = [];
  private pos = 0;
  private line = 1;
  private parens = 0;

  constructor(text: string) {
    this.text = text;
  }

  run(): Token[] {
    let going = true;
    while (going) going = this.outside() && this.inside();
    return this.tokens;
  }

  private emit(type: TokenType, length: number): void {
    const text = this.text.slice(this.pos, this.pos + length);
    this.tokens.push({ type, pos: this.pos, line: this.line, text });
    this.skip(length);
  }

  private skip(length: number): void {
    for (let i = this.pos; i < this.pos + length; i += 1) if (this.text[i] === "\n") this.line += 1;
    this.pos += length;
  }

  private fail(message: string): false {
    this.tokens.push({ type: "error", pos: this.pos, line: this.line, text: message });
    return false;
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.pos;
    return pattern.exec(this.text)?.[0];
  }

  /** Text up to the next action. False at the end. */
  private outside(): boolean {
    const open = this.text.indexOf("{{", this.pos);
    const end = open < 0 ? this.text.length : open;
    const trims = open >= 0 && this.text[open + 2] === "-" && blank(this.text[open + 3]);
    const literal = this.text.slice(this.pos, end);
    const kept = trims ? literal.replace(/[ \t\r\n]+$/, "") : literal;
    if (kept !== "") this.emit("text", kept.length);
    this.skip(end - this.pos);
    if (open < 0) {
      this.tokens.push({ type: "end of text", pos: this.pos, line: this.line, text: "" });
      return false;
    }
    const inner = open + 2 + (trims ? 2 : 0);
    if (this.text.startsWith("/*", inner)) return this.comment(inner) && this.outside();
    this.emit("open", inner - open);
    this.parens = 0;
    return true;
  }

  private comment(start: number): boolean {
    const end = this.text.indexOf("*/", start + 2);
    if (end < 0) return this.fail("unclosed comment");
    this.skip(end + 2 - this.pos);
    const length = this.closing();
    if (length === 0) return this.fail("comment ends before closing delimiter");
    this.leave(length);
    return true;
  }

  /** The length of a closing delimiter here (with its trim marker), or 0. */
  private closing(): number {
    if (this.text.startsWith("}}", this.pos)) return 2;
    return blank(this.text[this.pos]) && this.text.startsWith("-}}", this.pos + 1) ? 4 : 0;
  }

  private leave(length: number): void {
    this.skip(length);
    if (length === 4) this.skip(this.match(BLANKS)?.length ?? 0);
  }

  /** One action up to its closing delimiter. False at an error. */
  private inside(): boolean {
    for (;;) {
      const length = this.closing();
      if (length > 0) {
        if (this.parens > 0) return this.fail("unclosed left paren");
        this.tokens.push({ type: "close", pos: this.pos, line: this.line, text: "}}" });
        this.leave(length);
        return true;
      }
      if (this.pos >= this.text.length) return this.fail("unclosed action");
      if (!this.token()) return false;
    }
  }

  private token(): boolean {
    const char = String.fromCodePoint(this.text.codePointAt(this.pos) ?? 0);
    if (blank(char)) {
      // A blank before a trimming close belongs to the close.
      let length = this.match(BLANKS)?.length ?? 1;
      if (this.text.startsWith("-}}", this.pos + length)) length -= 1;
      this.emit("space", length);
      return true;
    }
    switch (char) {
      case "=":
        this.emit("assign", 1);
        return true;
      case ":":
        if (this.text[this.pos + 1] !== "=") return this.fail("expected :=");
        this.emit("declare", 2);
        return true;
      case "|":
        this.emit("pipe", 1);
        return true;
      case '"':
        return this.quoted("string", STRING, "unterminated quoted string");
      case "`":
        return this.quoted("raw string", RAW, "unterminated raw quoted string");
      case "'":
        return this.quoted("char constant", CHAR, "unterminated character constant");
      case "(":
        this.parens += 1;
        this.emit("left paren", 1);
        return true;
      case ")":
        this.parens -= 1;
        if (this.parens < 0) return this.fail("unexpected right paren");
        this.emit("right paren", 1);
        return true;
      case "$":
        return this.named("variable");
      case ".":
        if (!/\d/.test(this.text[this.pos + 1] ?? "")) return this.named("field");
        return this.number();
      default:
        return this.other(char);
    }
  }

  private other(char: string): boolean {
    if (/[\d+-]/.test(char)) return this.number();
    if (/[\p{L}\p{Nd}_]/u.test(char)) return this.word();
    if (/[\x20-\x7e]/.test(char)) {
      this.emit("char", 1);
      return true;
    }
    return this.fail(`unrecognized character in action: ${codePoint(char)}`);
  }

  private quoted(type: TokenType, pattern: RegExp, message: string): boolean {
    const text = this.match(pattern);
    if (text === undefined) return this.fail(message);
    this.emit(type, text.length);
    return true;
  }

  private number(): boolean {
    const text = this.match(NUMBER) ?? "";
    const rest = this.text.slice(this.pos + text.length);
    // A sign would go on to an imaginary part, which nothing here has.
    if (/^[\p{L}\p{Nd}_]/u.test(rest) || (/\d/.test(text) && /^[+-]/.test(rest))) {
      return this.fail(`bad number syntax: ${JSON.stringify(text + (/^[^]/u.exec(rest)?.[0] ?? ""))}`);
    }
    this.emit("number", text.length);
    return true;
  }

  /** `.Name`, `$name`, or the bare `.` and `$`. */
  private named(type: "field" | "variable"): boolean {
    WORD.lastIndex = this.pos + 1;
    const length = 1 + (WORD.exec(this.text)?.[0].length ?? 0);
    if (!this.terminated(length)) return false;
    this.emit(length === 1 && type === "field" ? "dot" : type, length);
    return true;
  }

  private word(): boolean {
    const word = this.match(WORD) ?? "";
    if (!this.terminated(word.length)) return false;
    if (KEYWORDS.has(word)) this.emit("keyword", word.length);
    else if (word === "true" || word === "false") this.emit("bool", word.length);
    else this.emit("identifier", word.length);
    return true;
  }

  /** After a name only these may follow; anything else is a typing error that Go reports as such. */
  private terminated(length: number): boolean {
    const next = /^[^]/u.exec(this.text.slice(this.pos + length, this.pos + length + 2))?.[0];
    if (next === undefined || /[ \t\r\n.,|:=()]/.test(next) || this.text.startsWith("}}", this.pos + length))
      return true;
    this.skip(length);
    return this.fail(`bad character ${codePoint(next)}`);
  }
}
