import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Comparison } from "./compare.ts";
import { normalise } from "./normalise.ts";
import type { Answer } from "./scenario.ts";
import { compareShapes, shapeOf } from "./shapes.ts";

const answer = (command: string, stdout: string): Answer => ({ command, code: 0, stdout, stderr: "" });
const why = "it is to be so";

describe("normalising answers", () => {
  const own = { subnet: "10.64.3", words: [["/tmp/a/data", "<root>"]] as [string, string][] };
  const id = "0123456789abcdef".repeat(4);

  it("numbers ids and keeps their length", () => {
    assert.equal(
      normalise(`${id} ${id.slice(0, 12)} ${"f".repeat(12)}`, own),
      `ID1${"_".repeat(61)} ID1_________ ID2_________`,
    );
  });

  it("hides times, own addresses, chosen ports and folders, and nothing else", () => {
    const text =
      "2026-11-22T07:11:57.12Z 0001-01-01T00:00:00Z 10.64.3.2 10.9.9.9 0.0.0.0:32768 0.0.0.0:8080 /tmp/a/data/x";
    const wanted = "<day>T<time>.<ns>Z 0001-01-01T00:00:00Z <net>.2 10.9.9.9 0.0.0.0:<port> 0.0.0.0:8080 <root>/x";
    assert.equal(normalise(text, own), wanted);
  });

  it("leaves the width of columns out of account only where a time moves them", () => {
    assert.equal(normalise("a     Up 2 seconds     b", own), "a   Up <span>   b");
    assert.equal(normalise("a     b     c", own), "a     b     c");
  });
});

describe("comparing answers", () => {
  const check = (lists: Comparison, theirs: string, ours: string): string[] =>
    lists.check("s", [answer("c", theirs)], [answer("c", ours)]).map(({ what }) => what.split("\n")[0] as string);

  it("tells what is not listed, what is listed otherwise, and what is listed without need", () => {
    const listed = new Comparison([], [{ scenario: "s", command: "c", why, stdout: "own" }]);
    assert.deepEqual(check(new Comparison([], []), "a", "b"), ["stdout"]);
    assert.deepEqual(check(listed, "a", "own"), []);
    assert.deepEqual(check(listed, "a", "other"), ["stdout"]);
    assert.deepEqual(check(listed, "own", "own"), ["stdout is listed as different and is not"]);
  });

  it("rewords one side, and tells which rewordings and differences nobody needs", () => {
    const newer = { side: "dockerd", find: /Bad/g, put: () => "bad", why } as const;
    const gone = { ...newer, find: /Gone/g };
    const lists = new Comparison([newer, gone], [{ scenario: "s", command: "other", why, code: 1 }]);
    assert.deepEqual(check(lists, "Bad", "bad"), []);
    assert.deepEqual(lists.unused(), ["dockerd no longer writes /Gone/g", "s has no such command: other"]);
  });

  it("wants the same commands in the same order", () => {
    const lists = new Comparison([], []);
    assert.equal(lists.check("s", [answer("a", "")], [answer("b", "")]).length, 1);
    assert.equal(lists.check("s", [answer("a", ""), answer("b", "")], [answer("a", "")]).length, 1);
  });
});

describe("shapes of the API's answers", () => {
  it("are paths with all types met there", () => {
    assert.deepEqual(shapeOf({ a: [{ b: 1 }, { b: null }] }), {
      "": "object",
      a: "array",
      "a[]": "object",
      "a[].b": "null|number",
    });
  });

  it("differ by fields and types unless that is listed", () => {
    const theirs = { "GET /x": { a: "number" } };
    const ours = { "GET /x": { a: "string", b: "null" } };
    assert.equal(compareShapes(theirs, ours, []).length, 2);
    assert.deepEqual(compareShapes(theirs, ours, [{ field: / [ab]$/, why }]), []);
    assert.deepEqual(compareShapes(theirs, theirs, [{ field: / a$/, why }]), [
      "/ a$/ is listed as different and is not",
    ]);
  });
});
