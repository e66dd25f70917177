import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { GantryError } from "../../src/base/errors.ts";
import { run } from "../../src/drivers/process/run.ts";
import { LocalVolumeFiles } from "../../src/drivers/volume-files/local-volume-files.ts";
import { TmpfsSharedMemory } from "../../src/drivers/volume-files/tmpfs-shared-memory.ts";
import { scratch } from "../support/scratch.ts";
import { until } from "../support/until.ts";

function world() {
  const dir = scratch("volumes");
  const files = new LocalVolumeFiles(path.join(dir.path, "volumes"));
  return {
    files,
    volume: (name: string) => ({ name, folder: files.dataPath(name) }),
    rootfs: dir.sub("rootfs"),
    outside: dir.sub("outside"),
    [Symbol.dispose]: () => {
      for (const name of files.list()) files.unmount(name);
      dir[Symbol.dispose]();
    },
  };
}

const modes = (file: string): number[] => {
  const { uid, gid, mode } = fs.lstatSync(file);
  return [uid, gid, mode & 0o7777];
};

describe("the folders of volumes", () => {
  it("are made once, closed to others from above, listed and removed, all repeatably", async () => {
    using w = world();
    w.files.create("data");
    w.files.create("data");
    assert.deepEqual(w.files.list(), ["data"]);
    assert.deepEqual(modes(w.files.dataPath("data")), [0, 0, 0o755]);
    assert.equal(fs.statSync(path.dirname(w.files.dataPath("data"))).mode & 0o077, 0);
    fs.writeFileSync(path.join(w.files.dataPath("data"), "f"), "x".repeat(5000));
    assert.equal(await w.files.size("data"), 5000);
    await w.files.remove("data");
    await w.files.remove("data");
    assert.deepEqual(w.files.list(), []);
  });

  for (const shared of [false, true]) {
    it(`are filled from the image with owners, modes, links and xattrs (${shared ? "shared" : "alone"})`, async () => {
      using w = world();
      const source = path.join(w.rootfs, "var/lib/db");
      fs.mkdirSync(path.join(source, "sub"), { recursive: true });
      fs.writeFileSync(path.join(source, "sub/file"), "content", { mode: 0o600 });
      fs.chownSync(path.join(source, "sub/file"), 999, 998);
      fs.linkSync(path.join(source, "sub/file"), path.join(source, "hard"));
      fs.symlinkSync("/etc/passwd", path.join(source, "link"));
      fs.chownSync(source, 999, 999);
      fs.chmodSync(source, 0o1770);
      await run("setfattr", ["-n", "user.note", "-v", "x", path.join(source, "hard")]).catch(() => {});
      w.files.create("v1");
      await w.files.copyUp(w.volume("v1"), w.rootfs, "/var/lib/db", shared);
      const data = w.files.dataPath("v1");
      assert.deepEqual(modes(data), [999, 999, 0o1770]);
      assert.deepEqual(modes(path.join(data, "sub/file")), [999, 998, 0o600]);
      assert.equal(fs.readlinkSync(path.join(data, "link")), "/etc/passwd");
      assert.equal(fs.statSync(path.join(data, "hard")).ino, fs.statSync(path.join(data, "sub/file")).ino);
      assert.deepEqual(fs.readdirSync(path.dirname(data)), ["_data"]);
    });
  }

  it("are left alone when they hold something, or when the image has no folder there", async () => {
    using w = world();
    fs.mkdirSync(path.join(w.rootfs, "d"), { mode: 0o700 });
    fs.writeFileSync(path.join(w.rootfs, "d/new"), "");
    fs.writeFileSync(path.join(w.rootfs, "file"), "");
    w.files.create("full");
    fs.writeFileSync(path.join(w.files.dataPath("full"), "old"), "");
    await w.files.copyUp(w.volume("full"), w.rootfs, "/d", false);
    assert.deepEqual(fs.readdirSync(w.files.dataPath("full")), ["old"]);
    w.files.create("empty");
    await w.files.copyUp(w.volume("empty"), w.rootfs, "/missing", false);
    await w.files.copyUp(w.volume("empty"), w.rootfs, "/file", false);
    assert.deepEqual(modes(w.files.dataPath("empty")), [0, 0, 0o755]);
  });

  it("take owner and mode of an empty folder too", async () => {
    using w = world();
    fs.mkdirSync(path.join(w.rootfs, "d"));
    fs.chownSync(path.join(w.rootfs, "d"), 5, 6);
    w.files.create("v1");
    await w.files.copyUp(w.volume("v1"), w.rootfs, "/d", false);
    assert.deepEqual(modes(w.files.dataPath("v1")), [5, 6, 0o755]);
  });

  it("never get anything of the host's through links in the image", async () => {
    using w = world();
    fs.writeFileSync(path.join(w.outside, "secret"), "s");
    fs.symlinkSync(w.outside, path.join(w.rootfs, "out"));
    fs.symlinkSync("../../../../../../.." + w.outside, path.join(w.rootfs, "up"));
    for (const [name, from] of [
      ["v1", "/out"],
      ["v2", "/up"],
      ["v3", `/../../..${w.outside}`],
    ] as const) {
      w.files.create(name);
      await w.files.copyUp(w.volume(name), w.rootfs, from, false);
      assert.deepEqual(fs.readdirSync(w.files.dataPath(name)), []);
    }
  });

  it("are filled after a fill that was cut short", async () => {
    using w = world();
    fs.mkdirSync(path.join(w.rootfs, "d"));
    fs.writeFileSync(path.join(w.rootfs, "d/a"), "");
    w.files.create("v1");
    fs.mkdirSync(path.join(path.dirname(w.files.dataPath("v1")), "_filling/half"), { recursive: true });
    await w.files.copyUp(w.volume("v1"), w.rootfs, "/d", false);
    assert.deepEqual(fs.readdirSync(w.files.dataPath("v1")), ["a"]);
  });

  it("are filled in the end when a crash came between the copy and its showing", async () => {
    using w = world();
    fs.mkdirSync(path.join(w.rootfs, "d"));
    fs.writeFileSync(path.join(w.rootfs, "d/a"), "image's");
    w.files.create("v1");
    const beside = path.join(path.dirname(w.files.dataPath("v1")), "_filled");
    fs.mkdirSync(path.join(beside, "sub"), { recursive: true });
    fs.writeFileSync(path.join(w.files.dataPath("v1"), "moved already"), "");
    await w.files.copyUp(w.volume("v1"), w.rootfs, "/d", false);
    assert.deepEqual(fs.readdirSync(w.files.dataPath("v1")), ["moved already", "sub"]);
    assert.deepEqual(fs.readdirSync(path.dirname(w.files.dataPath("v1"))), ["_data"]);
    for (const [left, shown] of [
      [".gantry-filling", ["a"]],
      [".gantry-filled", ["sub"]],
    ] as const) {
      w.files.create("ram");
      await w.files.mount("ram", { type: "tmpfs", device: "tmpfs" });
      fs.mkdirSync(path.join(w.files.dataPath("ram"), left, "sub"), { recursive: true });
      await w.files.copyUp(w.volume("ram"), w.rootfs, "/d", true);
      assert.deepEqual(fs.readdirSync(w.files.dataPath("ram")), shown);
      await w.files.remove("ram");
    }
  });

  it("keep holes, devices, hard links and xattrs of what they are filled with", async () => {
    using w = world();
    const source = path.join(w.rootfs, "d");
    fs.mkdirSync(source);
    const holes = path.join(source, "holes");
    fs.writeFileSync(holes, "");
    fs.truncateSync(holes, 64 << 20);
    await run("mknod", [path.join(source, "null"), "c", "1", "3"]);
    await run("mkfifo", [path.join(source, "pipe")]);
    fs.linkSync(holes, path.join(source, "again"));
    await run("setfattr", ["-n", "trusted.note", "-v", "x", holes]).catch(() => {});
    w.files.create("v1");
    await w.files.copyUp(w.volume("v1"), w.rootfs, "/d", false);
    const data = w.files.dataPath("v1");
    const copy = fs.statSync(path.join(data, "holes"));
    assert.equal(copy.size, 64 << 20);
    assert.ok(copy.blocks < 1000, `${copy.blocks} blocks`);
    assert.equal(copy.nlink, 2);
    assert.ok(fs.statSync(path.join(data, "null")).isCharacterDevice());
    assert.equal(fs.statSync(path.join(data, "null")).rdev, fs.statSync("/dev/null").rdev);
    assert.ok(fs.statSync(path.join(data, "pipe")).isFIFO());
  });

  it("that others use are not diverted by links which these put in the way", async () => {
    using w = world();
    fs.mkdirSync(path.join(w.rootfs, "d/sub"), { recursive: true });
    fs.writeFileSync(path.join(w.rootfs, "d/sub/file"), "image's");
    w.files.create("ram");
    await w.files.mount("ram", { type: "tmpfs", device: "tmpfs" });
    const data = w.files.dataPath("ram");
    const filling = w.files.copyUp(w.volume("ram"), w.rootfs, "/d", true);
    const swap = (): void => {
      try {
        fs.renameSync(path.join(data, ".gantry-filling/sub"), path.join(data, ".gantry-filling/old"));
        fs.symlinkSync(w.outside, path.join(data, ".gantry-filling/sub"));
      } catch {
        // not yet, or over
      }
    };
    const swapping = setInterval(swap, 0);
    await filling.catch(() => {});
    clearInterval(swapping);
    assert.deepEqual(fs.readdirSync(w.outside), []);
  });

  it("may be a tmpfs or a bind while in use", async () => {
    using w = world();
    w.files.create("ram");
    await w.files.mount("ram", { type: "tmpfs", device: "tmpfs", o: "size=1m,nosuid,mode=0700" });
    await w.files.mount("ram", { type: "tmpfs", device: "tmpfs" });
    fs.mkdirSync(path.join(w.rootfs, "d"));
    fs.writeFileSync(path.join(w.rootfs, "d/a"), "");
    await w.files.copyUp(w.volume("ram"), w.rootfs, "/d", false);
    assert.deepEqual(fs.readdirSync(w.files.dataPath("ram")), ["a"]);
    const line = fs
      .readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter((text) => text.includes(w.files.dataPath("ram")));
    assert.equal(line.length, 1);
    assert.match(line[0] ?? "", /nosuid.*tmpfs.*size=1024k/);
    assert.equal(await w.files.size("ram"), 0);
    w.files.unmount("ram");
    w.files.unmount("ram");
    assert.deepEqual(fs.readdirSync(w.files.dataPath("ram")), []);

    w.files.create("bound");
    fs.writeFileSync(path.join(w.outside, "kept"), "");
    await w.files.mount("bound", { type: "none", device: w.outside, o: "bind,ro" });
    assert.throws(() => fs.writeFileSync(path.join(w.files.dataPath("bound"), "x"), ""), { code: "EROFS" });
    await w.files.remove("bound");
    assert.deepEqual(fs.readdirSync(w.outside), ["kept"]);
    w.files.create("bad");
    await assert.rejects(w.files.mount("bad", { type: "none", device: "/no/such", o: "bind" }), {
      code: "VOLUME_MOUNT_FAILED",
      kind: "invalid",
    });
  });

  it("may be a disk's image in a file, an overlay, and may say how mounts travel", async () => {
    using w = world();
    const image = path.join(w.outside, "disk.img");
    fs.writeFileSync(image, "");
    fs.truncateSync(image, 8 << 20);
    await run("mkfs.ext4", ["-q", image]);
    w.files.create("disk");
    await w.files.mount("disk", { type: "ext4", device: image });
    fs.writeFileSync(path.join(w.files.dataPath("disk"), "kept"), "on the image");
    w.files.unmount("disk");
    assert.deepEqual(fs.readdirSync(w.files.dataPath("disk")), []);
    await w.files.mount("disk", { type: "ext4", device: image, o: "ro,noatime" });
    assert.equal(fs.readFileSync(path.join(w.files.dataPath("disk"), "kept"), "utf8"), "on the image");
    assert.throws(() => fs.writeFileSync(path.join(w.files.dataPath("disk"), "x"), ""), { code: "EROFS" });
    await w.files.remove("disk");
    await until(async () => String((await run("losetup", ["-j", image])).stdout) === "", {
      what: "the loop device to go",
    });

    const [lower, upper, work] = ["lower", "upper", "work"].map((name) => path.join(w.outside, name));
    for (const folder of [lower, upper, work]) fs.mkdirSync(folder as string);
    fs.writeFileSync(path.join(lower as string, "below"), "");
    w.files.create("over");
    await w.files.mount("over", {
      ...{ type: "overlay", device: "overlay" },
      o: `lowerdir=${lower},upperdir=${upper},workdir=${work}`,
    });
    fs.writeFileSync(path.join(w.files.dataPath("over"), "above"), "");
    assert.deepEqual(fs.readdirSync(upper as string), ["above"]);
    await w.files.remove("over");
    assert.deepEqual(fs.readdirSync(upper as string), ["above"]);

    w.files.create("told");
    await w.files.mount("told", { type: "none", device: w.outside, o: "bind,shared" });
    const row = fs
      .readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .find((line) => line.includes("told/_data"));
    assert.match(row ?? "", /shared:/);
    w.files.unmount("told");
  });

  it("say what the kernel lacks, what was tried, and no password", async () => {
    using w = world();
    w.files.create("v1");
    const tried = async (type: string, device: string, o: string): Promise<GantryError> => {
      const error = await w.files.mount("v1", { type, device, o }).catch((thrown: unknown) => thrown);
      assert.ok(error instanceof GantryError, String(error));
      return error;
    };
    const lacking = await tried("nosuchfs", "//127.0.0.1/x", "ro,user=a,password=secret,x=1");
    const data = w.files.dataPath("v1");
    assert.equal(
      lacking.message,
      `error while mounting volume '${data}': failed to mount local volume: mount //127.0.0.1/x:${data}, flags: 0x1, ` +
        'data: user=a,password=********,x=1: no such device (this kernel has no file system "nosuchfs")',
    );
    assert.match(lacking.hint ?? "", /modprobe nosuchfs/);
    const missing = await tried("ext4", "/no/such/device", "");
    assert.match(missing.message, /mount \/no\/such\/device:\S+: no such file or directory$/);
    const option = await tried("tmpfs", "tmpfs", "nonsense");
    assert.match(option.message, /data: nonsense: invalid argument$/);
    assert.deepEqual(fs.readdirSync(data), []);
  });

  it("give a subfolder only if it is inside", () => {
    using w = world();
    w.files.create("v1");
    const data = w.files.dataPath("v1");
    fs.mkdirSync(path.join(data, "a/b"), { recursive: true });
    fs.symlinkSync("/", path.join(data, "root"));
    fs.symlinkSync("a/b", path.join(data, "near"));
    assert.equal(w.files.subpath(w.files.dataPath("v1"), "near"), path.join(data, "a/b"));
    for (const bad of ["../x", "/etc", "missing", "root", "root/etc", "a/../../.."]) {
      assert.throws(() => w.files.subpath(w.files.dataPath("v1"), bad), { code: "NO_SUCH_SUBPATH" }, bad);
    }
  });
});

describe("shared memory", () => {
  it("is a tmpfs of its own size that everybody may write to, once, until it is removed", () => {
    using dir = scratch("shm");
    const memory = new TmpfsSharedMemory(path.join(dir.path, "shm"));
    try {
      const folder = memory.create("c1", 2 ** 20);
      assert.equal(memory.create("c1", 2 ** 20), memory.path("c1"));
      const { bsize, blocks } = fs.statfsSync(folder);
      assert.equal(bsize * blocks, 2 ** 20);
      assert.equal(fs.statSync(folder).mode & 0o7777, 0o1777);
      assert.deepEqual(memory.list(), ["c1"]);
    } finally {
      memory.remove("c1");
    }
    memory.remove("c1");
    assert.deepEqual(memory.list(), []);
  });
});
