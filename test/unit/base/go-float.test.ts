import assert from "node:assert/strict";
import { test } from "node:test";
import { formatFloat } from "../../../src/base/go-float.ts";

test("floats are written as Go's strconv writes them", () => {
  const cases: [number, "e" | "f" | "g", number | undefined, string][] = [
    [0, "g", 3, "0"],
    [1234, "g", 3, "1.23e+03"],
    [0.00001234, "g", 3, "1.23e-05"],
    [0.0001234, "g", 3, "0.000123"],
    [100, "g", 3, "100"],
    [-2.5, "g", 3, "-2.5"],
    [Number.POSITIVE_INFINITY, "g", 3, "+Inf"],
    [Number.NaN, "f", 2, "NaN"],
    [1, "g", undefined, "1"],
    [1e20, "g", undefined, "100000000000000000000"],
    [1e21, "g", undefined, "1e+21"],
    [1.5e-7, "g", undefined, "1.5e-07"],
    [0.00012, "g", undefined, "0.00012"],
    [2.71928, "f", 2, "2.72"],
    [2, "f", 6, "2.000000"],
    [1e21, "f", 1, "1000000000000000000000.0"],
    [1e22, "f", undefined, "10000000000000000000000"],
    [1234.5678, "e", 2, "1.23e+03"],
    [1234.5678, "e", undefined, "1.2345678e+03"],
    [-0, "f", 1, "-0.0"],
  ];
  for (const [value, form, precision, expected] of cases) assert.equal(formatFloat(value, form, precision), expected);
});

test("exact ties go to the even neighbour", () => {
  assert.equal(formatFloat(2.5, "f", 0), "2");
  assert.equal(formatFloat(3.5, "f", 0), "4");
  assert.equal(formatFloat(0.125, "f", 2), "0.12");
  assert.equal(formatFloat(1.0625, "g", 4), "1.062");
  assert.equal(formatFloat(1.0635, "g", 4), "1.063"); // the double lies just below
});
