import { GantryError } from "../../base/errors.ts";

/** What a field of a request's body must be. */
export type Shape =
  | "string"
  | "boolean"
  | "number"
  | "words"
  | "command"
  | "texts"
  | "map"
  | { list: Shape }
  | { mapOf: Shape }
  | Fields;

/** An object; fields that are not listed are ignored, as Docker does. */
export interface Fields {
  fields: Readonly<Record<string, Shape>>;
}

type Simple = Extract<Shape, string>;

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown): boolean => typeof value === "string";
const isWords = (value: unknown): boolean => Array.isArray(value) && value.every(isText);

const RULES: Record<Simple, { words: string; holds: (value: unknown) => boolean }> = {
  string: { words: "a string", holds: isText },
  boolean: { words: "true or false", holds: (value) => typeof value === "boolean" },
  number: { words: "a whole number", holds: Number.isInteger },
  words: { words: "a list of strings", holds: isWords },
  command: { words: "a string or a list of strings", holds: (value) => isText(value) || isWords(value) },
  texts: { words: "an object of strings", holds: (value) => isMap(value) && Object.values(value).every(isText) },
  map: { words: "an object", holds: isMap },
};

/** Fields of one shape each: `kinds("string", "Name Driver")`. */
export const kinds = (shape: Shape, names: string): Record<string, Shape> =>
  Object.fromEntries(names.split(" ").map((name) => [name, shape]));

/** Throws invalid BAD_JSON that names the first field of a wrong type; null counts as not given. */
export function checkShape(value: unknown, shape: Shape, path = ""): void {
  if (value === null || value === undefined) return;
  if (typeof shape === "string") {
    if (!RULES[shape].holds(value)) throw wrong(path, RULES[shape].words);
    return;
  }
  if ("list" in shape) {
    if (!Array.isArray(value)) throw wrong(path, "a list");
    value.forEach((item, index) => checkItem(item, shape.list, `${path}[${index}]`));
    return;
  }
  if (!isMap(value)) throw wrong(path, "an object");
  for (const [name, own] of Object.entries(value)) {
    const inner = path === "" ? name : `${path}.${name}`;
    if ("mapOf" in shape) checkShape(own, shape.mapOf, inner);
    else if (Object.hasOwn(shape.fields, name)) checkShape(own, shape.fields[name] as Shape, inner);
  }
}

/** In a list there is no "not given". */
function checkItem(item: unknown, shape: Shape, path: string): void {
  if (item === null) throw wrong(path, typeof shape === "string" ? RULES[shape].words : "an object");
  checkShape(item, shape, path);
}

const wrong = (path: string, words: string): GantryError =>
  new GantryError("invalid", "BAD_JSON", `invalid JSON: ${path || "the body"} must be ${words}`);
