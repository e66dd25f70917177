import assert from "node:assert/strict";
import { test } from "node:test";
import { isGantryError } from "../../../src/base/errors.ts";
import { checkShape, formatRate, parseRate, parseShare, shapeWords } from "../../../src/base/traffic-shape.ts";

test("rates are bits a second, in powers of 1000", () => {
  for (const [text, bits] of [
    ["64000bit", 64_000],
    ["512kbit", 512_000],
    ["1.5Mbit", 1_500_000],
    ["1gbit", 1e9],
  ] as const) {
    assert.equal(parseRate(text), bits);
    assert.equal(parseRate(formatRate(bits)), bits);
  }
  for (const text of ["10", "10mbps", "mbit", "-1mbit", "1e3bit"]) {
    assert.throws(
      () => parseRate(text),
      (error) => isGantryError(error, "BAD_SHAPE"),
      text,
    );
  }
});

test("shares are percents, with or without the sign", () => {
  assert.deepEqual(["5%", "0.1%", "100"].map(parseShare), [5, 0.1, 100]);
  for (const text of ["", "%", "five", "-1%"]) assert.throws(() => parseShare(text));
});

test("a shape reads as it was asked for", () => {
  assert.equal(
    shapeWords({ delay: 200e6, jitter: 20e6, loss: 5, duplicate: 1, rate: 10e6 }),
    "delay 200ms ±20ms, loss 5%, duplicate 1%, rate 10mbit",
  );
});

test("what makes no sense is refused", () => {
  for (const shape of [
    {},
    { loss: 101 },
    { loss: 0.0001 },
    { corrupt: Number.NaN },
    { delay: 300e9 },
    { jitter: 1e6 },
    { delay: 1e6, jitter: 2e6 },
    { reorder: 5 },
    { rate: 7999 },
  ]) {
    assert.throws(
      () => checkShape(shape),
      (error) => isGantryError(error, "BAD_SHAPE"),
      JSON.stringify(shape),
    );
  }
  checkShape({ delay: 1e6, jitter: 1e6, reorder: 100, rate: 8000, loss: 100 });
});
