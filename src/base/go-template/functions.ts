import { equal, less } from "./compare.ts";
import { toJson } from "./json.ts";
import { wellFormed } from "./literals.ts";
import { sprintf } from "./printf.ts";
import { display, entry, format, kindOf, truth, typeName, type Value, zeroOf } from "./values.ts";

/** A function of the template language. Throws a plain Error with Go's words, which the evaluator completes. */
export interface TemplateFunction {
  /** The least and the most arguments; `most` undefined: any number. */
  least: number;
  most?: number;
  call: (args: Value[]) => Value;
}

const fixed = (count: number, call: (...args: Value[]) => Value): TemplateFunction => ({
  least: count,
  most: count,
  call: (args) => call(...args),
});
const variadic = (least: number, call: (args: Value[]) => Value): TemplateFunction => ({ least, call });

function wrongType(value: Value, expected: string): Error {
  if (value == null) return new Error(`invalid value; expected ${expected}`);
  return new Error(`wrong type for value; expected ${expected}; got ${typeName(value)}`);
}

function string(value: Value): string {
  if (typeof value !== "string") throw wrongType(value, "string");
  return value;
}

function integer(value: Value): number {
  if (typeof value !== "number" || !Number.isInteger(value)) throw wrongType(value, "int");
  return value;
}

/** Bytes as Go counts them. */
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function length(value: Value): number {
  switch (kindOf(value)) {
    case "string":
      return encode(value as string).length;
    case "slice":
      return (value as Value[]).length;
    case "map":
      return value instanceof Map ? value.size : Object.keys(value as object).length;
    case "nil":
    case "missing":
      throw new Error("len of nil pointer");
    default:
      throw new Error(`len of type ${typeName(value)}`);
  }
}

function position(value: Value, size: number, inclusive: boolean): number {
  if (value == null) throw new Error("cannot index slice/array with nil");
  if (typeof value !== "number" || !Number.isInteger(value)) {
    throw new Error(`cannot index slice/array with type ${typeName(value)}`);
  }
  if (value < 0 || value > size || (value === size && !inclusive)) throw new Error(`index out of range: ${value}`);
  return value;
}

function index([item, ...keys]: Value[]): Value {
  let value = item;
  if (item === undefined) throw new Error("index of untyped nil");
  for (const key of keys) {
    switch (kindOf(value)) {
      case "slice":
        value = (value as Value[])[position(key, (value as Value[]).length, false)];
        break;
      case "string": {
        const bytes = encode(value as string);
        value = bytes[position(key, bytes.length, false)];
        break;
      }
      case "map":
        {
          const item = entry(value as object, key);
          value = item === undefined ? zeroOf(value as object) : item;
        }
        break;
      case "nil":
      case "missing":
        throw new Error("index of nil pointer");
      default:
        throw new Error(`can't index item of type ${typeName(value)}`);
    }
  }
  return value;
}

function slice([item, ...bounds]: Value[]): Value {
  if (item == null) throw new Error("slice of untyped nil");
  if (bounds.length > 3) throw new Error(`too many slice indexes: ${bounds.length}`);
  const whole = typeof item === "string" ? encode(item) : item;
  if (!Array.isArray(whole) && !(whole instanceof Uint8Array))
    throw new Error(`can't slice item of type ${typeName(item)}`);
  if (bounds.length === 3 && typeof item === "string") throw new Error("cannot 3-index slice a string");
  const [start = 0, end = whole.length] = bounds.map((bound) => position(bound, whole.length, true));
  if (start > end) throw new Error(`invalid slice index: ${start} > ${end}`);
  return whole instanceof Uint8Array ? decode(whole.subarray(start, end)) : whole.slice(start, end);
}

/** Go's fmt.Sprint: blanks between neighbours that are both no strings. */
function print(args: Value[]): string {
  let text = "";
  for (const [i, value] of args.entries()) {
    if (i > 0 && typeof value !== "string" && typeof args[i - 1] !== "string") text += " ";
    text += format(value);
  }
  return text;
}

const printLine = (args: Value[]): string => `${args.map(format).join(" ")}\n`;

/** The escaping functions take what print takes. */
const evaluated = (args: Value[]): string => (args.length === 1 ? display(args[0]) : print(args));

const HTML: Record<string, string> = {
  "\0": "\ufffd",
  '"': "&#34;",
  "'": "&#39;",
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
};

function escapeJs(text: string): string {
  return text.replace(/[\\'"<>&=\u0000-\u001f\u2028\u2029]/g, (char) => {
    if ("\\'\"".includes(char)) return `\\${char}`;
    return `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
  });
}

const escapeUrl = (text: string): string =>
  encodeURIComponent(wellFormed(text))
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");

/** Go's strings.Title: a letter after anything that is no letter, digit, underscore or apostrophe is raised. */
const title = (text: string): string =>
  text.replace(/(?<![\p{L}\p{Nd}_'])\p{L}/gu, (letter) =>
    letter.toUpperCase().length === letter.length ? letter.toUpperCase() : letter,
  );

function join(items: Value, separator: Value): string {
  if (items == null) return "";
  if (!Array.isArray(items)) throw wrongType(items, "[]string");
  return items.map((item) => (typeof item === "string" ? item : display(item))).join(string(separator));
}

/** Docker's pad: blanks before and after, nothing for an empty text. */
function pad(text: Value, before: Value, after: Value): string {
  const inner = string(text);
  return inner === "" ? "" : " ".repeat(Math.max(0, integer(before))) + inner + " ".repeat(Math.max(0, integer(after)));
}

function truncate(text: Value, size: Value): string {
  const bytes = encode(string(text));
  return bytes.length < integer(size) ? string(text) : decode(bytes.subarray(0, Math.max(0, integer(size))));
}

const negated = (test: (a: Value, b: Value) => boolean): TemplateFunction => fixed(2, (a, b) => !test(a, b));

/** Go's own functions and those docker/cli adds. `and` and `or` are the evaluator's, since they may stop early. */
export const FUNCTIONS: ReadonlyMap<string, TemplateFunction> = new Map(
  Object.entries({
    and: variadic(1, (args) => args.find((value) => !truth(value)) ?? args.at(-1)),
    or: variadic(1, (args) => args.find(truth) ?? args.at(-1)),
    not: fixed(1, (value) => !truth(value)),
    len: fixed(1, length),
    index: variadic(1, index),
    slice: variadic(1, slice),
    print: variadic(0, print),
    printf: variadic(1, ([template, ...args]) => sprintf(string(template), args)),
    println: variadic(0, printLine),
    html: variadic(0, (args) => evaluated(args).replace(/[\0"'&<>]/g, (char) => HTML[char] ?? char)),
    js: variadic(0, (args) => escapeJs(evaluated(args))),
    urlquery: variadic(0, (args) => escapeUrl(evaluated(args))),
    call: variadic(1, ([callee]) => {
      throw new Error(callee == null ? "call of nil" : `non-function of type ${typeName(callee)}`);
    }),
    eq: variadic(2, ([first, ...others]) => others.some((other) => equal(first, other))),
    ne: fixed(2, (a, b) => !equal(a, b)),
    lt: fixed(2, less),
    le: fixed(2, (a, b) => less(a, b) || equal(a, b)),
    gt: fixed(2, (a, b) => !(less(a, b) || equal(a, b))),
    ge: negated(less),
    json: fixed(1, toJson),
    split: fixed(2, (text, separator) =>
      string(separator) === "" ? [...string(text)] : string(text).split(string(separator)),
    ),
    join: fixed(2, join),
    title: fixed(1, (text) => title(string(text))),
    lower: fixed(1, (text) => string(text).toLowerCase()),
    upper: fixed(1, (text) => string(text).toUpperCase()),
    pad: fixed(3, pad),
    truncate: fixed(2, truncate),
  }),
);

const HEADER_FUNCTIONS = ["json", "split", "join", "title", "lower", "upper", "pad", "truncate"];

/** The same names, but docker's own leave their text as it is: so a table's template also makes its header line. */
export const HEADING_FUNCTIONS: ReadonlyMap<string, TemplateFunction> = new Map([
  ...FUNCTIONS,
  ...HEADER_FUNCTIONS.map((name): [string, TemplateFunction] => [name, variadic(1, ([text]) => text)]),
]);
