import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { resolveUser } from "../../../../../src/engine/containers/spec/user.ts";

const PASSWD = `root:x:0:0:root:/root:/bin/sh
bob:x:1000:1001:Bob:/home/bob:/bin/sh
# a comment
homeless:x:1005:1005
`;
const GROUP = `root:x:0:
audio:x:29:bob,root
bob:x:1001:
video:x:44:bob
`;

const resolve = (spec: string | undefined, add: string[] = []) => resolveUser(spec, PASSWD, GROUP, add);

describe("the user of a container", () => {
  it("is root with root's groups when nothing is said", () => {
    assert.deepEqual(resolve(undefined), { uid: 0, gid: 0, additionalGids: [29], home: "/root" });
    assert.deepEqual(resolveUser("", "", ""), { uid: 0, gid: 0, additionalGids: [], home: "/" });
  });

  it("is found by name or number, with its groups and home", () => {
    const bob = { uid: 1000, gid: 1001, additionalGids: [29, 44], home: "/home/bob" };
    assert.deepEqual(resolve("bob"), bob);
    assert.deepEqual(resolve("1000"), bob);
    assert.deepEqual(resolve("homeless"), { uid: 1005, gid: 1005, additionalGids: [], home: "/" });
  });

  it("has no supplementary groups when its group is named", () => {
    assert.deepEqual(resolve("bob:video"), { uid: 1000, gid: 44, additionalGids: [], home: "/home/bob" });
    assert.deepEqual(resolve("bob:7"), { uid: 1000, gid: 7, additionalGids: [], home: "/home/bob" });
  });

  it("may be a number that the image does not know", () => {
    assert.deepEqual(resolve("4242"), { uid: 4242, gid: 0, additionalGids: [], home: "/" });
    assert.deepEqual(resolve("4242:4343"), { uid: 4242, gid: 4343, additionalGids: [], home: "/" });
  });

  it("gets the groups of --group-add by name or number", () => {
    assert.deepEqual(resolve("4242", ["video", "555"]).additionalGids, [44, 555]);
    assert.throws(() => resolve("bob", ["nope"]), {
      message: "Unable to find group nope: no matching entries in group file",
    });
  });

  it("that is missing is an error in Docker's words", () => {
    assert.throws(() => resolve("eve"), {
      message: "unable to find user eve: no matching entries in passwd file",
      kind: "invalid",
    });
    assert.throws(() => resolve("bob:eve"), { message: "unable to find group eve: no matching entries in group file" });
  });

  it("is never root by a number that overflows or is oddly written", () => {
    for (const spec of [
      "4294967296",
      "2147483648",
      "-1",
      "+0",
      "00000000000000000000",
      "1000:4294967296",
      "99999999999999999999",
    ]) {
      assert.throws(() => resolve(spec), { message: "uids and gids must be in range 0-2147483647" }, spec);
    }
    for (const spec of ["0x0", "1e3", " 0", "٠"]) assert.throws(() => resolve(spec), /unable to find user/, spec);
  });

  it("is never root by a hostile passwd or group file", () => {
    assert.equal(resolveUser("1000", "1000:x:0:0::/:\n", "").uid, 1000);
    for (const line of ["bob:x:4294967296:0::/:", "bob:x::0::/:", "bob:x:zero:0::/:", "bob", "bob:x:-0:0"]) {
      assert.throws(() => resolveUser("bob", line, ""), /uids and gids must be in range/, line);
    }
    assert.throws(() => resolveUser("5:staff", "", "staff:x:4294967296:"), /uids and gids must be in range/);
    assert.deepEqual(resolveUser("bob", "bob:x:7:7::/:", "bad:x:99999999999:bob\nok:x:8:bob").additionalGids, [8]);
  });
});
