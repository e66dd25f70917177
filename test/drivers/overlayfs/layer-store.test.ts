import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { test } from "node:test";
import zlib from "node:zlib";
import { chainId, digestOf } from "../../../src/base/digest.ts";
import type { Layer } from "../../../src/ports/layer-store.ts";
import { LayerWorld } from "../../support/layer-store.ts";

const code = (code: string) => (e: unknown) => (e as { code?: string }).code === code;
const stream = (bytes: Buffer): Readable => Readable.from([bytes], { objectMode: false });
const sh = (cwd: string, script: string): string => execFileSync("sh", ["-ec", script], { cwd, encoding: "utf8" });

async function digest(readable: Readable): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of readable) hash.update(part as Buffer);
  return `sha256:${hash.digest("hex")}`;
}

async function base(world: LayerWorld): Promise<Layer> {
  return await world.store.addFromTar(
    undefined,
    world.stream(
      "mkdir -p etc usr/lib gone/deep; ln -s usr/lib lib; echo root > etc/passwd; echo x > gone/deep/x; echo c > usr/lib/libc",
    ),
  );
}

test("a layer from a tar is kept under its chain id, and its tar comes back byte for byte", async () => {
  await using world = new LayerWorld();
  const bottom = world.tar(
    "mkdir a; head -c 300000 /dev/urandom > a/b; ln a/b a/c; ln -s b a/d; mkfifo a/p; touch a/empty",
  );
  const top = world.tar("mkdir -p a; echo new > a/b", "--format=gnu");
  const one = await world.store.addFromTar(undefined, stream(zlib.gzipSync(bottom)), { expect: digestOf(bottom) });
  const two = await world.store.addFromTar(one.chainId, stream(top));
  assert.equal(one.chainId, digestOf(bottom));
  assert.equal(one.size, 300000);
  assert.deepEqual(world.store.get(two.chainId), two);
  assert.equal(two.chainId, chainId(one.chainId, digestOf(top)));
  assert.equal(two.parent, one.chainId);
  assert.equal(await digest(world.store.tar(one.chainId)), one.diffId);
  assert.equal(await digest(world.store.tar(two.chainId)), two.diffId);
  assert.deepEqual(
    world
      .open()
      .list()
      .map((layer) => layer.chainId)
      .toSorted(),
    [one.chainId, two.chainId].toSorted(),
  );
});

test("bytes that do not hash to the diff id are refused and leave nothing", async () => {
  await using world = new LayerWorld();
  const add = world.store.addFromTar(undefined, world.stream("echo x > x"), { expect: digestOf("other") });
  await assert.rejects(add, code("DIGEST_MISMATCH"));
  await world.store.settled();
  assert.deepEqual(world.store.list(), []);
  assert.deepEqual(fs.readdirSync(path.join(world.root, "layers")), [".empty"]);
});

test("two adds of one layer at once both get it, and it is there once", async () => {
  await using world = new LayerWorld();
  const bytes = world.tar("echo x > x");
  for (const options of [{ expect: digestOf(bytes) }, {}]) {
    const [one, two] = await Promise.all([
      world.store.addFromTar(undefined, stream(bytes), options),
      world.store.addFromTar(undefined, stream(bytes), options),
    ]);
    assert.deepEqual(one, two);
    await world.store.settled();
    assert.equal(fs.readdirSync(path.join(world.root, "layers")).length, 2);
  }
});

const STUBS = ["/.mark", "/etc/hosts", "/etc/mtab", "/dev/console", "/dev", "/proc", "/etc"];

test("what is there only to be mounted upon is no change, unless something is in it", async () => {
  await using world = new LayerWorld();
  const bottom = await base(world);
  const { mountPoint } = await world.store.mount("c", bottom.chainId);
  sh(mountPoint, "touch .mark etc/hosts; ln -s /proc/mounts etc/mtab; mkdir -p dev proc; touch dev/console");
  assert.deepEqual(await world.store.changes("c", STUBS), []);
  assert.equal(await world.store.addCopy("c", { stubs: STUBS }), undefined);
  sh(mountPoint, "echo filled > etc/hosts; ln -sf mine etc/mtab; mkdir dev/more");
  assert.deepEqual(await world.store.changes("c", STUBS), [
    { path: "/dev", kind: 1 },
    { path: "/dev/more", kind: 1 },
    { path: "/etc", kind: 0 },
    { path: "/etc/hosts", kind: 1 },
    { path: "/etc/mtab", kind: 1 },
  ]);
  sh(mountPoint, "rm etc/hosts etc/mtab; rmdir dev/more; chmod 700 etc");
  assert.deepEqual(await world.store.changes("c", STUBS), [{ path: "/etc", kind: 0 }]);
});

test("a copy of a workspace's changes is a layer, while the workspace is in use and stays", async () => {
  await using world = new LayerWorld();
  const bottom = await base(world);
  const { mountPoint } = await world.store.mount("c", bottom.chainId);
  sh(mountPoint, "touch .mark; rm etc/passwd; echo y > new; ln new hard; rm -r gone; mkdir gone");
  const layer = await world.store.addCopy("c", { stubs: STUBS });
  assert.ok(layer);
  assert.equal(layer.parent, bottom.chainId);
  const view = await world.store.view("look", layer.chainId);
  assert.equal(
    sh(view.path, "cat new hard; ls -A etc gone; ls -A | grep mark || echo none"),
    "y\ny\netc:\n\ngone:\nnone\n",
  );
  await view.close();
  assert.deepEqual(await world.store.addCopy("c", { stubs: STUBS }), layer, "the same again");
  assert.equal(world.store.mountedAt("c"), mountPoint);
  sh(mountPoint, "echo more >> new");
  assert.notDeepEqual(await world.store.addCopy("c", { stubs: STUBS }), layer);
  const aborted = world.store.addCopy("c", { stubs: STUBS, signal: AbortSignal.abort() });
  await assert.rejects(aborted, code("CANCELED"));
});

test("a workspace shows its layers, takes changes, lists them and becomes a layer", async () => {
  await using world = new LayerWorld();
  const bottom = await base(world);
  const { mountPoint } = await world.store.mount("build-1", bottom.chainId);
  assert.deepEqual(await world.store.changes("build-1"), []);
  sh(
    mountPoint,
    "echo more >> lib/libc; rm -r gone; mkdir gone; echo y > gone/y; rm etc/passwd; mkdir -p new/dir; touch new/dir/f",
  );
  assert.deepEqual(await world.store.changes("build-1"), [
    { path: "/etc", kind: 0 },
    { path: "/etc/passwd", kind: 2 },
    { path: "/gone", kind: 0 },
    { path: "/gone/deep", kind: 2 },
    { path: "/gone/y", kind: 1 },
    { path: "/new", kind: 1 },
    { path: "/new/dir", kind: 1 },
    { path: "/new/dir/f", kind: 1 },
    { path: "/usr", kind: 0 },
    { path: "/usr/lib", kind: 0 },
    { path: "/usr/lib/libc", kind: 0 },
  ]);
  const use = await world.store.diskUse("build-1");
  assert.deepEqual(use, { rw: 9, rootFs: bottom.size + 9 });
  const layer = await world.store.addFromWorkspace("build-1");
  assert.equal(layer.parent, bottom.chainId);
  assert.equal(layer.size, 9);
  assert.deepEqual(world.store.listWorkspaces(), []);
  assert.equal(await digest(world.store.tar(layer.chainId)), layer.diffId);
  const view = await world.store.view("look", layer.chainId);
  assert.equal(sh(view.path, "ls gone new/dir; cat lib/libc; ls etc"), "gone:\ny\n\nnew/dir:\nf\nc\nmore\n");
  assert.throws(() => fs.writeFileSync(path.join(view.path, "x"), ""), code("EROFS"));
  await view.close();
  await view.close();
});

test("a built layer that is packed and added elsewhere gives the same tree and the same identity", async () => {
  await using here = new LayerWorld();
  await using there = new LayerWorld();
  const bottom = await base(here);
  const { mountPoint } = await here.store.mount("w", bottom.chainId);
  sh(
    mountPoint,
    "rm -r gone; mkdir gone; mv usr/lib/libc usr/lib/libd; mv etc etc2; chmod 4755 usr/lib/libd; ln usr/lib/libd usr/lib/libe",
  );
  const built = await here.store.addFromWorkspace("w");
  const far = await there.store.addFromTar(undefined, here.store.tar(bottom.chainId), { expect: bottom.diffId });
  const copy = await there.store.addFromTar(far.chainId, here.store.tar(built.chainId), { expect: built.diffId });
  assert.equal(copy.chainId, built.chainId);
  const list = "find . -printf '%p %m %y %s %n %T@ %l\\n' | sort | grep -v '^\\. '";
  const [a, b] = [await here.store.view("v", built.chainId), await there.store.view("v", copy.chainId)];
  const [left, right] = [sh(a.path, list), sh(b.path, list)];
  await Promise.all([a.close(), b.close()]);
  assert.equal(left, right);
  assert.match(left, /\.\/etc2\/passwd 644/);
});

test("a used layer is a plain lower: folders moved and marks of its upper life do not show through", async () => {
  await using world = new LayerWorld();
  const bottom = await base(world);
  let parent = bottom.chainId;
  for (const script of [
    "mv gone moved; echo 1 >> usr/lib/libc; ln usr/lib/libc usr/lib/hard",
    "rm -r moved; mkdir moved",
    "mkdir -p gone; echo back > gone/b",
  ]) {
    const { mountPoint } = await world.store.mount("step", parent);
    sh(mountPoint, script);
    parent = (await world.store.addFromWorkspace("step")).chainId;
  }
  const { mountPoint } = await world.store.mount("last", parent);
  assert.equal(
    sh(mountPoint, "ls moved gone; cat usr/lib/hard; stat -c %h usr/lib/libc"),
    "gone:\nb\n\nmoved:\nc\n1\n2\n",
  );
});

test("a workspace without layers works, also for an empty bottom layer", async () => {
  await using world = new LayerWorld();
  const { mountPoint } = await world.store.mount("scratch", undefined);
  assert.deepEqual(fs.readdirSync(mountPoint), []);
  const empty = await world.store.addFromWorkspace("scratch");
  assert.equal(empty.chainId, digestOf(Buffer.alloc(1024)));
  const again = await world.store.mount("again", empty.chainId);
  fs.writeFileSync(path.join(again.mountPoint, "a"), "a");
  assert.deepEqual(await world.store.changes("again"), [{ path: "/a", kind: 1 }]);
  const view = await world.store.view("v", empty.chainId);
  assert.deepEqual(fs.readdirSync(view.path), []);
  await view.close();
});

test("an opaque mark on a layer's root hides all below it", async () => {
  await using world = new LayerWorld();
  const bottom = await base(world);
  const top = await world.store.addFromTar(bottom.chainId, world.stream("touch .wh..wh..opq; echo n > new"));
  const view = await world.open().view("v", top.chainId);
  assert.deepEqual(fs.readdirSync(view.path), ["new"]);
  await view.close();
});

test("mounting and unmounting can be repeated, also by a successor of a killed process", async () => {
  await using world = new LayerWorld();
  const bottom = await base(world);
  const { mountPoint } = await world.store.mount("c1", bottom.chainId);
  await world.store.mount("c1", bottom.chainId);
  fs.writeFileSync(path.join(mountPoint, "kept"), "");
  const next = world.open();
  assert.deepEqual(next.listWorkspaces(), ["c1"]);
  assert.deepEqual(await next.mount("c1", bottom.chainId), {
    id: "c1",
    mountPoint,
    upper: path.join(path.dirname(mountPoint), "upper"),
  });
  assert.deepEqual(world.mounts(), [mountPoint]);
  await next.unmount("c1");
  await next.unmount("c1");
  assert.deepEqual(world.mounts(), []);
  await next.mount("c1", bottom.chainId);
  assert.ok(fs.existsSync(path.join(mountPoint, "kept")));
  await next.removeWorkspace("c1");
  await next.removeWorkspace("c1");
  await next.settled();
  assert.deepEqual(fs.readdirSync(path.join(world.root, "workspaces")), []);
  assert.deepEqual(fs.readdirSync(path.join(world.root, "trash")), []);
});

test("a busy workspace is unmounted all the same", async () => {
  await using world = new LayerWorld();
  const { mountPoint } = await world.store.mount("busy", undefined);
  const fd = fs.openSync(path.join(mountPoint, "f"), "w");
  await world.store.removeWorkspace("busy");
  assert.deepEqual(world.mounts(), []);
  fs.writeSync(fd, "still fine");
  fs.closeSync(fd);
});

test("a layer in use is not removed; when free, all of it goes", async () => {
  await using world = new LayerWorld();
  const bottom = await base(world);
  const top = await world.store.addFromTar(bottom.chainId, world.stream("touch a"));
  await assert.rejects(world.store.remove(bottom.chainId), code("LAYER_IN_USE"));
  await world.store.mount("w", top.chainId);
  await assert.rejects(world.store.remove(top.chainId), code("LAYER_IN_USE"));
  await world.store.removeWorkspace("w");
  const view = await world.store.view("v", top.chainId);
  await assert.rejects(world.store.remove(top.chainId), code("LAYER_IN_USE"));
  await view.close();
  await world.store.remove(top.chainId);
  await world.store.remove(top.chainId);
  await world.store.remove(bottom.chainId);
  await world.store.settled();
  assert.deepEqual(fs.readdirSync(path.join(world.root, "layers")), [".empty"]);
  assert.deepEqual(world.open().list(), []);
});

test("127 layers mount, however long the data root's path is; one more is refused", async () => {
  await using world = new LayerWorld("long-".repeat(45));
  let parent: string | undefined;
  for (let i = 0; i < 127; i++)
    parent = (await world.store.addFromTar(parent, world.stream(`echo ${i} > f${i}; echo ${i} > last`))).chainId;
  const { mountPoint } = await world.store.mount("deep", parent);
  assert.equal(fs.readdirSync(mountPoint).length, 128);
  assert.equal(fs.readFileSync(path.join(mountPoint, "last"), "utf8"), "126\n");
  const over = await world.store.addFromWorkspace("deep");
  await assert.rejects(world.store.mount("deeper", over.chainId), code("MAX_DEPTH"));
});

test("what a crash left is cleared away at the next start", async () => {
  await using world = new LayerWorld();
  const bottom = await base(world);
  fs.mkdirSync(path.join(world.root, "layers", "tmp-zz", "diff"), { recursive: true });
  fs.mkdirSync(path.join(world.root, "layers", "zzz", "diff"), { recursive: true });
  fs.mkdirSync(path.join(world.root, "workspaces", "tmp-x", "upper"), { recursive: true });
  fs.mkdirSync(path.join(world.root, "workspaces", "half"), { recursive: true });
  await world.store.view("left", bottom.chainId);
  const next = world.open();
  await next.settled();
  assert.deepEqual(world.mounts(), []);
  assert.deepEqual(fs.readdirSync(path.join(world.root, "layers")).toSorted(), [".empty", bottom.dir]);
  assert.deepEqual(fs.readdirSync(path.join(world.root, "workspaces")), []);
  assert.deepEqual(fs.readdirSync(path.join(world.root, "views")), []);
  assert.deepEqual(fs.readdirSync(path.join(world.root, "trash")), []);
});

test("a layer that was not flushed before the machine went down is not trusted", async () => {
  await using world = new LayerWorld();
  const [flushed, lost] = [await base(world), await world.store.addFromTar(undefined, world.stream("echo y > y"))];
  const records = world.state.list<{ unflushed?: string }>("layers");
  assert.ok(records.every(([, record]) => record.unflushed !== undefined));
  await world.store.sync();
  assert.ok(world.state.list<{ unflushed?: string }>("layers").every(([, record]) => record.unflushed === undefined));
  const record = world.state.get<object>("layers", lost.chainId);
  world.state.commit([{ bucket: "layers", key: lost.chainId, value: { ...record, unflushed: "another boot" } }]);
  assert.deepEqual(world.open().list(), [flushed]);
});

test("names of workspaces that are paths are refused", async () => {
  await using world = new LayerWorld();
  for (const id of ["../x", "", ".", "a/b", "tmp-1"])
    await assert.rejects(world.store.mount(id, undefined), code("INVALID_ID"));
  await assert.rejects(world.store.mount("w", digestOf("nothing")), code("NO_SUCH_LAYER"));
});
