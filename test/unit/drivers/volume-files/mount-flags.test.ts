import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readMountOptions } from "../../../../src/drivers/volume-files/mount-flags.ts";

describe("a volume's mount options", () => {
  it("are flags of mount(2), or the file system's own", () => {
    const text = "size=100m,ro,nosuid,nodev,noexec,sync,noatime,uid=1000";
    assert.deepEqual(readMountOptions(text), { flags: 1 | 2 | 4 | 8 | 16 | 1024, data: "size=100m,uid=1000" });
    assert.deepEqual(readMountOptions("bind"), { flags: 4096, data: "" });
    assert.deepEqual(readMountOptions("rbind,strictatime"), { flags: 4096 | 16384 | (1 << 24), data: "" });
    assert.deepEqual(readMountOptions("addr=192.0.2.1,rw,nfsvers=4,hard"), {
      flags: 0,
      data: "addr=192.0.2.1,nfsvers=4,hard",
    });
  });

  it("take one another back, the last one counts", () => {
    assert.equal(readMountOptions("ro,nosuid,rw,suid").flags, 0);
    assert.equal(readMountOptions("defaults,noexec,exec,async,dev").flags, 0);
  });

  it("may say how mounts travel, which is a second step", () => {
    assert.deepEqual(readMountOptions("bind,rshared"), { flags: 4096, propagation: (1 << 20) | 16384, data: "" });
    assert.deepEqual(readMountOptions("private,slave"), { flags: 0, propagation: 1 << 19, data: "" });
  });
});
