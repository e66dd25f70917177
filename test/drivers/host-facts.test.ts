import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import { LinuxHost } from "../../src/drivers/host-facts/linux-host.ts";
import { CAPABILITIES } from "../../src/base/capabilities.ts";
import { run } from "../../src/drivers/process/run.ts";
import { scratch } from "../support/scratch.ts";

describe("the host", () => {
  const host = new LinuxHost();

  it("is described as the kernel describes it", () => {
    const facts = host.facts();
    const bounding = /^CapBnd:\s(\S+)$/m.exec(fs.readFileSync("/proc/self/status", "utf8"))?.[1];
    const mask = facts.capabilities.reduce((sum, name) => sum | (1n << BigInt(CAPABILITIES.indexOf(name))), 0n);
    assert.equal(mask.toString(16).padStart(16, "0"), bounding);
    assert.equal(facts.cpus, os.cpus().length);
    assert.match(facts.cpuList, /^\d[\d,-]*$/);
    assert.equal(facts.kernel.release, os.release());
    assert.ok(facts.kernel.major >= 4);
    assert.ok(facts.memory > 0);
    assert.ok((facts.hardLimits["nofile"] ?? 0) > 0);
    assert.equal(Object.keys(facts.hardLimits).length, 16);
    assert.equal(host.facts(), facts);
    const { version, mountpoints } = facts.cgroup;
    for (const folder of Object.values(mountpoints))
      assert.ok(fs.existsSync(path.join(folder, "cgroup.procs")), folder);
    assert.equal(version === 2, fs.existsSync("/sys/fs/cgroup/cgroup.controllers"));
  });

  it("gives a device by its path, by a link, or all of a folder", async () => {
    const device = { type: "c", major: 1, minor: 3, fileMode: 0o666, uid: 5, gid: 6 };
    using dir = scratch("devices");
    const folder = dir.sub("bus/deep");
    await run("mknod", ["-m", "640", path.join(folder, "high"), "b", "259", "70000"]);
    const nothing = path.join(dir.path, "null");
    await run("mknod", ["-m", "666", nothing, "c", "1", "3"]);
    fs.chownSync(nothing, 5, 6);
    assert.deepEqual(host.devices(nothing), [{ path: nothing, ...device }]);
    fs.symlinkSync(nothing, path.join(dir.path, "link"));
    fs.writeFileSync(path.join(dir.path, "file"), "");
    dir.sub("bus/pts");
    assert.deepEqual(host.devices(path.join(dir.path, "link")), [{ path: path.join(dir.path, "link"), ...device }]);
    assert.deepEqual(host.devices(path.join(dir.path, "bus")), [
      { path: path.join(folder, "high"), type: "b", major: 259, minor: 70_000, fileMode: 0o640, uid: 0, gid: 0 },
    ]);
    for (const [name, why] of [
      ["missing", "no such file or directory"],
      ["file", "not a device node"],
    ] as const) {
      const file = path.join(dir.path, name);
      assert.throws(() => host.devices(file), {
        code: "NO_SUCH_DEVICE",
        message: `error gathering device information while adding custom device "${file}": ${why}`,
      });
    }
  });
});
