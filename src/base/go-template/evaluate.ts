import { isGantryError, messageOf } from "../errors.ts";
import type { Command, Control, Node, Operand, Pipe, Templates } from "./ast.ts";
import { show } from "./ast.ts";
import type { ArgumentType, TemplateFunction } from "./functions.ts";
import { quote } from "./literals.ts";
import { templateError } from "./template-error.ts";
import { display, entry, format, kindOf, sortedEntries, truth, typeName, type Value, zeroOf } from "./values.ts";

/** Templates may call one another so deep. */
const DEEPEST = 500;

export interface EvaluateOptions {
  functions: ReadonlyMap<string, TemplateFunction>;
  /** What a missing key of a map is: an error, the zero of its values' type, or `<no value>`. */
  missing: "error" | "zero" | "noValue";
  /** Go's name for the type of the data itself; with it, a missing field of the data is always an error. */
  typeName?: string;
}

/** Where an error is reported: a position in the text and the source there. */
interface Place {
  pos: number;
  source: string;
}

/** Runs a parsed template over data. Throws invalid BAD_TEMPLATE in Go's words. */
export function evaluate(templates: Templates, data: Value, options: EvaluateOptions): string {
  const run = new Run(templates, data, options);
  run.template(templates.name, data);
  return run.output;
}

type Flow = "break" | "continue" | undefined;

const NOTHING = Symbol("no value is piped in");

class Run {
  output = "";
  private readonly templates: Templates;
  private readonly data: Value;
  private readonly options: EvaluateOptions;
  private variables: [name: string, value: Value][] = [];
  private executing = "";
  private depth = 0;

  constructor(templates: Templates, data: Value, options: EvaluateOptions) {
    this.templates = templates;
    this.data = data;
    this.options = options;
  }

  template(name: string, dot: Value): void {
    const saved = { variables: this.variables, executing: this.executing };
    this.variables = [["$", dot]];
    this.executing = name;
    this.depth += 1;
    this.nodes(this.templates.byName.get(name) ?? [], dot);
    this.depth -= 1;
    this.variables = saved.variables;
    this.executing = saved.executing;
  }

  private fail(place: Place, message: string): never {
    const before = this.templates.text.slice(0, place.pos);
    const lineStart = before.lastIndexOf("\n") + 1;
    const column = new TextEncoder().encode(before.slice(lineStart)).length;
    const line = before.split("\n").length;
    const where = `${this.templates.name}:${line}:${column}: executing ${quote(this.executing)} at <${place.source}>`;
    throw templateError(`${where}: ${message}`);
  }

  private nodes(nodes: Node[], dot: Value): Flow {
    for (const node of nodes) {
      const flow = this.node(node, dot);
      if (flow !== undefined) return flow;
    }
    return undefined;
  }

  private node(node: Node, dot: Value): Flow {
    switch (node.type) {
      case "text":
        this.output += node.text;
        return undefined;
      case "action": {
        const value = this.pipe(node.pipe, dot);
        if (node.pipe.variables.length > 0) return undefined;
        if (kindOf(value) === "func") this.fail(at(node.pipe), `can't print ${show(node.pipe)} of type func()`);
        this.output += display(value);
        return undefined;
      }
      case "if":
      case "with":
        return this.scoped(() => {
          const value = this.pipe(node.pipe, dot);
          return truth(value)
            ? this.nodes(node.body, node.type === "with" ? value : dot)
            : this.nodes(node.otherwise, dot);
        });
      case "range":
        return this.scoped(() => this.range(node, dot));
      case "template": {
        const value = node.pipe === undefined ? undefined : this.pipe(node.pipe, dot);
        const place = {
          pos: node.pos,
          source: `{{template ${quote(node.name)}${node.pipe ? ` ${show(node.pipe)}` : ""}}}`,
        };
        if (!this.templates.byName.has(node.name)) this.fail(place, `template ${quote(node.name)} not defined`);
        if (this.depth >= DEEPEST) this.fail(place, `exceeded maximum template depth (${DEEPEST})`);
        this.template(node.name, value);
        return undefined;
      }
      case "break":
      case "continue":
        return node.type;
    }
  }

  /** Variables declared inside are gone afterwards. */
  private scoped<T>(body: () => T): T {
    const mark = this.variables.length;
    const result = body();
    this.variables.length = mark;
    return result;
  }

  private range(node: Control, dot: Value): Flow {
    const { pipe } = node;
    const value = this.pipe({ ...pipe, variables: [] }, dot);
    const entries = this.rangeEntries(value, pipe);
    for (const [key, item] of entries) {
      const flow = this.scoped(() => {
        const [first, second] = pipe.variables;
        if (first !== undefined) this.assign(pipe, first, second === undefined ? item : key);
        if (second !== undefined) this.assign(pipe, second, item);
        return this.nodes(node.body, item);
      });
      if (flow === "break") break;
    }
    return entries.length === 0 ? this.nodes(node.otherwise, dot) : undefined;
  }

  private rangeEntries(value: Value, pipe: Pipe): [Value, Value][] {
    switch (kindOf(value)) {
      case "slice":
        return (value as Value[]).map((item, i) => [i, item]);
      case "map":
        return sortedEntries(value as object);
      case "missing":
      case "nil":
        return [];
      case "int":
        if (Number(value) > 1e6) break;
        return Array.from({ length: Math.max(0, Number(value)) }, (_, i) => [i, i]);
      default:
    }
    return this.fail(at(pipe), `range can't iterate over ${format(value)}`);
  }

  private assign(pipe: Pipe, name: string, value: Value): void {
    if (!pipe.assign) {
      this.variables.push([name, value]);
      return;
    }
    const variable = this.variables.findLast(([other]) => other === name);
    if (variable === undefined) {
      this.fail(at(lastWord(pipe)), `undefined variable: ${name}`);
    }
    variable[1] = value;
  }

  private pipe(pipe: Pipe, dot: Value): Value {
    let value: Value = NOTHING;
    for (const command of pipe.commands) value = this.command(command, dot, value);
    for (const name of pipe.variables) this.assign(pipe, name, value);
    return value;
  }

  private command(command: Command, dot: Value, piped: Value): Value {
    const [first, ...rest] = command.words as [Operand, ...Operand[]];
    switch (first.type) {
      case "field":
      case "variable":
      case "chain":
        return this.path(first, dot, rest, piped);
      case "function":
        return this.callFunction(first.name, command, rest, dot, piped);
      case "nil":
        return this.fail(at(first), "nil is not a command");
      default:
        if (rest.length > 0 || piped !== NOTHING) {
          this.fail(at(first), `can't give argument to non-function ${show(first)}`);
        }
        return this.operand(first, dot);
    }
  }

  /** An operand as an argument. */
  private operand(operand: Operand, dot: Value): Value {
    switch (operand.type) {
      case "field":
      case "variable":
      case "chain":
        return this.path(operand, dot, [], NOTHING);
      case "function":
        return this.callFunction(operand.name, operand, [], dot, NOTHING);
      case "pipe":
        return this.pipe(operand, dot);
      case "dot":
        return dot;
      case "nil":
        return null;
      case "bool":
      case "number":
      case "string":
        return operand.value;
    }
  }

  private variable(name: string, place: Place): Value {
    const found = this.variables.findLast(([other]) => other === name);
    return found === undefined ? this.fail(place, `undefined variable: ${name}`) : found[1];
  }

  /** A chain of fields; only its last may be a method that takes arguments. */
  private path(
    node: Extract<Operand, { type: "field" | "variable" | "chain" }>,
    dot: Value,
    words: Operand[],
    piped: Value,
  ): Value {
    let value = dot;
    let fields = node.path;
    if (node.type === "variable") {
      value = this.variable(node.path[0] ?? "", at(node));
      fields = node.path.slice(1);
    } else if (node.type === "chain") value = this.operand(node.operand, dot);
    if (fields.length === 0 && (words.length > 0 || piped !== NOTHING)) {
      this.fail(at(node), `can't give argument to non-function ${show(node)}`);
    }
    for (const [i, name] of fields.entries()) {
      const last = i === fields.length - 1;
      value = this.field(value, name, at(node), last ? words : [], dot, last ? piped : NOTHING);
    }
    return value;
  }

  private field(receiver: Value, name: string, place: Place, words: Operand[], dot: Value, piped: Value): Value {
    if (receiver === undefined) {
      if (this.options.missing === "error") this.fail(place, `nil data; no entry for key ${quote(name)}`);
      return undefined;
    }
    if (receiver === null) this.fail(place, `nil pointer evaluating interface {}.${name}`);
    if (kindOf(receiver) !== "map") this.fail(place, `can't evaluate field ${name} in type ${this.typeOf(receiver)}`);
    const value = member(receiver as object, name);
    if (typeof value === "function") {
      const args = words.map((word) => this.operand(word, dot));
      if (piped !== NOTHING) args.push(piped);
      return this.guarded(place, name, () => (value as (...args: Value[]) => Value).apply(receiver, args));
    }
    if (words.length > 0 || piped !== NOTHING) {
      this.fail(place, `${name} has arguments but cannot be invoked as function`);
    }
    if (value !== undefined) return value;
    if (receiver === this.data && this.options.typeName !== undefined) {
      this.fail(place, `can't evaluate field ${name} in type ${this.options.typeName}`);
    }
    if (this.options.missing === "error") this.fail(place, `map has no entry for key ${quote(name)}`);
    return this.options.missing === "zero" ? zeroOf(receiver as object) : undefined;
  }

  private typeOf(value: Value): string {
    return value === this.data ? (this.options.typeName ?? typeName(value)) : "interface {}";
  }

  private callFunction(name: string, node: Command | Operand, words: Operand[], dot: Value, piped: Value): Value {
    if (name === "call" && words[0] !== undefined) this.refuseCall(node, words[0], dot);
    const found = this.options.functions.get(name);
    if (found === undefined) this.fail(at(node), `${quote(name)} is not a defined function`);
    const count = words.length + (piped === NOTHING ? 0 : 1);
    if (count < found.least || count > (found.most ?? count)) {
      const want = found.most === undefined ? `at least ${found.least}` : found.most;
      this.fail({ pos: node.pos, source: name }, `wrong number of args for ${name}: want ${want} got ${count}`);
    }
    if (name === "and" || name === "or") return this.shortCircuit(name === "or", words, dot, piped);
    const args = words.map((word, i) => this.argument(word, dot, found.types?.[i]));
    if (piped !== NOTHING) {
      this.checkType(piped, found.types?.[words.length], at(lastWord(words.at(-1) ?? node)));
      args.push(piped);
    }
    return this.guarded(at(node), name, () => found.call(args));
  }

  /** Methods are called where they stand; there is nothing else that `call` could call. */
  private refuseCall(node: Command | Operand, callee: Operand, dot: Value): never {
    const value = this.operand(callee, dot);
    const what = value == null ? "call of nil" : `non-function ${show(callee)} of type ${typeName(value)}`;
    return this.fail(at(node), `error calling call: ${what}`);
  }

  private argument(word: Operand, dot: Value, type: ArgumentType | undefined): Value {
    const constant = word.type === "number" || word.type === "bool" || word.type === "string";
    const value = this.operand(word, dot);
    if (type !== undefined && word.type === "nil") this.fail(at(word), `cannot assign nil to ${type}`);
    if (type !== undefined && constant && !fits(value, type)) {
      const problem = type === "[]string" ? `can't handle ${show(word)} for arg of type ${type}` : undefined;
      this.fail(at(word), problem ?? `expected ${type === "int" ? "integer" : type}; found ${show(word)}`);
    }
    this.checkType(value, type, at(lastWord(word)));
    return value;
  }

  private checkType(value: Value, type: ArgumentType | undefined, place: Place): void {
    if (type === undefined || fits(value, type)) return;
    if (value == null) this.fail(place, `invalid value; expected ${type}`);
    this.fail(place, `wrong type for value; expected ${type}; got ${typeName(value)}`);
  }

  private shortCircuit(stopAt: boolean, words: Operand[], dot: Value, piped: Value): Value {
    let value: Value;
    for (const word of words) {
      value = this.operand(word, dot);
      if (truth(value) === stopAt) return value;
    }
    return piped === NOTHING ? value : piped;
  }

  private guarded(place: Place, name: string, body: () => Value): Value {
    try {
      return body();
    } catch (error) {
      if (isGantryError(error, "BAD_TEMPLATE")) throw error;
      return this.fail(place, `error calling ${name}: ${messageOf(error)}`);
    }
  }
}

function fits(value: Value, type: ArgumentType): boolean {
  if (type === "[]string") return value === null || Array.isArray(value);
  return typeof value === (type === "int" ? "number" : type) && (type !== "int" || Number.isInteger(value));
}

/** What Go evaluated last within an operand, and so blames. */
function lastWord(node: Operand | Command): Operand | Command {
  const word = node.type === "pipe" ? node.commands.at(-1)?.words.at(-1) : undefined;
  return word === undefined ? node : lastWord(word);
}

const at = (node: Operand | Command): Place => ({ pos: node.pos, source: show(node) });

/** An object's field or method: its own, or one of its class; never what every object has. */
function member(object: object, name: string): Value {
  if (object instanceof Map) return entry(object, name);
  for (
    let holder: object | null = object;
    holder !== null && holder !== Object.prototype;
    holder = Object.getPrototypeOf(holder)
  ) {
    if (Object.hasOwn(holder, name) && (holder === object || name !== "constructor")) {
      return (object as Record<string, Value>)[name];
    }
  }
  // Docker's structs call ID what their JSON calls Id.
  return name === "ID" ? entry(object, "Id") : undefined;
}
