import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseChown, userOwner } from "../../../src/build/owner.ts";

const accounts = () => ({
  passwd: "root:x:0:0::/root:/bin/sh\napp:x:100:101::/:\n1234:x:0:0:::\nbroken:x:abc:1:::\n",
  group: "root:x:0:\napp:x:102:\nstaff:x:50:app\n",
});

describe("--chown", () => {
  const cases: [string, number, number][] = [
    ["5", 5, 5],
    ["5:6", 5, 6],
    ["app", 100, 102],
    ["app:staff", 100, 50],
    ["root", 0, 0],
    ["5:staff", 5, 50],
    ["1234", 1234, 1234], // a number is never looked up as a name
  ];
  for (const [text, uid, gid] of cases) {
    it(`${text} is ${uid}:${gid}`, () => assert.deepEqual(parseChown(text, accounts), { uid, gid }));
  }

  for (const text of ["ghost", "app:ghosts", "4294967295", "4294967296", ":5", "a:b:c", "broken", ""]) {
    it(`${text || "nothing"} is refused and never root by accident`, () => {
      assert.throws(() => parseChown(text, accounts), /unable to convert uid\/gid chown string/);
    });
  }

  it("numbers need no files", () => {
    assert.deepEqual(
      parseChown("1:2", () => assert.fail("asked for the accounts")),
      { uid: 1, gid: 2 },
    );
  });
});

describe("the owner of what WORKDIR makes", () => {
  const cases: [string, { uid: number; gid: number } | undefined][] = [
    ["", undefined],
    ["app", { uid: 100, gid: 102 }],
    ["5:6", { uid: 5, gid: 6 }],
    ["ghost", undefined],
  ];
  for (const [user, owner] of cases) {
    it(`is ${owner ? "USER" : "root"} for USER ${user || "unset"}`, () =>
      assert.deepEqual(userOwner(user, accounts), owner));
  }
});
