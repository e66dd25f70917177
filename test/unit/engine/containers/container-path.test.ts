import assert from "node:assert/strict";
import { test } from "node:test";
import { baseOf, containerPath } from "../../../../src/engine/containers/container-path.ts";

test("a container's path is cleaned from the root on, and keeps what says that a folder is meant", () => {
  const cases: [given: string, full: string, base: string][] = [
    ["/d", "/d", "d"],
    ["d/sub", "/d/sub", "sub"],
    ["/d/", "/d/", "d"],
    ["/d/.", "/d/.", "."],
    ["/d/./", "/d/./", "."],
    ["../../d/./x/../one", "/d/one", "one"],
    ["/", "/", "/"],
    [".", "/.", "."],
    ["/.", "/.", "."],
    ["/..", "/", "/"],
    ["//d//x", "/d/x", "x"],
  ];
  for (const [given, full, base] of cases) {
    assert.equal(containerPath(given), full, given);
    assert.equal(baseOf(containerPath(given)), base, given);
  }
});
