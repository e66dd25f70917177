import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTimestamp } from "../../../src/base/timestamps.ts";

const NOW = 1_700_000_000_000;

test("times are Unix seconds, RFC 3339 or a span before now", () => {
  const cases: [string, bigint][] = [
    ["1629574695", 1_629_574_695_000_000_000n],
    ["1629574695.515050031", 1_629_574_695_515_050_031n],
    ["1629574695.5", 1_629_574_695_500_000_000n],
    ["0", 0n],
    ["-1.5", -1_500_000_000n],
    ["1970-01-01T00:00:01Z", 1_000_000_000n],
    ["1970-01-01T00:00:01.000000001Z", 1_000_000_001n],
    ["1970-01-01T01:00:01+01:00", 1_000_000_000n],
    ["1970-01-01T00:00:01", 1_000_000_000n],
    ["1970-01-01T00:01", 60_000_000_000n],
    ["1970-01-02", 86_400_000_000_000n],
    ["1970-01-02Z", 86_400_000_000_000n],
    ["10m", 1_699_999_400_000_000_000n],
    ["1h30m", 1_699_994_600_000_000_000n],
  ];
  for (const [text, expected] of cases) assert.equal(parseTimestamp(text, NOW), expected, text);
});

test("anything else is refused", () => {
  for (const text of ["", "yesterday", "1.2.3", "2020-13-45T00:00:00Z", "10 m", "1629574695.x"]) {
    const message = `failed to parse value as time or duration: ${JSON.stringify(text)}`;
    assert.throws(() => parseTimestamp(text, NOW), { kind: "invalid", code: "BAD_TIME", message });
  }
});
