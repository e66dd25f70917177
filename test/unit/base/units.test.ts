import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  bytesSize,
  formatDuration,
  humanDuration,
  humanSize,
  humanSizeWithPrecision,
  parseBytes,
  parseDuration,
} from "../../../src/base/units.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function table<T>(name: string, fn: (input: T) => unknown, cases: [T, unknown][]): void {
  test(name, () => {
    for (const [input, expected] of cases) assert.deepEqual(fn(input), expected, `${name}: ${String(input)}`);
  });
}

table("humanSize writes decimal sizes with four significant digits", humanSize, [
  [0, "0B"],
  [1, "1B"],
  [999, "999B"],
  [1000, "1kB"],
  [1024, "1.024kB"],
  [1_000_000, "1MB"],
  [1_048_576, "1.049MB"],
  [1_234_567, "1.235MB"],
  [999_999, "1000kB"],
  [999_999_999, "1000MB"],
  [1_062_500, "1.062MB"],
  [2 * 1_000_000, "2MB"],
  [3.42 * 1e9, "3.42GB"],
  [5.372 * 1e12, "5.372TB"],
  [2.22 * 1e15, "2.22PB"],
]);

table("images and ps -s write three significant digits", (n: number) => humanSizeWithPrecision(n, 3), [
  [0, "0B"],
  [1_234_567, "1.23MB"],
  [4_261_502, "4.26MB"],
  [187_654_321, "188MB"],
  [1_000, "1kB"],
  [999_900, "1e+03kB"],
]);

table("bytesSize writes binary sizes", bytesSize, [
  [0, "0B"],
  [1024, "1KiB"],
  [1_258_291, "1.2MiB"],
  [1024 * 1024, "1MiB"],
  [3.42 * 1024 ** 3, "3.42GiB"],
  [7_340_032, "7MiB"],
]);

table("humanDuration speaks as docker ps does", humanDuration, [
  [0, "Less than a second"],
  [450, "Less than a second"],
  [-5000, "Less than a second"],
  [1 * SECOND, "1 second"],
  [1900, "1 second"],
  [47 * SECOND, "47 seconds"],
  [59_999, "59 seconds"],
  [MINUTE, "About a minute"],
  [119 * SECOND, "About a minute"],
  [3 * MINUTE, "3 minutes"],
  [35 * MINUTE, "35 minutes"],
  [59 * MINUTE + 59 * SECOND, "59 minutes"],
  [HOUR, "About an hour"],
  [HOUR + 29 * MINUTE, "About an hour"],
  [HOUR + 45 * MINUTE, "2 hours"],
  [3 * HOUR, "3 hours"],
  [3 * HOUR + 59 * MINUTE, "4 hours"],
  [24 * HOUR, "24 hours"],
  [DAY + 12 * HOUR, "36 hours"],
  [2 * DAY, "2 days"],
  [7 * DAY, "7 days"],
  [13 * DAY + 5 * HOUR, "13 days"],
  [14 * DAY, "2 weeks"],
  [27 * DAY, "3 weeks"],
  [59 * DAY, "8 weeks"],
  [61 * DAY, "2 months"],
  [729 * DAY, "24 months"],
  [730 * DAY, "2 years"],
  [3 * 365 * DAY + 30 * DAY, "3 years"],
]);

table("parseBytes reads powers of 1024", parseBytes, [
  ["0", 0],
  ["32", 32],
  ["10b", 10],
  ["10B", 10],
  ["64k", 65_536],
  ["64K", 65_536],
  ["64kb", 65_536],
  ["64KiB", 65_536],
  ["512m", 536_870_912],
  ["512 m", 536_870_912],
  ["1.5g", 1_610_612_736],
  ["1g", 1_073_741_824],
  ["2T", 2 * 1024 ** 4],
  ["1p", 1024 ** 5],
  [".5k", 512],
  ["1.k", 1024],
  ["32.3", 32],
]);

test("parseBytes refuses what is no size, in Docker's words", () => {
  const cases: [string, string][] = [
    ["", "invalid size: ''"],
    ["hello", "invalid size: 'hello'"],
    ["-32", "invalid size: '-32'"],
    [".", 'strconv.ParseFloat: parsing ".": invalid syntax'],
    [" ", 'strconv.ParseFloat: parsing "": invalid syntax'],
    ["12m3", 'strconv.ParseFloat: parsing "12m3": invalid syntax'],
    ["32kbb", "invalid suffix: 'kbb'"],
    ["32ib", "invalid suffix: 'ib'"],
    ["32 mm", "invalid suffix: 'mm'"],
    ["32X", "invalid suffix: 'x'"],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => parseBytes(text), { kind: "invalid", code: "BAD_SIZE", message });
  }
});

table("parseDuration reads Go's durations", parseDuration, [
  ["0", 0],
  ["-0", 0],
  ["5s", 5e9],
  ["1m30s", 90e9],
  ["1.5h", 5400e9],
  ["300ms", 300e6],
  ["-1.5h", -5400e9],
  ["+5s", 5e9],
  ["1.1s", 1_100_000_000],
  [".5s", 500e6],
  ["1.s", 1e9],
  ["12us", 12e3],
  ["12µs", 12e3],
  ["3h2m1s4ms5us6ns", 3 * 3600e9 + 2 * 60e9 + 1e9 + 4e6 + 5e3 + 6],
  ["0.3333333333333333333h", 1.2e12],
]);

test("parseDuration refuses in Go's words", () => {
  const cases: [string, string][] = [
    ["", 'time: invalid duration ""'],
    ["-", 'time: invalid duration "-"'],
    ["s", 'time: invalid duration "s"'],
    [".s", 'time: invalid duration ".s"'],
    ["x", 'time: invalid duration "x"'],
    ["3", 'time: missing unit in duration "3"'],
    ["1d", 'time: unknown unit "d" in duration "1d"'],
    ["3000000h", 'time: invalid duration "3000000h"'],
    ["1toString", 'time: unknown unit "toString" in duration "1toString"'],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => parseDuration(text), { kind: "invalid", code: "BAD_DURATION", message });
  }
});

table("formatDuration writes Go's Duration.String", formatDuration, [
  [0, "0s"],
  [1, "1ns"],
  [1100, "1.1µs"],
  [2_200_000, "2.2ms"],
  [3_300_000_000, "3.3s"],
  [90e9, "1m30s"],
  [300e9, "5m0s"],
  [4 * 60e9 + 5.001e9, "4m5.001s"],
  [5400e9, "1h30m0s"],
  [-300e6, "-300ms"],
  [100 * 3600e9, "100h0m0s"],
]);

test("a duration survives writing and reading", () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 52), max: 2 ** 52 }), (ns) => {
      assert.equal(parseDuration(formatDuration(ns)), ns);
    }),
    { numRuns: 300 },
  );
});
