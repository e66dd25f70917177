import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { ConfinedRootfs } from "../../src/drivers/rootfs/confined-rootfs.ts";
import { explainExec } from "../../src/engine/containers/spec/explain-exec.ts";
import { run } from "../../src/drivers/process/run.ts";
import { scratch } from "../support/scratch.ts";

const rootfs = new ConfinedRootfs();

/** A root whose links try to lead out, and a secret outside. */
function hostileRoot() {
  const dir = scratch("rootfs");
  const root = dir.sub("root");
  const outside = dir.sub("outside");
  fs.writeFileSync(path.join(outside, "passwd"), "secret");
  fs.mkdirSync(path.join(root, "etc"));
  fs.mkdirSync(path.join(root, "real/inner"), { recursive: true });
  fs.writeFileSync(path.join(root, "etc/group"), "root:x:0:");
  fs.symlinkSync(path.join(outside, "passwd"), path.join(root, "etc/passwd"));
  fs.symlinkSync("../../../../../../../../etc", path.join(root, "up"));
  fs.symlinkSync(outside, path.join(root, "out"));
  fs.symlinkSync("/real", path.join(root, "absolute"));
  fs.symlinkSync("loop", path.join(root, "loop"));
  fs.symlinkSync("/proc/self/root", path.join(root, "magic"));
  return { dir, root, outside, [Symbol.dispose]: () => dir[Symbol.dispose]() };
}

describe("a container's root, read from the host", () => {
  it("gives files inside and nothing outside, whatever the links say", () => {
    using world = hostileRoot();
    const { root } = world;
    assert.equal(rootfs.readFile(root, "/etc/group", 100)?.toString(), "root:x:0:");
    assert.equal(rootfs.readFile(root, "/up/group", 100)?.toString(), "root:x:0:");
    assert.equal(rootfs.readFile(root, "/etc/passwd", 100), undefined);
    assert.equal(rootfs.readFile(root, "/../../../etc/shadow", 100), undefined);
    assert.equal(rootfs.stat(root, "/out"), undefined);
    assert.equal(rootfs.readFile(root, "/magic/etc/passwd", 1e6), undefined);
    assert.equal(rootfs.stat(root, "/absolute/inner")?.type, "directory");
    assert.throws(() => rootfs.stat(root, "/loop"), { code: "BAD_ROOTFS_PATH", kind: "invalid" });
    assert.throws(() => rootfs.stat(root, "/a\0b"), { code: "BAD_ROOTFS_PATH" });
  });

  it("gets an empty file at its top, through no link and over nothing that is there", () => {
    using world = hostileRoot();
    const { root, outside } = world;
    rootfs.ensureTopFile(root, ".mark");
    rootfs.ensureTopFile(root, ".mark");
    assert.equal(fs.statSync(path.join(root, ".mark")).size, 0);
    fs.symlinkSync(path.join(outside, "made"), path.join(root, ".led"));
    rootfs.ensureTopFile(root, ".led");
    assert.equal(fs.existsSync(path.join(outside, "made")), false);
    fs.writeFileSync(path.join(root, ".mine"), "kept");
    rootfs.ensureTopFile(root, ".mine");
    assert.equal(fs.readFileSync(path.join(root, ".mine"), "utf8"), "kept");
  });

  it("gets a link where nothing is, in the folder that is meant inside", () => {
    using world = hostileRoot();
    const { root } = world;
    const owner = { uid: 7, gid: 8, mode: 0o711 };
    const link = (name: string): void => rootfs.ensureLink(root, name, "/proc/mounts", owner);
    link("/etc/mtab");
    link("/etc/mtab");
    assert.equal(fs.readlinkSync(path.join(root, "etc/mtab")), "/proc/mounts");
    link("/new/mtab");
    const { uid, gid } = fs.lstatSync(path.join(root, "new/mtab"));
    assert.deepEqual([uid, gid, fs.statSync(path.join(root, "new")).mode & 0o777], [7, 8, 0o711]);
    link("/absolute/mtab");
    assert.equal(rootfs.lstat(root, "/absolute/mtab")?.type, "link");
    fs.writeFileSync(path.join(root, "etc/mine"), "kept");
    link("/etc/mine");
    assert.equal(fs.readFileSync(path.join(root, "etc/mine"), "utf8"), "kept");
  });

  it("reads no more than asked: a huge file is refused, a FIFO or device is not even opened", async () => {
    using world = hostileRoot();
    const { root } = world;
    fs.truncateSync(path.join(root, "etc/group"), 2 ** 30);
    assert.throws(() => rootfs.readFile(root, "/etc/group", 4096), { code: "FILE_TOO_LARGE", kind: "invalid" });
    assert.equal(rootfs.readHead(root, "/etc/group", 16)?.length, 16);
    await run("mkfifo", [path.join(root, "fifo")]);
    await run("mknod", [path.join(root, "zero"), "c", "1", "5"]);
    assert.equal(rootfs.readFile(root, "/fifo", 10), undefined);
    assert.equal(rootfs.readFile(root, "/zero", 10), undefined);
    assert.equal(rootfs.readFile(root, "/real", 10), undefined);
    assert.equal(rootfs.stat(root, "/zero")?.type, "other");
  });

  it("tells where a path really leads", () => {
    using world = hostileRoot();
    const { root, outside } = world;
    assert.equal(rootfs.resolve(root, "/absolute/inner/../x/y"), "/real/x/y");
    assert.equal(rootfs.resolve(root, "up/./group"), "/etc/group");
    assert.equal(rootfs.resolve(root, "/out/file"), `${outside}/file`);
    assert.equal(rootfs.resolve(root, "/magic/x"), "/proc/self/root/x");
    assert.throws(() => rootfs.resolve(root, "/loop/x"), { code: "BAD_ROOTFS_PATH" });
  });

  it("makes missing folders inside, with their owner and mode, and leaves those that exist", () => {
    using world = hostileRoot();
    const { root, outside } = world;
    const made = rootfs.ensureDirectory(root, "/absolute/a/b", { uid: 1000, gid: 1001, mode: 0o2750 });
    assert.equal(made, "/real/a/b");
    for (const name of ["real/a", "real/a/b"]) {
      const { uid, gid, mode } = fs.statSync(path.join(root, name));
      assert.deepEqual([uid, gid, mode & 0o7777], [1000, 1001, 0o2750]);
    }
    assert.equal(fs.statSync(path.join(root, "real")).uid, 0);
    rootfs.ensureDirectory(root, "/out/escape", { uid: 0, gid: 0, mode: 0o755 });
    assert.deepEqual(fs.readdirSync(outside), ["passwd"]);
    assert.equal(fs.existsSync(path.join(root, outside, "escape")), true);
    assert.throws(() => rootfs.ensureDirectory(root, "/etc/group", { uid: 0, gid: 0, mode: 0o755 }), {
      code: "BAD_ROOTFS_PATH",
    });
    assert.throws(() => rootfs.ensureDirectory(root, "/etc/group/x", { uid: 0, gid: 0, mode: 0o755 }), {
      code: "BAD_ROOTFS_PATH",
    });
  });

  it("is refused when /dev, /proc or /sys is no real folder", () => {
    for (const name of ["dev", "proc", "sys"]) {
      using world = hostileRoot();
      rootfs.checkSpecialFolders(world.root);
      fs.mkdirSync(path.join(world.root, name));
      rootfs.checkSpecialFolders(world.root);
      fs.rmdirSync(path.join(world.root, name));
      fs.symlinkSync("/tmp", path.join(world.root, name));
      assert.throws(() => rootfs.checkSpecialFolders(world.root), {
        code: "UNSAFE_IMAGE",
        kind: "invalid",
        message: `unsafe image: its /${name} is a symbolic link, a real folder is needed`,
      });
      fs.unlinkSync(path.join(world.root, name));
      fs.writeFileSync(path.join(world.root, name), "");
      assert.throws(() => rootfs.checkSpecialFolders(world.root), /is not a folder/);
    }
  });

  it("stays confined while a folder is swapped for a link all the time", async () => {
    using world = hostileRoot();
    const { root, outside } = world;
    fs.writeFileSync(path.join(root, "real/passwd"), "inside");
    const swapper = run("sh", [
      "-c",
      'cd "$1"; for i in $(seq 80); do mv real r; ln -s "$2" real; rm real; mv r real; done',
      "sh",
      root,
      outside,
    ]);
    const end = { reached: false };
    const ended = swapper.finally(() => (end.reached = true));
    for (let i = 0; !end.reached; i++) {
      try {
        const text = rootfs.readFile(root, "/real/passwd", 100)?.toString();
        assert.notEqual(text, "secret");
        rootfs.ensureDirectory(root, `/real/d${i % 50}`, { uid: 0, gid: 0, mode: 0o755 });
      } catch (error) {
        if (!(error instanceof Error) || !("code" in error) || error.code !== "BAD_ROOTFS_PATH") throw error;
      }
      if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await ended;
    assert.deepEqual(fs.readdirSync(outside), ["passwd"]);
  });
});

describe("why a command cannot start", () => {
  const explain = (root: string, args: string[], env = ["PATH=/bin:/usr/bin"], cwd = "/") => {
    const error = explainExec(rootfs, { root, args, env, cwd, architecture: "amd64" });
    return error && [error.details?.["exitCode"], error.message, error.hint];
  };

  function image() {
    const dir = scratch("exec");
    const root = dir.sub("root");
    const put = (name: string, contents: string | Buffer, mode = 0o755): void => {
      fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
      fs.writeFileSync(path.join(root, name), contents);
      fs.chmodSync(path.join(root, name), mode);
    };
    fs.mkdirSync(path.join(root, "bin"));
    fs.copyFileSync("/usr/bin/busybox", path.join(root, "bin/sh"));
    return { root, put, [Symbol.dispose]: () => dir[Symbol.dispose]() };
  }

  it("is told in Docker's words with its exit code, and a hint", () => {
    using world = image();
    const { root, put } = world;
    put("app/run.sh", "#!/bin/sh\r\necho\r\n");
    put("app/bash.sh", "#!/bin/bash -e\n");
    put("app/good.sh", "#! /bin/sh\n");
    put("app/plain", "echo hello\n");
    put("app/data", "x", 0o644);
    assert.equal(explain(root, ["sh"]), undefined);
    assert.equal(explain(root, ["/bin/sh"]), undefined);
    assert.equal(explain(root, ["./good.sh"], [], "/app"), undefined);
    assert.deepEqual(explain(root, ["nope"])?.slice(0, 2), [127, 'exec: "nope": executable file not found in $PATH']);
    assert.match(String(explain(root, ["echo hello"])?.[2]), /separate words/);
    assert.deepEqual(explain(root, ["/nope"])?.slice(0, 2), [
      127,
      'exec: "/nope": stat /nope: no such file or directory',
    ]);
    assert.deepEqual(explain(root, ["/app"])?.slice(0, 2), [126, 'exec: "/app": is a directory']);
    assert.deepEqual(explain(root, ["/app/data"])?.slice(0, 2), [126, 'exec: "/app/data": permission denied']);
    assert.match(String(explain(root, ["/app/run.sh"])), /^127,.*no such file or directory,.*Windows line ends/);
    assert.match(String(explain(root, ["/app/bash.sh"])), /^127,.*needs \/bin\/bash, which the image does not have/);
    assert.match(String(explain(root, ["/app/plain"])), /^126,.*exec format error/);
    put("mounted", "");
    assert.equal(explain(root, ["/mounted"]), undefined);
    const facts = { root, args: ["/data/tool"], env: [], cwd: "/", architecture: "amd64", covered: ["/data"] };
    assert.equal(explainExec(rootfs, facts), undefined);
    assert.equal(explainExec(rootfs, { ...facts, args: ["tool"], env: ["PATH=/bin:/data/bin"] }), undefined);
  });

  it("is told for a program of another architecture or without its loader", () => {
    using world = image();
    const { root, put } = world;
    const arm = Buffer.from(fs.readFileSync("/usr/bin/busybox").subarray(0, 4096));
    arm.writeUInt16LE(183, 18);
    put("bin/arm", arm);
    put("bin/dynamic", fs.readFileSync("/bin/true"));
    put("bin/short", "\x7fELF\x02\x01");
    assert.match(
      String(explain(root, ["arm"])),
      /exec format error,\/bin\/arm is built for arm64, this machine is amd64/,
    );
    assert.match(String(explain(root, ["dynamic"])), /needs the loader \/lib.*ld-linux/);
    assert.match(String(explain(root, ["short"])), /cut short/);
  });
});
