import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { explainCapabilities } from "../../../../src/engine/explain/capabilities.ts";
import { cgroupFilesOf, explainCgroup } from "../../../../src/engine/explain/cgroup.ts";
import { meaningOf, signalOf } from "../../../../src/engine/explain/end.ts";
import { explainMounts } from "../../../../src/engine/explain/mounts.ts";
import { explainNamespaces, explainProcesses } from "../../../../src/engine/explain/processes.ts";
import { explainSecurity } from "../../../../src/engine/explain/security.ts";
import { word } from "../../../../src/engine/explain/words.ts";
import type { Credentials, MountView, ProcessView } from "../../../../src/ports/kernel-view.ts";

const process = (pid: number, parent: number, inside = pid): ProcessView => ({
  ...{ pid, parent, inside, name: "sh", command: ["sh"], uid: 0, state: "S", threads: 1 },
});

const mount = (target: string, more: Partial<MountView> = {}): MountView => ({
  ...{ id: 1, parent: 0, device: "0:1", root: "/", target, options: "rw", propagation: "" },
  ...{ type: "ext4", source: "x", superOptions: "rw", ...more },
});

const NONE = "0".repeat(16);
const credentials: Credentials = {
  ...{ uid: 0, gid: 0, groups: [], noNewPrivileges: false, seccomp: 2, label: "", oomScoreAdj: 0 },
  capabilities: { bounding: NONE, permitted: NONE, effective: NONE, inheritable: NONE, ambient: NONE },
  ...{ uidMap: [], gidMap: [] },
};

describe("what is explained of a container", () => {
  it("puts processes below their parents, process 1 first, and marks what entered", () => {
    const { list } = explainProcesses(
      [process(50, 9), process(10, 5), process(12, 10), process(51, 50), process(13, 12)],
      10,
      5,
    );
    assert.deepEqual(
      list.map(({ pid, role }) => `${pid} ${role}`),
      ["10 init", "12 child", "13 child", "50 entered", "51 child"],
    );
  });

  it("tells the host's namespaces, shared ones and own ones apart", () => {
    const { list } = explainNamespaces({
      pid: 10,
      own: { net: 7, pid: 8, user: 1 },
      host: { net: 2, pid: 3, user: 1 },
      others: [{ name: "web", namespaces: { net: 7, pid: 9, user: 1 } }],
      credentials: { uidMap: [], gidMap: [] },
    });
    assert.deepEqual(
      list.map(({ type, host, sharedWith }) => [type, host, sharedWith]),
      [
        ["net", false, ["web"]],
        ["pid", false, []],
        ["user", true, ["web"]],
      ],
    );
  });

  it("names capabilities by bit, and how they differ from what is usual", () => {
    const mask = "00000000a80435fb"; // the usual ones and NET_ADMIN
    const masks = { bounding: mask, permitted: mask, effective: NONE, inheritable: NONE, ambient: NONE };
    const find = (privileged: boolean, name: string) =>
      explainCapabilities(masks, { pid: 1, privileged }).list.find((row) => row.name === name);
    assert.deepEqual(find(false, "CAP_NET_ADMIN")?.sets, ["bounding", "permitted"]);
    assert.equal(find(false, "CAP_NET_ADMIN")?.differs, "added");
    assert.equal(find(true, "CAP_NET_ADMIN")?.differs, undefined);
    assert.equal(find(false, "CAP_CHOWN")?.differs, undefined);
    const { list } = explainCapabilities(masks, { pid: 1, privileged: false });
    assert.ok(list.every(({ allows }) => allows !== ""));
    assert.equal(list.length, 41);
  });

  it("reads control groups of v1 and v2, with and without limits", () => {
    const rows = (version: 1 | 2, texts: Record<string, string>) =>
      explainCgroup(
        version,
        cgroupFilesOf(version).flatMap(([controller, name]) =>
          texts[name] === undefined ? [] : [{ controller, file: `/cg/${controller}/${name}`, text: texts[name] }],
        ),
        [],
        9,
      );
    const values = (section: ReturnType<typeof rows>) =>
      Object.fromEntries(section.files.map(({ file, value }) => [file.split("/").at(-1), value]));
    const v1 = rows(1, {
      "memory.limit_in_bytes": "9223372036854771712",
      "memory.usage_in_bytes": "4096",
      "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3",
      "cpu.cfs_quota_us": "-1",
      "pids.max": "max",
    });
    assert.deepEqual(values(v1), {
      "memory.limit_in_bytes": undefined,
      "memory.usage_in_bytes": 4096,
      "memory.oom_control": 3,
      "cpu.cfs_quota_us": undefined,
      "pids.max": undefined,
    });
    const v2 = rows(2, {
      "memory.max": "67108864",
      "memory.events": "low 0\noom 2\noom_kill 1",
      "cpu.max": "50000 100000",
      "cpu.stat": "usage_usec 77\nuser_usec 1",
      "pids.max": "12",
    });
    assert.deepEqual(values(v2), {
      "memory.max": 67108864,
      "memory.events": 1,
      "cpu.max": 50000,
      "cpu.stat": 77,
      "pids.max": 12,
    });
    assert.equal(rows(2, { "cpu.max": "max 100000" }).files[0]?.value, undefined);
    assert.ok(v2.byHand.some(({ command }) => command === "cat /cg/memory/memory.max"));
  });

  it("knows masks and read-only parts by how they are mounted", () => {
    const mounts = [
      mount("/", { type: "overlay", options: "ro,relatime" }),
      mount("/proc", { type: "proc" }),
      mount("/proc/sys", { type: "proc", root: "/sys", options: "ro" }),
      mount("/proc/keys", { type: "devtmpfs", root: "/null" }),
      mount("/sys/firmware", { type: "tmpfs", options: "ro,relatime" }),
      mount("/sys/fs/cgroup", { type: "tmpfs", options: "ro" }),
    ];
    const found = explainSecurity({ pid: 1, credentials, mounts, hostConfig: {} });
    assert.deepEqual(found.masked, ["/proc/keys", "/sys/firmware"]);
    assert.deepEqual(found.readOnly, ["/proc/sys"]);
    assert.equal(found.readOnlyRoot, true);
    assert.deepEqual(found.seccomp, { mode: "filter", profile: "the engine's default" });
  });

  it("tells where mounts come from", () => {
    const row = {
      Type: "volume" as const,
      Name: "data",
      Source: "/v",
      Destination: "/data",
      Mode: "",
      RW: true,
      Propagation: "",
    };
    const facts = { rows: [row], tmpfs: ["/cache"], own: new Map([["/etc/hosts", "/c/hosts"]]) };
    const targets = ["/", "/data", "/data/below", "/cache", "/etc/hosts", "/dev", "/late"];
    const found = explainMounts([...targets.map((target) => mount(target)), mount("/proc", { type: "proc" })], facts);
    assert.deepEqual(
      found.map(({ target, origin }) => `${target} ${origin}`),
      [
        ...["/ image", "/data volume", "/data/below bind", "/cache tmpfs", "/etc/hosts engine", "/dev kernel"],
        ...["/late other", "/proc kernel"],
      ],
    );
  });

  it("says what exit codes mean, started or not", () => {
    assert.match(meaningOf(0, true), /success/);
    assert.match(meaningOf(127, true), /a shell in it/);
    assert.match(meaningOf(127, false), /never started: its program was not found/);
    assert.match(meaningOf(137, true), /^128 \+ 9: ended by SIGKILL/);
    assert.match(meaningOf(143, true), /SIGTERM/);
    assert.match(meaningOf(3, true), /own error code 3/);
    assert.equal(signalOf(139), "SIGSEGV");
    assert.equal(signalOf(127), undefined);
    assert.equal(signalOf(255), undefined);
  });

  it("quotes what a shell would take apart", () => {
    assert.equal(word("/a/b.c-d"), "/a/b.c-d");
    assert.equal(word("/a b/$(c)'"), `'/a b/$(c)'\\'''`);
  });
});
