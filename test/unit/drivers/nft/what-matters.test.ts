import assert from "node:assert/strict";
import { test } from "node:test";
import type { Change } from "../../../../src/drivers/nft/generations.ts";
import { mayMatter } from "../../../../src/drivers/nft/what-matters.ts";

const [INET, IP, NETDEV] = [1, 2, 5];
const [NEWCHAIN, NEWRULE, DELRULE, NEWELEMENT, DELELEMENT] = [3, 6, 8, 12, 14];
const matters = (change: Partial<Change>): boolean =>
  mayMatter("gantry_b0", { message: NEWRULE, family: INET, table: "theirs", part: "", ...change });

test("a change matters in one's own tables, in what drops forwarded packets, and nowhere else", () => {
  assert.equal(matters({ table: "gantry_b0", message: DELELEMENT }), true);
  assert.equal(matters({ table: "gantry_b1", message: NEWELEMENT }), false);
  assert.equal(matters({ message: NEWCHAIN, part: "forward" }), true);
  assert.equal(matters({ message: NEWCHAIN, family: NETDEV, table: "gantry_b1" }), false, "another engine's cable");
  assert.equal(matters({ family: IP, table: "filter", part: "FORWARD", message: DELRULE }), true);
  assert.equal(matters({ family: IP, table: "filter", part: "DOCKER" }), false, "a port that dockerd publishes");
  assert.equal(matters({ family: IP, table: "nat", part: "FORWARD" }), false);
});
