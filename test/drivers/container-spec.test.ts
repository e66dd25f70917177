import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { LibseccompCompiler } from "../../src/drivers/seccomp/libseccomp.ts";
import { LinuxHost } from "../../src/drivers/host-facts/linux-host.ts";
import { run } from "../../src/drivers/process/run.ts";
import { MNT_DETACH, umount } from "../../src/drivers/syscalls/mount.ts";
import { createNetworkNamespace } from "../../src/drivers/syscalls/namespaces.ts";
import type { SpecFacts } from "../../src/engine/containers/spec/facts.ts";
import { encodeSpec, planSpec, withCompiledSeccomp } from "../../src/engine/containers/spec/plan.ts";
import { scratch } from "../support/scratch.ts";

const host = new LinuxHost();

/** A bundle on a busybox tree, and a network namespace; all gone at the end of the scope. */
function world() {
  const dir = scratch("spec");
  const rootfs = dir.sub("rootfs");
  for (const name of ["bin", "dev", "proc", "sys", "etc", "tmp"]) fs.mkdirSync(path.join(rootfs, name));
  fs.copyFileSync("/usr/bin/busybox", path.join(rootfs, "bin/busybox"));
  for (const name of [
    "sh",
    "cat",
    "id",
    "ls",
    "grep",
    "touch",
    "mount",
    "env",
    "stat",
    "df",
    "mknod",
    "unshare",
    "hostname",
  ]) {
    fs.symlinkSync("busybox", path.join(rootfs, "bin", name));
  }
  const netns = path.join(dir.path, "netns");
  fs.writeFileSync(netns, "");
  createNetworkNamespace(netns);
  fs.writeFileSync(path.join(dir.path, "hosts"), "127.0.0.1 localhost\n");
  return {
    dir,
    netns,
    rootfs,
    [Symbol.dispose]: () => {
      umount(netns, MNT_DETACH);
      dir[Symbol.dispose]();
    },
  };
}

/** On a hybrid host crun needs the v2 tree out of its sight. */
function command(runtime: string, bundle: string, id: string): [string, string[]] {
  const unified = host.facts().cgroup.version === "hybrid" ? host.facts().cgroup.mountpoints["unified"] : undefined;
  if (runtime !== "crun" || unified === undefined) return [runtime, ["run", "-b", bundle, id]];
  return ["unshare", ["-m", "sh", "-c", `umount ${unified} && exec crun run -b ${bundle} ${id}`]];
}

async function runIn(
  runtime: string,
  w: ReturnType<typeof world>,
  script: string,
  over: Partial<SpecFacts>,
): Promise<string> {
  const id = `spec-${runtime}-${randomBytes(6).toString("hex")}`;
  const facts: SpecFacts = {
    id,
    name: "spec",
    hostConfig: {},
    rootfs: w.rootfs,
    hostname: "inside",
    user: { uid: 0, gid: 0, additionalGids: [], home: "/root" },
    netns: w.netns,
    mounts: [],
    files: { hosts: path.join(w.dir.path, "hosts") },
    host: host.facts(),
    ...over,
    config: { ...over.config, Cmd: ["sh", "-c", script] },
  };
  fs.writeFileSync(path.join(w.dir.path, "config.json"), encodeSpec(planSpec(facts)));
  const [tool, argv] = command(runtime, w.dir.path, id);
  try {
    const { stdout, stderr } = await run(tool, argv, { timeout: 20_000, ok: [0, 1] });
    return stdout.toString() + stderr;
  } finally {
    await run(runtime, ["delete", "-f", id], { ok: [0, 1] });
  }
}

for (const runtime of ["crun", "runc"]) {
  describe(`a planned container under ${runtime}`, () => {
    it("has the default rights, filter, devices, masks and limits", async () => {
      using w = world();
      const out = await runIn(
        runtime,
        w,
        `grep -E 'Cap|Seccomp:|NoNewPrivs|Groups' /proc/self/status; ls /dev; hostname; cat /etc/hosts
         ls /sys/firmware; cat /proc/keys; echo x > /proc/sys/kernel/core_pattern; touch /sys/x; ulimit -c; ulimit -n
         unshare -m true; mknod /tmp/vda b 254 0; cat /tmp/vda | head -c 1; mount -t tmpfs none /tmp
         cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max`,
        {
          hostConfig: {
            Ulimits: [
              { Name: "core", Soft: -1, Hard: -1 },
              { Name: "nofile", Soft: 512, Hard: 1024 },
            ],
          },
        },
      );
      assert.match(
        out,
        /CapInh:\s0{16}\nCapPrm:\s00000000a80425fb\nCapEff:\s00000000a80425fb\nCapBnd:\s00000000a80425fb/,
      );
      assert.match(out, /CapAmb:\s0{16}\nNoNewPrivs:\s0\nSeccomp:\s2/);
      assert.match(out, /\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n/);
      assert.match(out, /\ninside\n127\.0\.0\.1 localhost\nunlimited\n512\n/);
      assert.match(out, /core_pattern: Read-only/);
      assert.match(out, /touch: \/sys\/x: Read-only/);
      assert.match(out, /unshare.*Operation not permitted/);
      assert.match(out, /can't open '\/tmp\/vda': Operation not permitted/);
      assert.match(out, /mount.*(permission denied|Operation not permitted)/i);
      assert.match(out, /^2048$/m);
    });

    it("runs as the user asked for, with the mounts asked for", async () => {
      using w = world();
      const data = w.dir.sub("data");
      fs.writeFileSync(path.join(data, "file"), "content");
      const out = await runIn(
        runtime,
        w,
        `id; grep -E 'CapEff|CapBnd' /proc/self/status; cat /data/file; touch /data/x /one-file; touch /t/y && stat -c %a /t
         grep ' /t ' /proc/mounts; grep ' /dev/shm ' /proc/mounts; touch /etc/x; pwd; env`,
        {
          config: { WorkingDir: "/tmp", Env: ["A=b c"] },
          hostConfig: { ReadonlyRootfs: true, ShmSize: 2 ** 20, SecurityOpt: ["no-new-privileges"] },
          user: { uid: 1000, gid: 1001, additionalGids: [44], home: "/home/u" },
          mounts: [
            { type: "bind", source: data, destination: "/data", readOnly: true, folder: true },
            { type: "bind", source: path.join(data, "file"), destination: "/one-file", readOnly: true },
            { type: "tmpfs", source: "", destination: "/t", readOnly: false, options: ["size=1m", "mode=1777"] },
          ],
        },
      );
      assert.match(out, /uid=1000 gid=1001 groups=44,1001|uid=1000 gid=1001 groups=1001,44/);
      assert.match(out, /CapEff:\s0{16}\nCapBnd:\s00000000a80425fb\ncontent/);
      assert.match(out, /touch: \/data\/x: Read-only/);
      assert.match(out, /touch: \/one-file: Read-only/);
      assert.match(out, /content1777\n/);
      assert.match(out, / \/t tmpfs rw,nosuid,nodev,noexec,.*size=1024k/);
      assert.match(out, / \/dev\/shm tmpfs rw,nosuid,nodev,noexec,.*size=1024k/);
      assert.match(out, /touch: \/etc\/x: Read-only/);
      assert.match(out, /\n\/tmp\n/);
      assert.match(out, /^A=b c$/m);
      assert.match(out, /^HOME=\/home\/u$/m);
    });

    it("has all that the host can grant when privileged", async () => {
      using w = world();
      const out = await runIn(
        runtime,
        w,
        `grep -E 'CapEff|Seccomp:' /proc/self/status; ls /dev | grep -c .; touch /sys/nothing; grep ' /sys ' /proc/mounts; mount -t tmpfs none /tmp && echo mounted`,
        { hostConfig: { Privileged: true }, devices: { "/dev": host.devices("/dev") } },
      );
      const all = /^CapBnd:\s(\S+)$/m.exec(fs.readFileSync("/proc/self/status", "utf8"))?.[1];
      assert.match(out, new RegExp(`CapEff:\\s${all}\nSeccomp:\\s0`));
      assert.match(out, / \/sys sysfs rw,/);
      assert.match(out, /^mounted$/m);
    });
  });
}

describe("a filter compiled beforehand", () => {
  it("holds under crun, for the container and for what is executed in it", async () => {
    using w = world();
    const id = `spec-bpf-${randomBytes(6).toString("hex")}`;
    const facts: SpecFacts = {
      id,
      name: "spec",
      config: { Cmd: ["sh", "-c", "grep Seccomp: /proc/self/status; unshare -m true; exec sleep 60"] },
      hostConfig: {},
      rootfs: w.rootfs,
      hostname: "inside",
      user: { uid: 0, gid: 0, additionalGids: [], home: "/" },
      netns: w.netns,
      mounts: [],
      files: {},
      host: host.facts(),
    };
    fs.symlinkSync("busybox", path.join(w.rootfs, "bin/sleep"));
    const spec = withCompiledSeccomp(planSpec(facts), new LibseccompCompiler());
    assert.ok(spec.annotations?.["run.oci.seccomp_bpf_data"]);
    assert.equal(withCompiledSeccomp(spec, { compile: () => "other" }), spec);
    fs.writeFileSync(path.join(w.dir.path, "config.json"), encodeSpec(spec));
    const [tool, argv] = command("crun", w.dir.path, id);
    const container = run(tool, argv, { timeout: 20_000, ok: [0, 1, 137, -1] });
    try {
      const executed = await untilItRuns(() =>
        run("crun", ["exec", id, "sh", "-c", "grep Seccomp: /proc/self/status; unshare -m true || echo refused"]),
      );
      assert.match(executed, /Seccomp:\s2\nrefused/);
    } finally {
      await run("crun", ["delete", "-f", id], { ok: [0, 1] });
    }
    const { stdout, stderr } = await container;
    assert.match(stdout.toString(), /Seccomp:\s2/);
    assert.match(stderr, /unshare.*Operation not permitted/);
  });
});

/** An exec fails until the container is up. */
async function untilItRuns(attempt: () => Promise<{ stdout: Buffer }>): Promise<string> {
  for (let left = 100; ; left--) {
    try {
      return (await attempt()).stdout.toString();
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
