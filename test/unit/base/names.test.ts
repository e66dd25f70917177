import assert from "node:assert/strict";
import { test } from "node:test";
import { containerName, NAME_COUNT } from "../../../src/base/names.ts";

/** All words of one half of the names, by walking the picks. */
function half(which: 0 | 1): string[] {
  const found: string[] = [];
  let size = 1;
  for (let i = 0; i < size; i += 1) {
    let call = 0;
    const name = containerName((n) => {
      const mine = call++ === which;
      if (mine) size = n;
      return mine ? i : 0;
    });
    found.push(name.split("_")[which] ?? "");
  }
  return found;
}

test("names are an adjective and a surname that Docker's name rule accepts", () => {
  assert.match(
    containerName((n) => n - 1),
    /^[a-z]+_[a-z]+$/,
  );
  assert.match(
    containerName(() => 0),
    /^[a-z]+_[a-z]+$/,
  );
});

test("there are enough words, and none twice", () => {
  const adjectives = half(0);
  const surnames = half(1);
  assert.ok(adjectives.length >= 90, `${adjectives.length} adjectives`);
  assert.ok(surnames.length >= 150, `${surnames.length} surnames`);
  assert.equal(new Set(adjectives).size, adjectives.length);
  assert.equal(new Set(surnames).size, surnames.length);
  assert.equal(NAME_COUNT, adjectives.length * surnames.length);
  for (const word of [...adjectives, ...surnames]) assert.match(word, /^[a-z]+$/);
});
