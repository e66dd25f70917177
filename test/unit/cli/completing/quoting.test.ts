import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { quoteFor, splitLine, unquote } from "../../../../src/cli/completing/quoting.ts";

const texts = (line: string): string[] => splitLine(line).map(({ text }) => text);

test("a line is split as a shell does, and nothing in it is expanded", () => {
  assert.deepEqual(texts("gantry rm  a"), ["gantry", "rm", "a"]);
  assert.deepEqual(texts("gantry rm "), ["gantry", "rm", ""]);
  assert.deepEqual(texts(`gantry rm 'a b' "c\\"d" e\\ f $(id) $HOME`), [
    ...["gantry", "rm", "a b", 'c"d', "e f", "$(id)", "$HOME"],
  ]);
  assert.deepEqual(texts(`x "a\\b" '' y\\`), ["x", "a\\b", "", "y\\"]);
});

test("the quotation mark that is still open is told", () => {
  assert.deepEqual(splitLine(`rm "a b`).at(-1), { raw: '"a b', text: "a b", open: '"' });
  assert.deepEqual(splitLine("rm x'a").at(-1), { raw: "x'a", text: "xa", open: "'" });
  assert.equal(splitLine("rm 'a'").at(-1)?.open, "");
});

test("what was quoted reads as before, within each quotation mark", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1 }), fc.constantFrom("", "'", '"' as const), (text, open) => {
      fc.pre(!text.includes("\n"));
      const line = `${open}${quoteFor(text, open as "" | "'" | '"')}${open}`;
      assert.deepEqual(texts(line), [text]);
      assert.equal(unquote(line), text);
    }),
  );
});
