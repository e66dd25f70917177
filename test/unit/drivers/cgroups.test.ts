import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { findCgroupRoots, HostCgroups } from "../../../src/drivers/cgroups/cgroups.ts";
import { makeRoom } from "../../../src/drivers/cgroups/make-room.ts";

let folder: string;
before(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-cgroup-"));
});
after(() => fs.rmSync(folder, { recursive: true }));

const write = (name: string, text: string): void => {
  fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  fs.writeFileSync(path.join(folder, name), text);
};

describe("control groups", () => {
  it("finds v2 alone, v1, and takes a hybrid host for v1", () => {
    const v2 = findCgroupRoots("cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n");
    assert.deepEqual([v2.version, v2.mounts.get("")], [2, "/sys/fs/cgroup"]);
    const hybrid = findCgroupRoots(
      "cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,cpu,cpuacct 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\ncgroup /tmp/x/memory cgroup rw,memory 0 0\n",
    );
    assert.equal(hybrid.version, 1);
    assert.equal(hybrid.mounts.get("memory"), "/sys/fs/cgroup/memory");
    assert.deepEqual([...hybrid.mounts.keys()], ["memory", "cpu", "cpuacct"]);
    assert.equal(hybrid.unified, "/sys/fs/cgroup/unified");
  });

  it("reads texts of files, each from its controller's tree", () => {
    write("t1/memory/gantry/x/memory.limit_in_bytes", "4096\n");
    write("t1/pids/gantry/x/pids.max", "max\n");
    write("t2/gantry/x/memory.max", "8192\n");
    const trees = new Map(["memory", "pids"].map((name) => [name, path.join(folder, "t1", name)]));
    const v1 = new HostCgroups({ version: 1, mounts: trees });
    const wanted = (version: 1 | 2): [string, string][] =>
      version === 1
        ? [
            ...(["memory.limit_in_bytes", "memory.missing"] as const).map((name): [string, string] => ["memory", name]),
            ["pids", "pids.max"],
            ["io", "x"],
          ]
        : [["memory", "memory.max"]];
    assert.deepEqual(v1.texts("/gantry/x", wanted), {
      version: 1,
      texts: [
        { controller: "memory", file: path.join(folder, "t1/memory/gantry/x/memory.limit_in_bytes"), text: "4096" },
        { controller: "pids", file: path.join(folder, "t1/pids/gantry/x/pids.max"), text: "max" },
      ],
    });
    const v2 = new HostCgroups({ version: 2, mounts: new Map([["", path.join(folder, "t2")]]) });
    assert.deepEqual(v2.texts("/gantry/x", wanted).texts, [
      { controller: "memory", file: path.join(folder, "t2/gantry/x/memory.max"), text: "8192" },
    ]);
  });

  it("reads pids, OOM kills and the most memory of v2, sub-groups too", () => {
    write("v2/gantry/x/cgroup.procs", "12\n13\n");
    write("v2/gantry/x/inner/cgroup.procs", "14\n");
    write("v2/gantry/x/memory.events", "low 0\nhigh 0\nmax 9\noom 2\noom_kill 1\n");
    const cgroups = new HostCgroups({ version: 2, mounts: new Map([["", path.join(folder, "v2")]]) });
    assert.deepEqual(cgroups.pids("/gantry/x"), [12, 13, 14]);
    assert.equal(cgroups.oomKills("/gantry/x"), 1);
    write("v2/gantry/x/memory.peak", "4096\n");
    assert.equal(cgroups.memoryPeak("/gantry/x"), 4096);
    assert.equal(cgroups.memoryPeak("/gantry/gone"), undefined);
    assert.deepEqual(cgroups.pids("/gantry/gone"), []);
    assert.equal(cgroups.oomKills("/gantry/gone"), 0);
    assert.deepEqual(cgroups.children("/gantry"), ["/gantry/x"]);
  });

  it("reads OOM kills and the most memory of v1", () => {
    write("memory/gantry/x/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
    const cgroups = new HostCgroups({ version: 1, mounts: new Map([["memory", path.join(folder, "memory")]]) });
    assert.equal(cgroups.oomKills("/gantry/x"), 3);
    write("memory/gantry/x/memory.max_usage_in_bytes", "8192\n");
    assert.equal(cgroups.memoryPeak("/gantry/x"), 8192);
  });

  it("removes a group's empty folders from every tree, also from the v2 tree of a hybrid host", () => {
    const left = ["cpu/gantry/x", "unified/gantry/x/system.slice/cron.service"].map((name) => path.join(folder, name));
    for (const name of left) fs.mkdirSync(name, { recursive: true });
    const mounts = ["cpu", "unified"].map((name) => path.join(folder, name));
    const [cpu = "", unified = ""] = mounts;
    const cgroups = new HostCgroups({ version: 1, mounts: new Map([["cpu", cpu]]), unified });
    cgroups.removeFolders("/gantry/x");
    for (const mount of mounts) assert.deepEqual(fs.readdirSync(path.join(mount, "gantry")), []);
    cgroups.removeFolders("/gantry/x");
  });

  it("empties the group that is the root of a container's cgroup v2, and leaves a machine's true root and v1 alone", () => {
    write("root/cgroup.procs", "1\n2\n");
    const roots = { version: 2 as const, mounts: new Map([["", path.join(folder, "root")]]) };
    assert.equal(makeRoom(roots), 0);
    assert.equal(fs.existsSync(path.join(folder, "root/init")), false);
    assert.equal(makeRoom({ version: 1, mounts: new Map([["memory", path.join(folder, "root")]]) }), 0);
    write("root/cgroup.type", "domain\n");
    assert.equal(makeRoom(roots), 2);
    assert.equal(fs.readFileSync(path.join(folder, "root/init/cgroup.procs"), "utf8"), "2");
    write("root/cgroup.procs", "");
    assert.equal(makeRoom(roots), 0);
  });
});
