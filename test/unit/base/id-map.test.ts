import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type IdMap, mapText, outsideOf, ownerOutside, rootOf } from "../../../src/base/id-map.ts";

const MAP: IdMap = {
  uids: [
    { inside: 0, outside: 1000, size: 10 },
    { inside: 10, outside: 5000, size: 5 },
  ],
  gids: [{ inside: 0, outside: 2000, size: 3 }],
};

describe("a map of ids", () => {
  it("knows the host's id for each inside, and none beyond", () => {
    assert.deepEqual(
      [0, 9, 10, 14, 15].map((id) => outsideOf(MAP.uids, id)),
      [1000, 1009, 5000, 5004, undefined],
    );
    assert.deepEqual(ownerOutside(MAP, { uid: 11, gid: 2 }), { uid: 5001, gid: 2002 });
    assert.equal(ownerOutside(MAP, { uid: 11, gid: 3 }), undefined);
  });

  it("changes nothing where there is none", () => {
    assert.deepEqual(ownerOutside(undefined, { uid: 7, gid: 8 }), { uid: 7, gid: 8 });
    assert.deepEqual(
      [rootOf(undefined), rootOf(MAP)],
      [
        { uid: 0, gid: 0 },
        { uid: 1000, gid: 2000 },
      ],
    );
  });

  it("is written as the kernel reads it", () => {
    assert.equal(mapText(MAP.uids), "0 1000 10\n10 5000 5\n");
  });
});
