import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { after, describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import { GantryError } from "../../src/base/errors.ts";
import { ConfinedRootfs } from "../../src/drivers/rootfs/confined-rootfs.ts";
import { DetachedViews } from "../../src/drivers/rootfs/detached-views.ts";
import { scratch } from "../support/scratch.ts";
import { testArchive } from "../support/tar-archive.ts";
import { archive as tarOf } from "../support/tar-maker.ts";
import { until } from "../support/until.ts";

const views = new DetachedViews();
const rootfs = new ConfinedRootfs();
const archive = testArchive();
after(() => archive.close());

const read = (root: string, file: string): string | undefined => rootfs.readFile(root, file, 1000)?.toString();
/** Mounts below a folder of the test's own: others come and go on a machine where more is tested. */
const mountsBelow = (folder: string): string[] =>
  fs
    .readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .filter((line) => line.includes(folder));
const startTime = (pid: number): number =>
  Number(fs.readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[19]);

function world() {
  const dir = scratch("views");
  const root = dir.sub("root");
  for (const name of ["data", "etc", "proc", "dev", "real"]) dir.sub(`root/${name}`);
  fs.symlinkSync("/real", path.join(root, "link"));
  const volume = dir.sub("volume");
  fs.writeFileSync(path.join(volume, "f"), "in the volume");
  fs.writeFileSync(path.join(dir.path, "hosts"), "hosts");
  return { dir, root, volume, hosts: path.join(dir.path, "hosts"), [Symbol.dispose]: () => dir[Symbol.dispose]() };
}

describe("the view of a tree with mounts", () => {
  it("shows them at their places, made where they are missing, and to nobody else", () => {
    using world1 = world();
    const { root, volume, hosts } = world1;
    const view = views.ofTree(root, [
      { source: volume, destination: "/data/made/deep", readOnly: false, folder: true },
      { source: volume, destination: "/link", readOnly: false, folder: true },
      { source: hosts, destination: "/etc/hosts", readOnly: false, folder: false },
    ]);
    try {
      assert.deepEqual(mountsBelow(world1.dir.path), []);
      assert.equal(read(view.root, "/data/made/deep/f"), "in the volume");
      assert.equal(read(view.root, "/real/f"), "in the volume");
      assert.equal(read(view.root, "/etc/hosts"), "hosts");
      assert.deepEqual(fs.readdirSync(path.join(root, "real")), []);
      assert.equal(fs.statSync(path.join(root, "etc/hosts")).size, 0);
    } finally {
      view.close();
      view.close();
    }
  });

  it("keeps what is read-only read-only, and replaces nothing that something is mounted on", async () => {
    using world1 = world();
    const { root, volume, hosts } = world1;
    const view = views.ofTree(root, [
      { source: volume, destination: "/data", readOnly: true, folder: true },
      { source: hosts, destination: "/etc/hosts", readOnly: false, folder: false },
    ]);
    const put = (name: string): Promise<unknown> =>
      archive.extract(Readable.from([tarOf({ name, content: "new" })], { objectMode: false }), view.root, {
        whiteouts: "plain",
      });
    try {
      await assert.rejects(put("data/x"), { code: "READ_ONLY", kind: "forbidden" });
      await assert.rejects(put("etc/hosts"), { code: "MOUNTED", message: /\/etc\/hosts: device or resource busy/ });
      await assert.rejects(put("data"), { code: "MOUNTED" });
      await assert.rejects(put("etc"), { code: "MOUNTED" });
      assert.equal(fs.readFileSync(hosts, "utf8"), "hosts");
      assert.equal(read(view.root, "/etc/hosts"), "hosts");
      await put("etc/other");
      assert.equal(fs.readFileSync(path.join(root, "etc/other"), "utf8"), "new");
    } finally {
      view.close();
    }
    assert.deepEqual(fs.readdirSync(volume), ["f"]);
  });

  it("resolves links of the tree in the tree, also for what is unpacked in one of its folders", async () => {
    using world1 = world();
    const { root } = world1;
    fs.symlinkSync("../real", path.join(root, "data/up"));
    fs.symlinkSync("../nowhere", path.join(root, "data/dangling"));
    const view = views.ofTree(root, []);
    const tar = tarOf({ name: "up/a", content: "a" }, { name: "dangling/b", content: "b" });
    try {
      await archive.extract(Readable.from([tar], { objectMode: false }), view.root, {
        whiteouts: "plain",
        into: "/data",
      });
    } finally {
      view.close();
    }
    assert.equal(fs.readFileSync(path.join(root, "real/a"), "utf8"), "a");
    assert.equal(fs.readFileSync(path.join(root, "nowhere/b"), "utf8"), "b");
  });
});

describe("the view of a running process", () => {
  /** A process with a mount namespace and root of its own: a volume, a tmpfs, and a mount that it made itself. */
  async function contained(root: string, volume: string): Promise<ChildProcess> {
    const script = [
      `mount --rbind "$1" "$1" && cd "$1" && mount --bind "$2" data && mkdir -p t own && mount -t tmpfs tmpfs t`,
      "echo in tmpfs >t/f && mount -t tmpfs tmpfs own && echo hidden >own/f && mount -t proc proc proc",
      "mkdir old && pivot_root . old && cd / && /busybox umount -l /old && exec /busybox sh -c 'echo up; exec /busybox sleep 1000'",
    ].join(" && ");
    fs.copyFileSync(execFileSync("sh", ["-c", "command -v busybox"], { encoding: "utf8" }).trim(), `${root}/busybox`);
    const child = spawn("unshare", ["--mount", "sh", "-ec", script, "sh", root, volume], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout as Readable, "data");
    return child;
  }

  it("shows its root and the mounts asked for, and none of its others", async () => {
    using world1 = world();
    const { root, volume } = world1;
    const child = await contained(root, volume);
    const handle = { pid: child.pid as number, startTime: startTime(child.pid as number) };
    try {
      const view = views.ofProcess(handle, ["/data", "/t", "/missing"]);
      try {
        assert.equal(read(view.root, "/data/f"), "in the volume");
        assert.equal(read(view.root, "/t/f"), "in tmpfs\n");
        assert.equal(rootfs.lstat(view.root, "/own/f"), undefined);
        assert.equal(rootfs.lstat(view.root, "/proc/self"), undefined);
        assert.equal(rootfs.lstat(view.root, "/../../etc/passwd"), undefined);
        fs.writeFileSync(path.join(root, "later"), "seen");
        assert.equal(read(view.root, "/later"), "seen");
        assert.deepEqual(mountsBelow(world1.dir.path), []);
        child.kill("SIGKILL");
        await once(child, "exit");
        assert.equal(read(view.root, "/t/f"), "in tmpfs\n", "it outlives the process");
      } finally {
        view.close();
      }
    } finally {
      child.kill("SIGKILL");
    }
    await until(() => !fs.existsSync(`/proc/${handle.pid}`), { what: "its end" });
    assert.throws(() => views.ofProcess(handle, []), { code: "NOT_RUNNING" });
  });

  it("takes no other process for it that has got its pid", () => {
    assert.throws(() => views.ofProcess({ pid: process.pid, startTime: 1 }, []), { code: "NOT_RUNNING" });
  });
});

describe("a tree that is changed while it is copied from and to", () => {
  /** Swaps a folder for links that lead out, some thousand times a second. */
  const SWAPPER = `
    const { workerData: { root, outside, stop } } = require("node:worker_threads");
    const fs = require("node:fs");
    const at = (name) => root + "/" + name;
    const attempt = (work) => { try { work(); return true } catch { return false } };
    while (Atomics.load(stop, 0) === 0) {
      for (const link of [outside, "../../../../../../../../../.." + outside, "/proc/self/root" + outside]) {
        Atomics.wait(stop, 0, 0, Math.random());
        fs.renameSync(at("x"), at("away"));
        attempt(() => fs.symlinkSync(link, at("x"))); // a copy may make the folder in this moment
        Atomics.add(stop, 1, 1);
        Atomics.wait(stop, 0, 0, Math.random() / 2);
        while (!attempt(() => fs.renameSync(at("away"), at("x")))) {
          attempt(() => fs.unlinkSync(at("x"))) || attempt(() => fs.rmSync(at("x"), { recursive: true, force: true }));
        }
      }
    }`;

  it("gives nothing from outside and changes nothing there in hundreds of copies, however they meet", async () => {
    using world1 = world();
    const { root, dir } = world1;
    const outside = dir.sub("outside");
    fs.writeFileSync(path.join(outside, "secret"), "OUTSIDE");
    dir.sub("root/x");
    fs.writeFileSync(path.join(root, "x/secret"), "inside");
    const stop = new Int32Array(new SharedArrayBuffer(8));
    const swapper = new Worker(SWAPPER, { eval: true, workerData: { root, outside, stop } });
    const view = views.ofTree(root, []);
    const tar = tarOf({ name: "written", content: "x" }, { name: "deep/er", content: "y" });
    const count = { copies: 0, inside: 0, missed: 0 };
    const copyOut = async (): Promise<void> => {
      const parts: Buffer[] = [];
      const target = rootfs.resolve(view.root, "/x");
      for await (const part of archive.pack(view.root, { whiteouts: "plain", path: `${target}/secret` })) {
        parts.push(part as Buffer);
      }
      const text = Buffer.concat(parts).toString("latin1");
      assert.ok(!text.includes("OUTSIDE"));
      if (text.includes("inside")) count.inside += 1;
    };
    const copyIn = (): Promise<unknown> =>
      archive.extract(Readable.from([tar], { objectMode: false }), view.root, { whiteouts: "plain", into: "/x" });
    try {
      await until(() => Atomics.load(stop, 1) > 0, { what: "the first swap" });
      const enough = (): boolean => count.copies > 300 && count.inside > 30 && count.missed > 30;
      const end = Date.now() + 20_000;
      while (!enough() && Date.now() < end) {
        for (const copy of [copyOut, copyIn]) {
          count.copies += 1;
          try {
            await copy();
          } catch (error) {
            if (error instanceof assert.AssertionError) throw error;
            assert.ok(error instanceof GantryError, String(error));
            count.missed += 1;
          }
        }
      }
    } finally {
      Atomics.store(stop, 0, 1);
      await once(swapper, "exit");
      view.close();
    }
    assert.ok(count.copies > 300 && count.inside > 30 && count.missed > 30, JSON.stringify(count));
    assert.deepEqual(fs.readdirSync(outside), ["secret"]);
    assert.equal(fs.readFileSync(path.join(outside, "secret"), "utf8"), "OUTSIDE");
  });
});
