import { formatFloat } from "../go-float.ts";
import { wellFormed } from "./literals.ts";
import { sortedEntries, type Value } from "./values.ts";

const encodeString = (text: string): string =>
  JSON.stringify(wellFormed(text)).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");

/** Go's form of a number: exponents below 1e-6 and from 1e21 on. */
function encodeNumber(value: number): string {
  if (!Number.isFinite(value)) throw new Error(`json: unsupported value: ${formatFloat(value, "g")}`);
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = formatFloat(value, size < 1e-6 || size >= 1e21 ? "e" : "f");
  return text.replace(/e-0(\d)$/, "e-$1");
}

/**
 * Go's JSON without HTML escaping. Plain objects keep the order of their keys, as Go's structs do; an object with
 * methods is a table row: its methods without arguments are called, and its keys sorted, as docker/cli does.
 */
export function toJson(value: Value): string {
  if (value == null) return "null";
  if (typeof value === "string") return encodeString(value);
  if (typeof value === "number") return encodeNumber(value);
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (typeof value === "function") throw new Error("json: unsupported type: func()");
  if (Array.isArray(value)) return `[${value.map(toJson).join(",")}]`;
  if (typeof value === "object" && "toJSON" in value && typeof value.toJSON === "function")
    return toJson(value.toJSON());
  return `{${members(value as object)
    .map(([key, item]) => `${encodeString(key)}:${toJson(item)}`)
    .join(",")}}`;
}

function members(object: object): [string, Value][] {
  if (object instanceof Map) return sortedEntries(object).map(([key, item]) => [String(key), item]);
  const entries = Object.entries(object) as [string, Value][];
  if (!entries.some(([, item]) => typeof item === "function")) return entries.filter(([, item]) => item !== undefined);
  return entries
    .filter(([, item]) => typeof item !== "function" || item.length === 0)
    .map(([key, item]): [string, Value] => [key, typeof item === "function" ? item.call(object) : item])
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}
