import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { LocalFrozenTrees } from "../../src/drivers/volume-files/local-frozen-trees.ts";
import { LocalVolumeContents } from "../../src/drivers/volume-files/local-volume-contents.ts";
import { LocalVolumeFiles } from "../../src/drivers/volume-files/local-volume-files.ts";
import { scratch } from "../support/scratch.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** A data root, on a file system of its own where one is asked for. */
function world(fileSystem?: "xfs") {
  const dir = scratch("contents");
  const root = dir.sub("data");
  if (fileSystem) {
    const image = path.join(dir.path, "image");
    fs.writeFileSync(image, "");
    fs.truncateSync(image, 320 << 20);
    execFileSync("mkfs.xfs", ["-q", image]);
    execFileSync("mount", ["-o", "loop", image, root]);
  }
  const volumes = path.join(root, "volumes");
  const files = new LocalVolumeFiles(volumes);
  return {
    root,
    files,
    contents: () => new LocalVolumeContents(volumes, quiet),
    trees: () => new LocalFrozenTrees(path.join(root, "snapshots"), quiet),
    [Symbol.dispose]: () => {
      if (fileSystem) execFileSync("umount", [root]);
      dir[Symbol.dispose]();
    },
  };
}

const free = (folder: string): number => {
  execFileSync("sync", ["-f", folder]);
  const { bfree, bsize } = fs.statfsSync(folder);
  return bfree * bsize;
};

describe("contents of volumes", () => {
  it("are replaced by what is staged, as a whole, and repeatably", async () => {
    using w = world();
    const contents = w.contents();
    w.files.create("v");
    const data = w.files.dataPath("v");
    fs.writeFileSync(path.join(data, "old"), "");
    const staged = await contents.stage("v");
    fs.writeFileSync(path.join(staged, "new"), "");
    contents.accept("v");
    contents.accept("v");
    await contents.settled();
    assert.deepEqual(fs.readdirSync(data), ["new"]);
    assert.deepEqual(fs.readdirSync(path.dirname(data)), ["_data"]);
    assert.deepEqual(w.files.list(), ["v"]);
  });

  it("are the old ones or the new ones after a crash, wherever it was", async () => {
    using w = world();
    for (const name of ["staging", "moved"]) {
      w.files.create(name);
      fs.writeFileSync(path.join(w.files.dataPath(name), "old"), "");
      fs.writeFileSync(path.join(await w.contents().stage(name), "new"), "");
    }
    // between the two renames of an accept
    fs.mkdirSync(path.join(w.root, "volumes/.replaced"));
    fs.renameSync(w.files.dataPath("moved"), path.join(w.root, "volumes/.replaced/1"));
    await w.contents().sweep();
    assert.deepEqual(fs.readdirSync(w.files.dataPath("staging")), ["old"]);
    assert.deepEqual(fs.readdirSync(w.files.dataPath("moved")), ["new"]);
    assert.deepEqual(fs.readdirSync(path.join(w.root, "volumes/.replaced")), []);
  });

  it("take what they have on the disk: holes nothing, hard links once", async () => {
    using w = world();
    w.files.create("v");
    const data = w.files.dataPath("v");
    fs.writeFileSync(path.join(data, "f"), Buffer.alloc(100_000, 1));
    fs.linkSync(path.join(data, "f"), path.join(data, "g"));
    fs.writeFileSync(path.join(data, "holes"), "");
    fs.truncateSync(path.join(data, "holes"), 1 << 30);
    const bytes = await w.contents().bytesOnDisk(data);
    assert.ok(bytes >= 100_000 && bytes < 130_000, String(bytes));
  });

  it("share their blocks with copies on xfs, until one is changed", async () => {
    using w = world("xfs");
    w.files.create("v");
    const data = w.files.dataPath("v");
    fs.writeFileSync(path.join(data, "f"), Buffer.alloc(40 << 20, 1));
    const before = free(w.root);
    const trees = w.trees();
    await trees.freeze("t", data);
    const staged = await w.contents().stage("copy");
    await w.contents().copy(data, staged);
    assert.ok(before - free(w.root) < 4 << 20, "two copies of 40 MB take nothing");
    fs.appendFileSync(path.join(data, "f"), "x");
    assert.equal(fs.statSync(path.join(staged, "f")).size, 40 << 20);
  });
});

describe("frozen trees", () => {
  it("are thawed by copies, which are made ahead and are nobody else's", async () => {
    using w = world();
    const source = path.join(w.root, "source");
    fs.mkdirSync(source, { mode: 0o750 });
    fs.writeFileSync(path.join(source, "f"), "kept");
    const trees = w.trees();
    assert.ok((await trees.freeze("t", source)) >= 4096);
    for (const name of ["one", "two"]) {
      const target = path.join(w.root, name);
      fs.mkdirSync(target);
      await trees.thaw("t", target);
      assert.equal(fs.statSync(target).mode & 0o777, 0o750);
      assert.equal(fs.readFileSync(path.join(target, "f"), "utf8"), "kept");
      fs.writeFileSync(path.join(target, "f"), "changed");
      assert.deepEqual(fs.readdirSync(path.join(w.root, "snapshots/t")), ["tree"]);
      trees.prepare("t");
      await trees.settled();
      assert.deepEqual(fs.readdirSync(path.join(w.root, "snapshots/t")), ["spare", "tree"]);
    }
    await trees.remove("t");
    assert.deepEqual(trees.list(), []);
  });

  it("leave nothing when a copy fails, and nothing half made after a crash", async () => {
    using w = world();
    const trees = w.trees();
    await assert.rejects(trees.freeze("t", path.join(w.root, "missing")));
    assert.deepEqual(trees.list(), []);
    fs.mkdirSync(path.join(w.root, "snapshots/x/spare.half/sub"), { recursive: true });
    assert.deepEqual(w.trees().list(), ["x"]);
    assert.deepEqual(fs.readdirSync(path.join(w.root, "snapshots/x")), []);
  });
});
