import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { GANTRY, type Ran, refused, run, TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

const gantry = (...args: string[]): Promise<string> => engine.gantryOk(...args);
const fails = async (words: RegExp, ...args: string[]): Promise<Ran> => refused(await engine.gantry(...args), words);
const sh = (volume: string, script: string): Promise<string> =>
  engine.ok("run", "--rm", "-v", `${volume}:/v`, "busybox", "sh", "-c", script);
const dataOf = (volume: string): string => path.join(engine.dataRoot, "volumes", volume, "_data");
/** What stands beside a volume's data: nothing, unless something is under way. */
const besides = (volume: string): string[] =>
  fs.readdirSync(path.dirname(dataOf(volume))).filter((name) => name !== "_data");

/** A volume with one of everything. */
async function fill(volume: string): Promise<void> {
  await sh(
    volume,
    `mkdir -p /v/sub && echo one > /v/sub/file && ln /v/sub/file /v/hard && ln -s sub/file /v/soft && mkfifo /v/pipe &&
     truncate -s 64M /v/holes && printf end | dd of=/v/holes bs=1 seek=40000000 conv=notrunc 2>/dev/null &&
     echo x > /v/.wh.odd && chown -R 33:44 /v/sub && chmod 2750 /v/sub && chmod 600 /v/sub/file && chown 70:70 /v && chmod 700 /v`,
  );
  const set = await run("setfattr", ["-n", "user.note", "-v", "kept", path.join(dataOf(volume), "hard")]);
  if (set.code !== 0) fs.writeFileSync(path.join(dataOf(volume), "no-xattrs"), "");
}

async function looksFilled(volume: string): Promise<void> {
  const at = (name: string): string => path.join(dataOf(volume), name);
  const facts = (name: string): number[] => {
    const { uid, gid, mode } = fs.lstatSync(at(name));
    return [uid, gid, mode & 0o7777];
  };
  assert.deepEqual(facts("."), [70, 70, 0o700]);
  assert.deepEqual(facts("sub"), [33, 44, 0o2750]);
  assert.deepEqual(facts("sub/file"), [33, 44, 0o600]);
  assert.equal(fs.readFileSync(at("sub/file"), "utf8"), "one\n");
  assert.equal(fs.statSync(at("hard")).ino, fs.statSync(at("sub/file")).ino);
  assert.equal(fs.readlinkSync(at("soft")), "sub/file");
  assert.ok(fs.lstatSync(at("pipe")).isFIFO());
  assert.equal(fs.readFileSync(at(".wh.odd"), "utf8"), "x\n");
  const holes = fs.statSync(at("holes"));
  assert.equal(holes.size, 64 << 20);
  assert.ok(holes.blocks * 512 < 1 << 20, `${holes.blocks} blocks`);
  const end = Buffer.alloc(3);
  const fd = fs.openSync(at("holes"), "r");
  fs.readSync(fd, end, 0, 3, 40_000_000);
  fs.closeSync(fd);
  assert.equal(end.toString(), "end");
  if (fs.existsSync(at("no-xattrs"))) return;
  assert.equal((await run("getfattr", ["--only-values", "-n", "user.note", at("hard")])).stdout, "kept");
}

describe("a volume as a tar", () => {
  before(() => fill("full"));

  for (const file of ["full.tar", "full.tar.gz", "full.tar.zst"]) {
    it(`is the same again after ${file}, in a volume that the import makes`, async () => {
      const target = path.join(engine.folder, file);
      await gantry("volume", "export", "-o", target, "full");
      assert.ok(fs.statSync(target).size < 1 << 20, "holes take no room");
      const name = `from-${file}`;
      const entries = fs.existsSync(path.join(dataOf("full"), "no-xattrs")) ? 9 : 8;
      const said = await gantry("volume", "import", name, target);
      assert.ok(said.startsWith(`${name}: ${entries} entries, `), said);
      await looksFilled(name);
      assert.deepEqual(besides(name), []);
    });
  }

  it("is one that GNU tar reads, holes included", async () => {
    const folder = path.join(engine.folder, "unpacked");
    fs.mkdirSync(folder);
    await gantry("volume", "export", "-o", path.join(engine.folder, "gnu.tar"), "full");
    const unpacked = await run("tar", ["-xSf", path.join(engine.folder, "gnu.tar"), "-C", folder]);
    assert.equal(unpacked.code, 0, unpacked.stderr);
    const same = await run("cmp", [path.join(folder, "holes"), path.join(dataOf("full"), "holes")]);
    assert.equal(same.code, 0, same.stdout);
  });

  it("goes through a pipe and takes what others packed", async () => {
    const tar = await run("tar", ["-C", dataOf("full"), "-cf", "-", "--sparse", "."]);
    const input = Buffer.from(tar.stdout, "latin1");
    const taken = await run(GANTRY, ["volume", "import", "piped", "-"], { env: engine.env, input });
    assert.equal(taken.code, 0, taken.stderr);
    await sh("piped", "test -s /v/sub/file");
    const again = await run(GANTRY, ["volume", "export", "piped", "--compress", "gzip"], { env: engine.env });
    assert.equal(again.stdout.slice(0, 2), "\x1f\x8b");
  });

  it("takes the place of contents, or is added to them, only when told so", async () => {
    const file = path.join(engine.folder, "small.tar");
    await sh("small", "echo new > /v/both; echo new > /v/added");
    await gantry("volume", "export", "-o", file, "small");
    await sh("old", "echo old > /v/both; echo old > /v/kept");
    await fails(/volume old is not empty[^]*--replace/, "volume", "import", "old", file);
    assert.equal(await sh("old", "cat /v/*"), "old\nold");
    await gantry("volume", "import", "--merge", "old", file);
    assert.equal(await sh("old", "cd /v; grep . *"), "added:new\nboth:new\nkept:old");
    await gantry("volume", "import", "--replace", "old", file);
    assert.equal(await sh("old", "cd /v; grep . *"), "added:new\nboth:new");
    assert.deepEqual(besides("old"), []);
  });

  it("that is broken or cut off leaves the volume as it was, and makes none", async () => {
    const file = path.join(engine.folder, "whole.tar");
    await gantry("volume", "export", "-o", file, "full");
    const whole = fs.readFileSync(file);
    const bad = path.join(engine.folder, "bad.tar");
    await sh("target", "echo mine > /v/mine");
    const cuts = [700, whole.length - 1024].map((length) => whole.subarray(0, length));
    for (const bytes of [...cuts, Buffer.from("no tar at all ".repeat(99))]) {
      fs.writeFileSync(bad, bytes);
      await fails(/bad archive/, "volume", "import", "--replace", "target", bad);
      await fails(/bad archive/, "volume", "import", "unmade", bad);
      assert.equal(await sh("target", "cd /v; grep . *"), "mine");
      assert.deepEqual(besides("target"), []);
      await fails(/no such volume/, "volume", "inspect", "unmade");
      assert.equal(fs.existsSync(path.dirname(dataOf("unmade"))), false);
    }
  });

  it("with links that lead out of it stays inside", async () => {
    const outside = path.join(engine.folder, "outside");
    fs.mkdirSync(outside);
    fs.symlinkSync(outside, path.join(engine.folder, "out"));
    const hostile = path.join(engine.folder, "hostile.tar");
    const names = ["out", "--transform", "s,^small,out/x,", "small.tar"];
    const packed = await run("tar", ["-C", engine.folder, "-cPf", hostile, ...names]);
    assert.equal(packed.code, 0, packed.stderr);
    await gantry("volume", "import", "contained", hostile);
    assert.deepEqual(fs.readdirSync(outside), []);
  });

  it("whose sender goes away in the middle leaves nothing", async () => {
    const child = spawn(GANTRY, ["volume", "import", "cut"], { env: engine.env, stdio: ["pipe", "ignore", "ignore"] });
    child.stdin.on("error", () => {});
    child.stdin.write(fs.readFileSync(path.join(engine.folder, "whole.tar")).subarray(0, 3000));
    await until(() => fs.existsSync(path.dirname(dataOf("cut"))), { what: "the import to begin" });
    child.kill("SIGINT");
    await once(child, "exit");
    await until(() => !fs.existsSync(path.dirname(dataOf("cut"))), { what: "nothing to be left" });
    await fails(/no such volume/, "volume", "inspect", "cut");
  });

  it("is refused while a container uses the volume, and warned of on export", async () => {
    const file = path.join(engine.folder, "small.tar");
    await engine.ok(
      "run",
      "-d",
      "--name",
      "user",
      "-v",
      "used:/v",
      "busybox",
      "sh",
      "-c",
      "while :; do date > /v/f; done",
    );
    await fails(
      /cannot import into volume used: user uses it[^]*gantry stop user/,
      "volume",
      "import",
      "--replace",
      "used",
      file,
    );
    const warned = await engine.gantry("volume", "export", "-o", path.join(engine.folder, "used.tar"), "used");
    assert.match(warned.stderr, /^WARNING: user may have written/);
    const held = await engine.gantry("volume", "export", "--pause", "-o", path.join(engine.folder, "used.tar"), "used");
    assert.deepEqual([held.code, held.stderr], [0, ""]);
    await until(async () => (await engine.ok("inspect", "-f", "{{.State.Status}}", "user")) === "running", {
      what: "the container to go on",
    });
    await engine.ok("rm", "-f", "user");
  });
});

describe("a clone of a volume", () => {
  it("has its contents and labels, and is another", async () => {
    await engine.ok("volume", "create", "--label", "team=a", "source");
    await fill("source");
    assert.equal(await gantry("volume", "clone", "source", "copy"), "copy");
    await looksFilled("copy");
    assert.equal(await engine.ok("volume", "inspect", "-f", "{{.Labels.team}}", "copy"), "a");
    await sh("copy", "echo changed > /v/sub/file");
    await looksFilled("source");
    await fails(/a volume named copy already exists/, "volume", "clone", "source", "copy");
    await fails(/no such volume/, "volume", "clone", "missing", "other");
    await engine.ok("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "ram");
    await fails(/mounted from tmpfs/, "volume", "clone", "ram", "other");
  });
});

describe("a renamed volume", () => {
  it("is followed by containers that run and that don't", async () => {
    await sh("before", "echo data > /v/f");
    await engine.ok("run", "-d", "--name", "up", "-v", "before:/v:ro", "busybox", "sleep", "1000");
    await engine.ok(
      "create",
      "--name",
      "down",
      "--mount",
      "type=volume,source=before,target=/v",
      "busybox",
      "cat",
      "/v/f",
    );
    await gantry("volume", "rename", "before", "after");
    assert.equal(await engine.ok("exec", "up", "cat", "/v/f"), "data");
    assert.equal(await engine.ok("start", "-a", "down"), "data");
    const shown = JSON.parse(await engine.ok("inspect", "up", "down")) as {
      HostConfig: { Binds: string[] | null; Mounts?: { Source: string }[] };
      Mounts: { Name: string; Source: string }[];
    }[];
    assert.deepEqual(
      shown.map(({ Mounts }) => [Mounts[0]?.Name, Mounts[0]?.Source]),
      Array.from({ length: 2 }, () => ["after", dataOf("after")]),
    );
    assert.deepEqual(shown[0]?.HostConfig.Binds, ["after:/v:ro"]);
    assert.equal(shown[1]?.HostConfig.Mounts?.[0]?.Source, "after");
    assert.equal(fs.existsSync(path.dirname(dataOf("before"))), false);
    assert.match((await engine.docker("volume", "rm", "after")).stderr, /volume is in use/);
    await engine.ok("restart", "-t", "0", "up");
    assert.equal(await engine.ok("exec", "up", "cat", "/v/f"), "data");
    await fails(/no such volume/, "volume", "rename", "before", "x1");
    await fails(/already exists/, "volume", "rename", "full", "after");
    await fails(/invalid characters/, "volume", "rename", "full", "a/b");
    await engine.ok("rm", "-f", "up", "down");
  });
});

describe("what volumes take", () => {
  it("is shown with who uses them, the largest first, and not in docker's own list", async () => {
    await sh("large", "dd if=/dev/zero of=/v/f bs=1M count=3 2>/dev/null");
    await engine.ok("volume", "create", "unused");
    await engine.ok("run", "-d", "--name", "busy", "-v", "large:/v", "busybox", "sleep", "1000");
    await engine.ok("create", "--name", "idle", "-v", "large:/v", "busybox");
    const row = async (name: string): Promise<string> =>
      (await gantry("volume", "ls", "-s", "--format", "{{.Name}}|{{.Size}}|{{.LastUsed}}|{{.UsedBy}}"))
        .split("\n")
        .find((line) => line.startsWith(`${name}|`)) ?? "";
    assert.match(await row("large"), /^large\|3\.1\d+MB\|in use\|busy, idle \(stopped\)$/);
    assert.match(await row("unused"), /^unused\|4\.096kB\|never\|$/);
    await engine.ok("rm", "-f", "busy");
    assert.match(await row("large"), /\|Less than a second ago\|idle \(stopped\)$|\|\d seconds? ago\|idle/);
    const sizes = (await gantry("volume", "ls", "-s")).split("\n");
    assert.match(sizes[0] ?? "", /^VOLUME NAME +SIZE +LAST USED +USED BY$/);
    assert.match(sizes[1] ?? "", /^large /);
    assert.match(await gantry("volume", "inspect", "-s", "large"), /"Usage": \{\s+"Size": 3\d{6},/);
    assert.doesNotMatch(await gantry("volume", "inspect", "large"), /Usage/);
    await engine.ok("rm", "idle");
  });
});
