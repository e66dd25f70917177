import { equal, less } from "./compare.ts";
import { toJson } from "./json.ts";
import { wellFormed } from "./literals.ts";
import { sprintf } from "./printf.ts";
import { display, entry, format, kindOf, truth, typeName, type Value, zeroOf } from "./values.ts";

export type ArgumentType = "string" | "int" | "[]string";

/** A function of the template language. Throws a plain Error with Go's words, which the evaluator completes. */
export interface TemplateFunction {
  /** The least and the most arguments; `most` undefined: any number. */
  least: number;
  most?: number;
  /** What the arguments must be; any value where there is none. The evaluator checks it before the call. */
  types?: readonly ArgumentType[];
  call: (args: Value[]) => Value;
}

const fixed = (count: number, call: (...args: Value[]) => Value): TemplateFunction => ({
  least: count,
  most: count,
  call: (args) => call(...args),
});
/** A function whose arguments all have a type. */
const typed = (types: ArgumentType[], call: (...args: never[]) => Value): TemplateFunction => ({
  least: types.length,
  most: types.length,
  types,
  call: (args) => (call as (...args: Value[]) => Value)(...args),
});
const variadic = (least: number, call: (args: Value[]) => Value): TemplateFunction => ({ least, call });

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

/** Go's strings.Title: a letter is raised at the start and after a blank or an ASCII sign other than "_". */
const title = (text: string): string =>
  text.replace(/(?<![\p{L}\p{Nd}_]|[^\p{ASCII}\s])\p{L}/gu, (letter) =>
    letter.toUpperCase().length === letter.length ? letter.toUpperCase() : letter,
  );

const join = (items: Value[] | null, separator: string): string =>
  (items ?? []).map((item) => (typeof item === "string" ? item : display(item))).join(separator);

/** Docker's pad: blanks before and after, nothing for an empty text. */
const pad = (text: string, before: number, after: number): string =>
  text === "" ? "" : " ".repeat(clamp(before)) + text + " ".repeat(clamp(after));

/** Docker's truncate: at most so many bytes. */
function truncate(text: string, size: number): string {
  const bytes = encode(text);
  return bytes.length < size ? text : decode(bytes.subarray(0, clamp(size)));
}

const WIDEST = 1_000_000;
const clamp = (count: number): number => Math.min(Math.max(0, count), WIDEST);

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
    printf: {
      least: 1,
      types: ["string"],
      call: ([template, ...args]) => sprintf(template as string, args),
    },
    println: variadic(0, printLine),
    html: variadic(0, (args) => evaluated(args).replace(/[\0"'&<>]/g, (char) => HTML[char] ?? char)),
    js: variadic(0, (args) => escapeJs(evaluated(args))),
    urlquery: variadic(0, (args) => escapeUrl(evaluated(args))),
    eq: variadic(1, ([first, ...others]) => {
      if (others.length === 0) throw new Error("missing argument for comparison");
      return others.some((other) => equal(first, other));
    }),
    ne: fixed(2, (a, b) => !equal(a, b)),
    lt: fixed(2, less),
    le: fixed(2, (a, b) => less(a, b) || equal(a, b)),
    gt: fixed(2, (a, b) => !(less(a, b) || equal(a, b))),
    ge: negated(less),
    json: fixed(1, toJson),
    split: typed(["string", "string"], (text: string, by: string) => (by === "" ? [...text] : text.split(by))),
    join: typed(["[]string", "string"], join),
    title: typed(["string"], title),
    lower: typed(["string"], (text: string) => text.toLowerCase()),
    upper: typed(["string"], (text: string) => text.toUpperCase()),
    pad: typed(["string", "int", "int"], pad),
    truncate: typed(["string", "int"], truncate),
  }),
);

const HEADER_FUNCTIONS = ["json", "split", "join", "title", "lower", "upper", "pad", "truncate"];

/** The same names, but docker's own leave their text as it is: so a table's template also makes its header line. */
export const HEADING_FUNCTIONS: ReadonlyMap<string, TemplateFunction> = new Map([
  ...FUNCTIONS,
  ...HEADER_FUNCTIONS.map((name): [string, TemplateFunction] => [name, variadic(1, ([text]) => text)]),
]);
