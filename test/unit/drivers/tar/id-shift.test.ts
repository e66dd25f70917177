import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { asInside, asOutside } from "../../../../src/drivers/tar/id-shift.ts";

const range = [{ inside: 0, outside: 100_000, size: 65_536 }];
const IDS = { uids: range, gids: range };
const NONE = new Map<string, Buffer>();

// cap_net_raw+ep, as setcap writes it, and as the kernel has it for the root of a user namespace
const PLAIN = Buffer.from("0100000200200000000000000000000000000000", "hex");
const ROOTED = Buffer.from("0100000300200000000000000000000000000000a0860100", "hex");

describe("files of a remapped tree", () => {
  it("have the container's owners in an archive, strangers nobody's", () => {
    assert.deepEqual(asInside(IDS, { uid: 100_000, gid: 100_044, xattrs: NONE }), { uid: 0, gid: 44, xattrs: NONE });
    assert.deepEqual(asInside(IDS, { uid: 0, gid: 7, xattrs: NONE }), { uid: 65_534, gid: 65_534, xattrs: NONE });
  });

  it("have the host's owners on disk, and none that the container lacks", () => {
    assert.deepEqual(asOutside(IDS, { uid: 5, gid: 6, xattrs: NONE }, "f"), {
      uid: 100_005,
      gid: 100_006,
      xattrs: NONE,
    });
    assert.throws(() => asOutside(IDS, { uid: 65_536, gid: 0, xattrs: NONE }, "f"), { code: "UNMAPPED_ID" });
  });

  it("have capabilities of the container's root, of which an archive says nothing", () => {
    const other = new Map([["user.a", Buffer.from("b")]]);
    const plain = new Map([...other, ["security.capability", PLAIN]]);
    const rooted = new Map([...other, ["security.capability", ROOTED]]);
    assert.deepEqual(asOutside(IDS, { uid: 0, gid: 0, xattrs: plain }, "f").xattrs, rooted);
    assert.deepEqual(asInside(IDS, { uid: 100_000, gid: 100_000, xattrs: rooted }).xattrs, plain);
    const strangers = new Map([
      ["security.capability", Buffer.concat([ROOTED.subarray(0, 20), Buffer.from("01000000", "hex")])],
    ]);
    assert.deepEqual(asInside(IDS, { uid: 0, gid: 0, xattrs: strangers }).xattrs, strangers);
  });

  it("name the same users and groups in access lists, nobody for strangers", () => {
    // u::rw u:7:rw g::r g:8:r m::rw o::r
    const list = (user: number, group: number): Buffer => {
      const text =
        "02000000 01000600ffffffff 0200060000000000 04000400ffffffff 0800040000000000 10000600ffffffff 20000400ffffffff";
      const value = Buffer.from(text.replaceAll(" ", ""), "hex");
      value.writeUInt32LE(user, 16);
      value.writeUInt32LE(group, 32);
      return value;
    };
    for (const name of ["system.posix_acl_access", "system.posix_acl_default"]) {
      const inside = new Map([[name, list(7, 8)]]);
      const outside = new Map([[name, list(100_007, 100_008)]]);
      assert.deepEqual(asOutside(IDS, { uid: 0, gid: 0, xattrs: inside }, "f").xattrs, outside);
      assert.deepEqual(asInside(IDS, { uid: 100_000, gid: 100_000, xattrs: outside }).xattrs, inside);
      assert.deepEqual(
        asInside(IDS, { uid: 100_000, gid: 100_000, xattrs: inside }).xattrs,
        new Map([[name, list(65_534, 65_534)]]),
      );
    }
  });
});
