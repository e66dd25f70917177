import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { HostCgroups } from "../../../../src/drivers/cgroups/cgroups.ts";
import { deviceCounts } from "../../../../src/drivers/cgroups/usage-v1.ts";

const controllers = ["cpu", "cpuacct", "memory", "pids", "blkio"];
let folder: string;
let v1: HostCgroups;
let v2: HostCgroups;

const write = (name: string, text: string): void => {
  fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  fs.writeFileSync(path.join(folder, name), text);
};
const text = (name: string): string => fs.readFileSync(path.join(folder, name), "utf8");

/** Groups of real containers, recorded on Linux 6.18 with v1 and on 6.1 with v2: `== file`, then what was in it. */
before(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-cgroup-"));
  for (const version of ["v1", "v2"]) {
    const recorded = fs.readFileSync(path.join(import.meta.dirname, `${version}.txt`), "utf8");
    for (const part of recorded.split(/^== /m).slice(1)) {
      const end = part.indexOf("\n");
      write(`${version}/${part.slice(0, end)}`, part.slice(end + 1));
    }
  }
  v1 = new HostCgroups({ version: 1, mounts: new Map(controllers.map((name) => [name, `${folder}/v1/${name}`])) });
  v2 = new HostCgroups({ version: 2, mounts: new Map([["", `${folder}/v2`]]) });
});
after(() => fs.rmSync(folder, { recursive: true }));

describe("what a group has used", () => {
  it("is read from the files of v1", () => {
    const usage = v1.usage("/gantry/x");
    assert.ok(usage);
    const { stats, ...memory } = usage.memory;
    assert.deepEqual(usage.cpu, {
      total: 597588475,
      user: 550_000_000,
      system: 50_000_000,
      perCpu: [200871560, 400767643],
      periods: 31,
      throttledPeriods: 26,
      throttledTime: 1265237626,
    });
    assert.deepEqual(memory, { usage: 7032832, peak: 8388608, failures: 7737, limit: 8388608 });
    assert.deepEqual([stats["cache"], stats["rss"], stats["total_inactive_file"]], [6811648, 61440, 6811648]);
    assert.deepEqual(usage.pids, { current: 1, limit: 50 });
    assert.deepEqual(Object.keys(usage.io), ["serviceBytes", "serviced"]);
    assert.deepEqual(
      usage.io.serviceBytes?.map(({ op, value }) => `${op} ${value}`),
      ["Read 127897600", "Write 77824", "Sync 127975424", "Async 0", "Discard 0", "Total 127975424"],
    );
    assert.deepEqual(usage.io.serviced?.[0], { major: 254, minor: 0, op: "Read", value: 134 });
  });

  it("is read from the files of v2", () => {
    const usage = v2.usage("/gantry/x");
    assert.ok(usage);
    const { stats, ...memory } = usage.memory;
    assert.deepEqual(usage.cpu, {
      total: 3396072000,
      user: 3252864000,
      system: 143207000,
      periods: 74,
      throttledPeriods: 51,
      throttledTime: 2394848000,
    });
    assert.deepEqual(memory, { usage: 217088, failures: 0, limit: 67108864 });
    assert.deepEqual([stats["anon"], stats["file"], stats["inactive_file"]], [57344, 4096, 0]);
    assert.deepEqual(usage.pids, { current: 1, limit: 50 });
    assert.deepEqual(usage.io, {
      serviceBytes: [
        { major: 254, minor: 0, op: "read", value: 3145728 },
        { major: 254, minor: 0, op: "write", value: 3145728 },
      ],
    });
  });

  it("has no limits where the kernel has none, and zeros for controllers that are not there", () => {
    write("v1/memory/gantry/free/memory.usage_in_bytes", "4096\n");
    write("v1/memory/gantry/free/memory.limit_in_bytes", "9223372036854771712\n");
    write("v1/pids/gantry/free/pids.max", "max\n");
    write("v2/gantry/free/cpu.stat", "usage_usec 5\nuser_usec 2\nsystem_usec 3\n");
    write("v2/gantry/free/memory.max", "max\n");
    write("v2/gantry/free/io.stat", "253:0 \n");
    const [one, two] = [v1.usage("/gantry/free"), v2.usage("/gantry/free")];
    assert.deepEqual([one?.memory.limit, one?.pids, one?.cpu.total], [undefined, { current: 0 }, 0]);
    assert.deepEqual([two?.memory.limit, two?.pids, two?.cpu.total], [undefined, { current: 0 }, 5000]);
    assert.deepEqual(
      two?.io.serviceBytes?.map(({ value }) => value),
      [0, 0],
    );
  });

  it("is nothing once the group is gone", () => {
    assert.equal(v1.usage("/gantry/gone"), undefined);
    assert.equal(v2.usage("/gantry/gone"), undefined);
  });

  it("counts of v1 may lack the operation; the grand total is no device", () => {
    assert.deepEqual(deviceCounts("8:16 77\nTotal 77\n"), [{ major: 8, minor: 16, op: "", value: 77 }]);
  });
});

describe("a limit that is lifted", () => {
  it("has the kernel's word for none", () => {
    write("v1/cpu/gantry/x/cpu.cfs_quota_us", "50000\n");
    write("v2/gantry/x/cpu.max", "50000 100000\n");
    for (const cgroups of [v1, v2]) {
      cgroups.lift("/gantry/x", "pids");
      cgroups.lift("/gantry/x", "cpuQuota");
      cgroups.lift("/gantry/gone", "pids");
    }
    assert.deepEqual([text("v1/pids/gantry/x/pids.max"), text("v2/gantry/x/pids.max")], ["max", "max"]);
    assert.deepEqual([text("v1/cpu/gantry/x/cpu.cfs_quota_us"), text("v2/gantry/x/cpu.max")], ["-1", "max"]);
  });
});
