import { formatFloat } from "../go-float.ts";

/** Any data a template sees: JSON values, bigints, Maps, functions as methods; undefined is Go's missing value. */
export type Value = unknown;

/** What Go would call the kinds of our values. */
export type Kind = "missing" | "nil" | "bool" | "int" | "float" | "string" | "slice" | "map" | "func";

export function kindOf(value: Value): Kind {
  switch (typeof value) {
    case "undefined":
      return "missing";
    case "boolean":
      return "bool";
    case "bigint":
      return "int";
    case "number":
      // Beyond 64 bits Go has only floats.
      return Number.isInteger(value) && Math.abs(value) < 2 ** 63 ? "int" : "float";
    case "string":
      return "string";
    case "function":
      return "func";
    default:
      if (value === null) return "nil";
      return Array.isArray(value) ? "slice" : "map";
  }
}

export function typeName(value: Value): string {
  const names: Record<Kind, string> = {
    missing: "<nil>",
    nil: "<nil>",
    bool: "bool",
    int: "int",
    float: "float64",
    string: "string",
    slice: "[]interface {}",
    map: "map[string]interface {}",
    func: "func()",
  };
  return names[kindOf(value)];
}

/** Entries in the order of Go's range and print: sorted by key. */
export function sortedEntries(map: object): [Value, Value][] {
  const entries: [Value, Value][] = map instanceof Map ? [...map.entries()] : Object.entries(map);
  return entries
    .filter(([, value]) => typeof value !== "function" && value !== undefined)
    .toSorted(([a], [b]) => (typeof a === "number" && typeof b === "number" ? a - b : String(a) < String(b) ? -1 : 1));
}

/** A map's entry; a missing one is undefined. */
export function entry(map: object, key: Value): Value {
  if (map instanceof Map) return map.get(key) as Value;
  return Object.hasOwn(map, String(key)) ? (map as Record<string, Value>)[String(key)] : undefined;
}

/** What Go gives for a missing key of a map whose values all have one type; undefined where types differ. */
export function zeroOf(map: object): Value {
  const kinds = new Set(sortedEntries(map).map(([, value]) => kindOf(value)));
  if (kinds.size === 0 || (kinds.size === 1 && kinds.has("string"))) return "";
  if (kinds.size !== 1) return undefined;
  if (kinds.has("bool")) return false;
  if (kinds.has("int")) return 0;
  return kinds.has("slice") ? [] : undefined;
}

/** Go's template truth: false, 0, nil, missing and whatever is empty are not true. */
export function truth(value: Value): boolean {
  switch (kindOf(value)) {
    case "missing":
    case "nil":
      return false;
    case "slice":
      return (value as Value[]).length > 0;
    case "map":
      return value instanceof Map ? value.size > 0 : Object.keys(value as object).length > 0;
    default:
      return Boolean(value);
  }
}

/** Go's %v. */
export function format(value: Value): string {
  switch (kindOf(value)) {
    case "missing":
    case "nil":
      return "<nil>";
    case "int":
      return typeof value === "number" ? BigInt(value).toString() : String(value);
    case "float":
      return formatFloat(value as number, "g");
    case "slice":
      return `[${(value as Value[]).map(format).join(" ")}]`;
    case "map": {
      const entries = sortedEntries(value as object);
      return `map[${entries.map(([key, item]) => `${format(key)}:${format(item)}`).join(" ")}]`;
    }
    case "func":
      return "<func>";
    default:
      return String(value);
  }
}

/** What an action prints. */
export const display = (value: Value): string => (value === undefined ? "<no value>" : format(value));
