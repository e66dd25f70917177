import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isGantryError } from "../../../../src/base/errors.ts";
import { freeRange, idRanges, readSubIds } from "../../../../src/drivers/userns/sub-ids.ts";

describe("/etc/subuid", () => {
  it("is read row by row, past what makes no sense", () => {
    const rows = readSubIds("# who\n\nann:100000:65536\n 1001:5:1 \nbob:x:1\nbob:1\nbob:1:0\nbob:4294967290:65536\n");
    assert.deepEqual(rows, [
      { owner: "ann", start: 100_000, size: 65_536 },
      { owner: "1001", start: 5, size: 1 },
    ]);
  });

  it("gives all ranges of an account as one run of ids, lowest first", () => {
    const rows = readSubIds("ann:300000:10\nbob:1:1\nann:100000:5\n");
    assert.deepEqual(idRanges(rows, ["ann"], "/etc/subuid"), [
      { inside: 0, outside: 100_000, size: 5 },
      { inside: 5, outside: 300_000, size: 10 },
    ]);
  });

  it("knows an account by its name first, then by its number", () => {
    const rows = readSubIds("1001:200000:7\nann:100000:5\n");
    assert.equal(idRanges(rows, ["ann", "1001"], "/etc/subuid")[0]?.outside, 100_000);
    assert.equal(idRanges(rows, ["eve", "1001"], "/etc/subuid")[0]?.outside, 200_000);
  });

  it("says what is missing and how to mend it", () => {
    const hinted = (error: unknown): boolean =>
      isGantryError(error, "NO_SUB_IDS") &&
      error.message === 'no subgid ranges found for "ann" in /etc/subgid' &&
      error.hint === "usermod --add-subgids 100000-165535 ann";
    assert.throws(() => idRanges([], ["ann"], "/etc/subgid"), hinted);
  });

  it("never gives the host's root to a container, nor one id twice", () => {
    assert.throws(() => idRanges(readSubIds("a:0:10"), ["a"], "/etc/subuid"), /holds the host's root/);
    assert.throws(() => idRanges(readSubIds("a:10:10\na:19:10"), ["a"], "/etc/subuid"), /overlaps/);
    const many = Array.from({ length: 340 }, (_, i) => `a:${100_000 + i * 2}:1`).join("\n");
    assert.throws(() => idRanges(readSubIds(many), ["a"], "/etc/subuid"), /more than 339/);
  });

  it("has free ids between and behind what is taken", () => {
    assert.deepEqual(freeRange([]), { first: 100_000, last: 165_535 });
    assert.equal(freeRange(readSubIds("a:1:5\nb:231072:65536\nc:100000:65536")).first, 165_536);
    assert.equal(freeRange(readSubIds("a:100000:65536\nb:170000:65536")).first, 235_536);
  });
});
