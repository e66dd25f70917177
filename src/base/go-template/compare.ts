import { kindOf, type Value } from "./values.ts";

const BASIC = new Set(["bool", "int", "float", "string"]);

function comparable(value: Value): string {
  const kind = kindOf(value);
  if (kind === "float") return "int"; // JSON does not tell whole floats from integers
  return kind === "missing" ? "nil" : kind;
}

/** Go's eq of two values. Throws a plain Error with Go's words where their types don't compare. */
export function equal(a: Value, b: Value): boolean {
  const [first, second] = [comparable(a), comparable(b)];
  if (first === "nil" || second === "nil") return first === second;
  if (!BASIC.has(first) || !BASIC.has(second)) throw new Error("non-comparable type for comparison");
  if (first !== second) throw new Error("incompatible types for comparison");
  // oxlint-disable-next-line eqeqeq -- a bigint equals the same number
  return a == b;
}

/** Go's lt. */
export function less(a: Value, b: Value): boolean {
  const [first, second] = [comparable(a), comparable(b)];
  if (first !== second) throw new Error("incompatible types for comparison");
  if (first !== "int" && first !== "string") throw new Error("invalid type for comparison");
  return (a as number) < (b as number);
}
