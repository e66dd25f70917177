import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { inspect } from "../faults/facts.ts";
import { run, TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

let engine: TestEngine;
const delegated = hasDelegateFlag();
before(async () => {
  engine = await TestEngine.start();
  await copyControlGroups();
  await makeDebian();
  await build("systemd", "RUN ln -sf /lib/systemd/systemd /sbin/init", "STOPSIGNAL SIGRTMIN+3");
  await build("sysvinit", "STOPSIGNAL SIGINT");
});
after(async () => {
  await run("umount", ["-R", groups()]);
  await engine.end();
  // a privileged systemd sets it for the whole machine
  if (hasDelegateFlag() && !delegated) await run("mount", ["-t", "cgroup2", "-o", "remount,rw", "cgroup2", V2_BESIDE]);
});

const V2_BESIDE = "/sys/fs/cgroup/unified";

function hasDelegateFlag(): boolean {
  return /^\S+ \/sys\/fs\/cgroup\/unified cgroup2 \S*nsdelegate/m.test(fs.readFileSync("/proc/self/mounts", "utf8"));
}

const groups = (): string => path.join(engine.folder, "groups");

/**
 * The host's control groups at another place: on cgroup v1 systemd makes folders for hierarchies that it misses, and those
 * would stay on the machine.
 */
async function copyControlGroups(): Promise<void> {
  const mount = async (...args: string[]): Promise<void> => {
    const { code, stderr } = await run("mount", args);
    assert.equal(code, 0, stderr);
  };
  fs.mkdirSync(groups());
  if (fs.existsSync("/sys/fs/cgroup/cgroup.controllers")) return mount("--bind", "/sys/fs/cgroup", groups());
  await mount("-t", "tmpfs", "tmpfs", groups());
  for (const [, name = ""] of fs
    .readFileSync("/proc/self/mounts", "utf8")
    .matchAll(/ \/sys\/fs\/cgroup\/(\S+) cgroup /g)) {
    const place = path.join(groups(), name);
    fs.mkdirSync(place);
    await mount("--bind", `/sys/fs/cgroup/${name}`, place);
  }
}

/** One Debian with both inits: systemd's package for sysvinit's place (systemd-sysv) is a link. */
async function makeDebian(): Promise<void> {
  const tar = path.join(engine.folder, "debian.tar");
  const options = ["--mode=root", "--format=tar", "--variant=essential", "--dpkgopt=force-unsafe-io"];
  const packages = "--include=systemd,sysvinit-core,initscripts,cron";
  const recommended = "--aptopt=APT::Install-Recommends false";
  const made = await run("mmdebstrap", [...options, packages, recommended, "bookworm", tar], { timeout: 300_000 });
  assert.equal(made.code, 0, made.stderr.slice(-2000));
  await engine.ok("import", tar, "debian");
  fs.rmSync(tar);
}

async function build(name: string, ...lines: string[]): Promise<void> {
  const folder = path.join(engine.folder, name);
  fs.mkdirSync(folder);
  fs.writeFileSync(path.join(folder, "Dockerfile"), ["FROM debian", ...lines, 'CMD ["/sbin/init"]', ""].join("\n"));
  await engine.ok("build", "-t", name, folder);
}

const TMPFS = ["/run", "/run/lock", "/tmp"].flatMap((folder) => ["--tmpfs", folder]);

/** Stops it, which has to end by itself long before the time-out, and gives the exit code. */
async function stop(name: string): Promise<number> {
  const began = performance.now();
  await engine.ok("stop", "-t", "30", name);
  const took = performance.now() - began;
  assert.ok(took < 15_000, `stopping took ${took} ms`);
  return (await inspect(engine, name)).State.ExitCode;
}

/** Waits until systemd has come up. */
async function systemdIsUp(name: string): Promise<void> {
  let state = "";
  await until(
    async () => {
      state = (await engine.docker("exec", name, "systemctl", "is-system-running")).stdout.trim();
      return ["running", "degraded"].includes(state);
    },
    { what: `systemd in ${name} to be up (it is "${state}")`, timeout: 30_000 },
  );
}

const WAYS: [name: string, flags: () => string[]][] = [
  ["privileged", () => ["--privileged"]],
  ["with the host's control groups", () => ["-v", `${groups()}:/sys/fs/cgroup:rw`, "--cgroupns=host"]],
  ["with its own control groups to write", () => ["--security-opt", "writable-cgroups=true", "--cgroupns=private"]],
];

describe("Debian's systemd", () => {
  for (const [way, flags] of WAYS) {
    it(`comes up, runs its services and stops by itself, ${way}`, async () => {
      const id = await engine.ok("run", "-d", "--name", "sys", ...TMPFS, ...flags(), "systemd");
      await systemdIsUp("sys");
      assert.equal(await engine.ok("exec", "sys", "systemctl", "is-active", "cron"), "active");
      assert.equal(await engine.ok("exec", "sys", "systemd-detect-virt", "--container"), "docker");
      assert.equal((await inspect(engine, id)).State.Status, "running");
      const code = await stop("sys");
      assert.ok([0, 130].includes(code), `exit code ${code}`);
      await engine.ok("rm", "sys");
    });
  }

  it("comes up again after a stop and after a restart", async () => {
    await engine.ok("run", "-d", "--name", "again", ...TMPFS, "--privileged", "systemd");
    await systemdIsUp("again");
    await stop("again");
    await engine.ok("start", "again");
    await systemdIsUp("again");
    await engine.ok("restart", "-t", "30", "again");
    await systemdIsUp("again");
    assert.equal(await engine.ok("exec", "again", "systemctl", "is-active", "cron"), "active");
    await engine.ok("rm", "-f", "again");
  });
});

describe("Debian's sysvinit", () => {
  it("comes up, runs its services and stops by itself", async () => {
    await engine.ok("run", "-d", "--name", "sysv", ...TMPFS, "--cap-add", "SYS_BOOT", "sysvinit");
    const cron = ["exec", "sysv", "sh", "-c", "cat /proc/[0-9]*/comm | grep -qx cron"];
    await until(async () => (await engine.docker(...cron)).code === 0, { what: "cron", timeout: 30_000 });
    assert.equal(await engine.ok("exec", "sysv", "cat", "/proc/1/comm"), "init");
    // the signal by which the kernel says that a container's init asked for a reboot
    assert.equal(await stop("sysv"), 128 + 1);
    await engine.ok("start", "sysv");
    await until(async () => (await engine.docker(...cron)).code === 0, { what: "cron again", timeout: 30_000 });
    await engine.ok("rm", "-f", "sysv");
  });
});

describe("--init", () => {
  const ORPHAN = "(sleep 0.05 &); exec sleep 1000";
  const states = (id: string): Promise<string> => engine.ok("exec", id, "sh", "-c", "cat /proc/[0-9]*/stat");

  it("reaps processes that lost their parent, which a program as process 1 does not", async () => {
    const plain = await engine.ok("run", "-d", "busybox", "sh", "-c", ORPHAN);
    await until(async () => / \(sleep\) Z /.test(await states(plain)), { what: "a zombie" });
    const reaped = await engine.ok("run", "-d", "--init", "busybox", "sh", "-c", ORPHAN);
    await until(async () => (await states(reaped)).match(/\(sleep\)/g)?.length === 1, { what: "one sleep alone" });
    assert.doesNotMatch(await states(reaped), /\(sleep\) Z/);
    assert.match(
      await engine.ok("exec", reaped, "cat", "/proc/1/cmdline"),
      /^\/sbin\/docker-init\0--\0sh\0|^\/sbin\/docker-init/,
    );
    await engine.ok("rm", "-f", plain, reaped);
  });

  it("passes signals on, and the exit code back", async () => {
    const script = 'trap "exit 7" TERM; trap "exit 8" USR1; echo up; while :; do sleep 0.05; done';
    for (const [end, code] of [
      [["stop"], 7],
      [["kill", "-s", "USR1"], 8],
    ] as const) {
      const id = await engine.ok("run", "-d", "--init", "busybox", "sh", "-c", script);
      await until(async () => (await engine.ok("logs", id)) === "up", { what: "its traps" });
      await engine.ok(...end, id);
      assert.equal(await engine.ok("wait", id), String(code));
      await engine.ok("rm", id);
    }
    // as process 1, without a handler, it would ignore the signal
    const sleeper = await engine.ok("run", "-d", "--init", "busybox", "sleep", "1000");
    await engine.ok("stop", sleeper);
    assert.equal((await inspect(engine, sleeper)).State.ExitCode, 143);
    await engine.ok("rm", sleeper);
  });
});
