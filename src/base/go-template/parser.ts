import type { Command, Node, Operand, Pipe, Templates } from "./ast.ts";
import { show } from "./ast.ts";
import { lex, type Token } from "./lexer.ts";
import { parseNumber, quote, unquote } from "./literals.ts";
import { templateError } from "./template-error.ts";

/** Parentheses and blocks may nest so deep; beyond, the engine's own stack would end first. */
const DEEPEST = 500;

/** How a list of nodes ended. */
type End = { keyword: "end" | "else"; pos: number } | undefined;

/** Parses a template and those it defines. Throws invalid BAD_TEMPLATE in Go's words. */
export function parse(name: string, text: string, functions: ReadonlySet<string>): Templates {
  const parser = new Parser(name, text, functions);
  return { name, text, byName: parser.run() };
}

class Parser {
  private readonly name: string;
  private readonly tokens: Token[];
  private readonly functions: ReadonlySet<string>;
  private readonly byName = new Map<string, Node[]>();
  private at = 0;
  private variables: string[] = ["$"];
  private ranges = 0;
  private depth = 0;

  constructor(name: string, text: string, functions: ReadonlySet<string>) {
    this.name = name;
    this.tokens = lex(text);
    this.functions = functions;
  }

  run(): Map<string, Node[]> {
    const [body, end] = this.list(true);
    if (end !== undefined) this.fail(`unexpected {{${end.keyword}}}`);
    this.byName.set(this.name, body);
    return this.byName;
  }

  private peek(): Token {
    return this.tokens[Math.min(this.at, this.tokens.length - 1)] as Token;
  }

  private next(): Token {
    const token = this.peek();
    this.at += 1;
    return token;
  }

  private peekSolid(): Token {
    while (this.peek().type === "space") this.at += 1;
    return this.peek();
  }

  private nextSolid(): Token {
    this.peekSolid();
    return this.next();
  }

  private fail(message: string): never {
    const token = this.tokens[Math.min(Math.max(this.at - 1, 0), this.tokens.length - 1)];
    throw templateError(`${this.name}:${token?.line ?? 1}: ${message}`);
  }

  private unexpected(token: Token, context: string): never {
    if (token.type === "error") this.fail(token.text);
    let shown = quote(token.text);
    if (token.type === "end of text") shown = "EOF";
    else if (token.type === "keyword" || token.type === "dot") shown = `<${token.text}>`;
    else if ([...token.text].length > 10) shown = `${quote([...token.text].slice(0, 10).join(""))}...`;
    return this.fail(`unexpected ${shown} in ${context}`);
  }

  private expect(type: Token["type"], context: string): Token {
    const token = this.nextSolid();
    if (token.type !== type) this.unexpected(token, context);
    return token;
  }

  private nested<T>(body: () => T): T {
    this.depth += 1;
    if (this.depth > DEEPEST) this.fail("max expression depth exceeded");
    const result = body();
    this.depth -= 1;
    return result;
  }

  /** Nodes up to an {{end}}, {{else}} or the end of the text (the last only at the top). */
  private list(top: boolean): [Node[], End] {
    const nodes: Node[] = [];
    for (;;) {
      const token = this.next();
      if (token.type === "text") nodes.push({ type: "text", pos: token.pos, text: token.text });
      else if (token.type === "open") {
        const made = this.action(top);
        if (made !== undefined && "keyword" in made) return [nodes, made];
        if (made !== undefined) nodes.push(made);
      } else if (token.type === "end of text" && top) return [nodes, undefined];
      else if (token.type === "end of text") this.fail("unexpected EOF");
      else this.unexpected(token, "input");
    }
  }

  private action(top: boolean): Node | End {
    const token = this.nextSolid();
    if (token.type === "keyword") {
      switch (token.text) {
        case "if":
        case "with":
        case "range":
          return this.control(token.text, token.pos);
        case "end":
          this.expect("close", "end");
          return { keyword: "end", pos: token.pos };
        case "else":
          // What follows an else (`if`, `with`) is read by the one it belongs to.
          if (this.peekSolid().type !== "keyword") this.expect("close", "else");
          return { keyword: "else", pos: token.pos };
        case "define":
          if (!top) this.unexpected(token, "command");
          this.define();
          return undefined;
        case "block":
          return this.block();
        case "template":
          return this.invoke();
        case "break":
        case "continue": {
          const after = this.nextSolid();
          if (after.type !== "close") this.unexpected(after, `{{${token.text}}}`);
          if (this.ranges === 0) this.fail(`{{${token.text}}} outside {{range}}`);
          return { type: token.text, pos: token.pos };
        }
        default:
      }
    }
    this.at -= 1;
    const pipe = this.pipeline("command", "close", false);
    return { type: "action", pos: pipe.pos, pipe };
  }

  private control(type: "if" | "with" | "range", pos: number): Node {
    return this.nested(() => {
      const scope = this.variables.length;
      const pipe = this.pipeline(type, "close", type === "range");
      if (type === "range") this.ranges += 1;
      const [body, end] = this.list(false);
      if (type === "range") this.ranges -= 1;
      const otherwise = end?.keyword === "else" ? this.otherwise(type) : [];
      this.variables.length = scope;
      return { type, pos, pipe, body, otherwise };
    });
  }

  /** The part after {{else}}; `{{else if x}}` is an `if` inside it that shares the {{end}}. */
  private otherwise(type: "if" | "with" | "range"): Node[] {
    const token = this.peekSolid();
    if (token.type === "keyword") {
      if (token.text === type && type !== "range") {
        this.at += 1;
        return [this.control(type, token.pos)];
      }
      this.at += 1;
      this.unexpected(token, "else");
    }
    const [nodes, end] = this.list(false);
    if (end?.keyword === "else") this.fail(`expected end; found {{else}}`);
    return nodes;
  }

  private templateName(context: string): string {
    const token = this.nextSolid();
    if (token.type !== "string" && token.type !== "raw string") this.unexpected(token, context);
    return unquote(token.text) ?? this.fail("invalid syntax");
  }

  /** Parses a body with variables of its own, and keeps it under `name`. */
  private body(name: string, context: string): void {
    const [variables, ranges] = [this.variables, this.ranges];
    this.variables = ["$"];
    this.ranges = 0;
    const [nodes, end] = this.nested(() => this.list(false));
    if (end?.keyword !== "end") this.fail(`unexpected {{else}} in ${context}`);
    this.variables = variables;
    this.ranges = ranges;
    // A body of blanks does not replace one that says something.
    const empty = nodes.every((node) => node.type === "text" && node.text.trim() === "");
    if (!empty || !this.byName.has(name)) this.byName.set(name, nodes);
  }

  private define(): void {
    const name = this.templateName("define clause");
    this.expect("close", "define clause");
    this.body(name, "define clause");
  }

  private block(): Node {
    const { pos } = this.peekSolid();
    const name = this.templateName("block clause");
    const pipe = this.pipeline("block clause", "close", false);
    this.body(name, "block clause");
    return { type: "template", pos, name, pipe };
  }

  private invoke(): Node {
    const { pos } = this.peekSolid();
    const name = this.templateName("template clause");
    if (this.peekSolid().type === "close") {
      this.at += 1;
      return { type: "template", pos, name };
    }
    return { type: "template", pos, name, pipe: this.pipeline("template clause", "close", false) };
  }

  private pipeline(context: string, end: "close" | "right paren", isRange: boolean): Pipe {
    const pipe: Pipe = { type: "pipe", pos: this.peekSolid().pos, variables: [], assign: false, commands: [] };
    this.declarations(pipe, context, isRange);
    for (;;) {
      const token = this.nextSolid();
      if (token.type === end) {
        this.checkPipeline(pipe, context);
        return pipe;
      }
      if (!STARTS.has(token.type) && !(token.type === "keyword" && token.text === "nil"))
        this.unexpected(token, context);
      this.at -= 1;
      pipe.commands.push(this.command());
    }
  }

  /** `$a := `, `$a = `, and for range `$k, $v := `; anything else starting with a variable is an operand. */
  private declarations(pipe: Pipe, context: string, isRange: boolean): void {
    const start = this.at;
    const names: string[] = [];
    while (this.peekSolid().type === "variable") {
      names.push(this.next().text);
      const token = this.peekSolid();
      if (token.type === "declare" || token.type === "assign") {
        this.at += 1;
        pipe.assign = token.type === "assign";
        this.bind(pipe, names);
        return;
      }
      if (token.type !== "char" || token.text !== ",") break;
      this.at += 1;
      if (!isRange || names.length > 1) this.fail(`too many declarations in ${context}`);
      if (this.peekSolid().type !== "variable") this.fail("range can only initialize variables");
    }
    this.at = start;
  }

  private bind(pipe: Pipe, names: string[]): void {
    pipe.variables = names;
    // Go looks for a variable that is only assigned when the template runs.
    if (!pipe.assign) this.variables.push(...names);
  }

  private checkPipeline(pipe: Pipe, context: string): void {
    if (pipe.commands.length === 0) this.fail(`missing value for ${context}`);
    for (const [index, command] of pipe.commands.entries()) {
      const first = command.words[0]?.type;
      if (index > 0 && first !== undefined && CONSTANTS.has(first)) {
        this.fail(`non executable command in pipeline stage ${index + 1}`);
      }
    }
  }

  /** Words up to a pipe, a closing delimiter or a closing parenthesis; the latter two are left for the pipeline. */
  private command(): Command {
    const command: Command = { type: "command", pos: this.peekSolid().pos, words: [] };
    for (;;) {
      this.peekSolid();
      const operand = this.operand();
      if (operand !== undefined) command.words.push(operand);
      const token = this.next();
      if (token.type === "space") continue;
      if (token.type === "close" || token.type === "right paren") this.at -= 1;
      else if (token.type !== "pipe") this.unexpected(token, "operand");
      break;
    }
    if (command.words.length === 0) this.fail("empty command");
    return command;
  }

  private operand(): Operand | undefined {
    const term = this.term();
    if (term === undefined || this.peek().type !== "field") return term;
    const pos = this.peek().pos;
    const path: string[] = [];
    while (this.peek().type === "field") path.push(this.next().text.slice(1));
    if (term.type === "field" || term.type === "variable") return { ...term, pos, path: [...term.path, ...path] };
    if (CONSTANTS.has(term.type)) this.fail(`unexpected . after term ${quote(show(term))}`);
    return { type: "chain", pos, operand: term, path };
  }

  private term(): Operand | undefined {
    const token = this.nextSolid();
    const { pos, text } = token;
    switch (token.type) {
      case "identifier":
        if (!this.functions.has(text)) this.fail(`function ${quote(text)} not defined`);
        return { type: "function", pos, name: text };
      case "dot":
        return { type: "dot", pos };
      case "keyword":
        if (text === "nil") return { type: "nil", pos };
        break;
      case "variable":
        if (!this.variables.includes(text)) this.fail(`undefined variable ${quote(text)}`);
        return { type: "variable", pos, path: [text] };
      case "field":
        return { type: "field", pos, path: [text.slice(1)] };
      case "bool":
        return { type: "bool", pos, value: text === "true" };
      case "number":
        return {
          type: "number",
          pos,
          text,
          value: parseNumber(text) ?? this.fail(`illegal number syntax: ${quote(text)}`),
        };
      case "char constant": {
        const chars = [...(unquote(text) ?? "")];
        if (chars.length !== 1) this.fail(`malformed character constant: ${text}`);
        return { type: "number", pos, text, value: chars[0]?.codePointAt(0) ?? 0 };
      }
      case "string":
      case "raw string":
        return { type: "string", pos, quoted: text, value: unquote(text) ?? this.fail("invalid syntax") };
      case "left paren":
        return this.nested(() => this.pipeline("parenthesized pipeline", "right paren", false));
      default:
    }
    this.at -= 1;
    return undefined;
  }
}

const CONSTANTS: ReadonlySet<string> = new Set(["bool", "dot", "nil", "number", "string"]);
const STARTS: ReadonlySet<string> = new Set([
  "bool",
  "char constant",
  "dot",
  "field",
  "identifier",
  "number",
  "raw string",
  "string",
  "variable",
  "left paren",
]);
