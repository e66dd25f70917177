import assert from "node:assert/strict";
import { test } from "node:test";
import { TextLines } from "../../../src/base/text-lines.ts";

test("lines that are cut anywhere, also within a letter, come out whole", () => {
  const bytes = Buffer.from('{"a":"ü"}\r\n\n{"b":1}\n{"c":2}');
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const lines = new TextLines();
    const found = [...lines.push(bytes.subarray(0, cut)), ...lines.push(bytes.subarray(cut)), ...lines.end()];
    assert.deepEqual(found, ['{"a":"ü"}', '{"b":1}', '{"c":2}'], `cut at ${cut}`);
  }
});
