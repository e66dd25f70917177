import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { GANTRY, type Ran, refused, run, TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";
import { TestVolumePlugin } from "../support/volume-plugin.ts";

let engine: TestEngine;
let plugin: TestVolumePlugin;
before(async () => {
  engine = await TestEngine.start();
  plugin = new TestVolumePlugin("shelf", engine.pluginFolder, path.join(engine.folder, "shelves"));
  await plugin.start();
});
after(async () => {
  await engine.clear();
  await plugin.kill();
  await engine.end();
});

const ok = (...args: string[]): Promise<string> => engine.ok(...args);
const fails = async (words: RegExp, ...args: string[]): Promise<Ran> => refused(await engine.docker(...args), words);
const sleeper = (name: string, ...args: string[]): Promise<string> =>
  ok("run", "-d", "--init", "--name", name, ...args, "busybox", "sleep", "1000");
const operations = (): string[] => plugin.calls().filter((line) => /Create|Mount|Unmount|Remove/.test(line));

for (const cli of ["docker", "gantry"] as const) {
  const program = cli === "docker" ? "docker" : GANTRY;
  const call = async (...args: string[]): Promise<string> => {
    const ran = await run(program, args, { env: engine.env });
    assert.equal(ran.code, 0, `${cli} ${args.join(" ")}: ${ran.stderr}${ran.stdout}`);
    return ran.stdout.trimEnd();
  };

  describe(`volumes of a plugin, through ${cli}`, () => {
    it("are made, listed, inspected and removed by it", async () => {
      plugin.calls();
      await call("volume", "create", "-d", "shelf", "-o", "size=1", "--label", "a=b", "books");
      assert.equal(await call("volume", "ls", "--format", "{{.Driver}} {{.Name}} {{.Scope}}"), "shelf books global");
      assert.equal(await call("volume", "ls", "-q", "-f", "driver=shelf", "-f", "label=a=b"), "books");
      const [found] = JSON.parse(await call("volume", "inspect", "books"));
      assert.deepEqual(found, {
        ...{ CreatedAt: "2026-01-02T03:04:05Z", Driver: "shelf", Labels: { a: "b" }, Name: "books", Scope: "global" },
        ...{ Mountpoint: path.join(plugin.folder, "volumes/books"), Options: { size: "1" }, Status: { users: 0 } },
      });
      assert.equal(await call("info", "-f", "{{json .Plugins.Volume}}"), '["local","shelf"]');
      assert.equal(await call("volume", "rm", "books"), "books");
      assert.deepEqual(operations(), ["VolumeDriver.Create books", "VolumeDriver.Remove books"]);
      assert.equal(await call("volume", "ls", "-q"), "");
    });

    it("are mounted once for each container that uses them, and keep what it writes", async () => {
      plugin.calls();
      const id = await call(
        "run",
        "-d",
        "--init",
        "--volume-driver",
        "shelf",
        "-v",
        "box:/x",
        "-v",
        "box:/y",
        "busybox",
        "sleep",
        "1000",
      );
      const [, created, mounted, ...more] = ["", ...operations()];
      assert.deepEqual([created, mounted, more], ["VolumeDriver.Create box", `VolumeDriver.Mount box ${id}`, []]);
      assert.equal(
        await call("inspect", "-f", "{{json (index .Mounts 0)}}", id),
        JSON.stringify({
          ...{ Type: "volume", Name: "box", Source: path.join(plugin.folder, "volumes/box"), Destination: "/x" },
          ...{ Driver: "shelf", Mode: "", RW: true, Propagation: "" },
        }),
      );
      const spec = "type=volume,src=box,dst=/z,volume-driver=shelf";
      assert.equal(
        await call("run", "--rm", "--mount", spec, "busybox", "sh", "-c", "echo read >/z/book; ls /z"),
        "book",
      );
      assert.equal(await call("exec", id, "cat", "/x/book", "/y/book"), "read\nread");
      await fails(new RegExp(`remove box: volume is in use - \\[${id}\\]`), "volume", "rm", "box");
      await call("rm", "-f", id);
      assert.deepEqual(plugin.users("box"), []);
      assert.equal(await call("run", "--rm", "-v", "box:/x", "busybox", "cat", "/x/book"), "read");
      await call("volume", "rm", "box");
    });
  });
}

describe("a volume plugin", () => {
  it("gets its own options, and its words come back", async () => {
    await fails(
      /create sour: too little room$/m,
      "volume",
      "create",
      "-d",
      "shelf",
      "-o",
      "refuse=too little room",
      "sour",
    );
    await ok("volume", "create", "-d", "shelf", "-o", "keep=1", "stays");
    await fails(/remove stays: stays is to be kept$/m, "volume", "rm", "stays");
    await fails(/remove stays: stays is to be kept$/m, "volume", "rm", "-f", "stays");
    await ok("volume", "create", "-d", "shelf", "-o", "unmountable=it is stuck", "stuck");
    await fails(
      /error while mounting volume 'stuck': it is stuck$/m,
      "run",
      "--name",
      "never",
      "-v",
      "stuck:/x",
      "busybox",
    );
    assert.equal(await ok("inspect", "-f", "{{.State.Status}}", "never"), "created");
    await ok("rm", "never");
    await fails(
      /create stays: driver 'shelf' already has volume 'stays': volume name must be unique/,
      "volume",
      "create",
      "stays",
    );
    await ok("volume", "rm", "stuck");
  });

  it("mounts for the engine's own work too, and what it keeps is not replaced", async () => {
    await ok("volume", "create", "-d", "shelf", "-o", "ram=1", "moved");
    await sleeper("holder", "-v", "moved:/x");
    await ok("exec", "holder", "touch", "/x/in");
    const file = path.join(engine.folder, "moved.tar");
    const out = await engine.gantry("volume", "export", "-o", file, "moved");
    assert.equal(out.code, 0, out.stderr);
    assert.match((await run("tar", ["-tf", file])).stdout, /\.\/in/);
    await ok("rm", "-f", "holder");
    await until(() => plugin.users("moved").length === 0, { what: "the volume to be unmounted" });
    for (const words of [
      ["clone", "moved", "other"],
      ["rename", "moved", "other"],
    ]) {
      const ran = await engine.gantry("volume", ...words);
      assert.notEqual(ran.code, 0);
      assert.match(ran.stderr, /plugin shelf/);
    }
    await ok("volume", "rm", "moved");
  });

  it("that nobody has heard of is an error at once", async () => {
    const began = performance.now();
    const words = /create lost: error looking up volume plugin nosuch: plugin "nosuch" not found/;
    await fails(words, "volume", "create", "-d", "nosuch", "lost");
    await fails(/plugin "..\/shelf" not found/, "volume", "create", "-d", "../shelf", "lost");
    assert.ok(performance.now() - began < 5000);
  });

  it("mounts what it has only while it is used, and a volume's content is copied up there", async () => {
    const made = await run("docker", ["build", "-t", "full", "-"], {
      env: engine.env,
      input: "FROM busybox\nRUN mkdir -p /data/sub && echo kept >/data/sub/file && chown 5:6 /data",
    });
    assert.equal(made.code, 0, made.stderr);
    await ok("volume", "create", "-d", "shelf", "-o", "ram=1", "ram");
    assert.equal(await ok("volume", "inspect", "-f", "{{.Mountpoint}}", "ram"), "");
    const look = "cat /data/sub/file; stat -c %u:%g /data; mount | grep -c 'tmpfs on /data'; ls -A /data";
    const text = await ok("run", "--rm", "-v", "ram:/data", "full", "sh", "-c", look);
    assert.deepEqual(text.split("\n"), ["kept", "5:6", "1", "sub"]);
    assert.equal(await ok("run", "--rm", "-v", "ram:/data:nocopy", "full", "ls", "/data"), "");
    const subpath = "type=volume,src=ram,dst=/s,volume-subpath=gone";
    await fails(/cannot access path .*gone/, "run", "--rm", "--mount", subpath, "full");
    assert.deepEqual(plugin.users("ram"), [], "also where a start failed");
    await ok("volume", "rm", "ram");
  });

  it("keeps anonymous volumes too, which go with their container", async () => {
    const id = await ok("run", "-d", "--volume-driver", "shelf", "-v", "/anon", "busybox", "true");
    await ok("wait", id);
    assert.ok(
      (await ok("volume", "ls", "-q", "-f", "driver=shelf")).split("\n").some((one) => /^[0-9a-f]{64}$/.test(one)),
    );
    await ok("rm", "-v", id);
    assert.equal(await ok("volume", "ls", "-q", "-f", "driver=shelf"), "stays");
    assert.match(await ok("volume", "prune", "-af"), /^Total reclaimed space: 0B/);
    assert.equal(await ok("volume", "ls", "-q", "-f", "driver=shelf"), "stays", "a prune is for local ones");
  });

  it("may make volumes by itself, which are there for containers by their name alone", async () => {
    await plugin.kill();
    fs.writeFileSync(path.join(plugin.folder, "volumes.json"), '{"own":{"options":{},"users":[]}}');
    fs.mkdirSync(path.join(plugin.folder, "volumes/own"), { recursive: true });
    await plugin.start();
    assert.equal(await ok("volume", "ls", "-q", "-f", "driver=shelf"), "own");
    assert.equal(await ok("volume", "inspect", "-f", "{{.Driver}}", "own"), "shelf");
    await ok("run", "--rm", "-v", "own:/x", "busybox", "touch", "/x/here");
    assert.ok(fs.existsSync(path.join(plugin.folder, "volumes/own/here")));
    await ok("volume", "rm", "own");
  });

  it("may be restarted, and so may the engine, while containers use its volumes", async () => {
    const id = await ok("run", "-d", "--init", "--volume-driver", "shelf", "-v", "live:/x", "busybox", "sleep", "1000");
    plugin.calls();
    await plugin.kill();
    await engine.crash();
    await engine.up();
    assert.equal(await ok("exec", id, "sh", "-c", "echo on >/x/f; cat /x/f"), "on");
    await plugin.start();
    await engine.crash();
    await engine.up();
    assert.deepEqual(operations(), []);
    await ok("stop", "-t", "0", id);
    assert.deepEqual(operations(), [`VolumeDriver.Unmount live ${id}`]);
    await ok("rm", id);
    await ok("volume", "rm", "live");
  });

  it("that is down is told of, holds up nobody, and is waited for when it comes up again", async () => {
    await ok("volume", "create", "-d", "shelf", "later");
    const running = await ok("run", "-d", "--init", "-v", "later:/x", "busybox", "sleep", "1000");
    await plugin.kill();
    const listed = await engine.get("/volumes");
    const { Volumes, Warnings } = JSON.parse(listed.text);
    assert.deepEqual(
      Volumes.map(({ Name }: { Name: string }) => Name),
      ["later"],
    );
    assert.match(Warnings[0], /^list shelf: plugin "shelf" does not answer at .*shelf\.sock: ECONNREFUSED$/);
    await fails(/get later: .*plugin "shelf" does not answer/, "volume", "inspect", "later");
    assert.equal(await ok("info", "-f", "{{json .Plugins.Volume}}"), '["local"]');
    await ok("run", "--rm", "-v", "other:/x", "busybox", "true");
    await ok("rm", "-f", running);
    const starting = ok("run", "--rm", "-v", "later:/x", "busybox", "echo", "up");
    const waiting = ok("volume", "create", "-d", "shelf", "fresh");
    plugin.begin();
    assert.equal(await starting, "up");
    assert.equal(await waiting, "fresh");
    await plugin.kill();
    assert.equal(await ok("volume", "rm", "-f", "later"), "later");
    await plugin.start();
    await ok("volume", "rm", "later", "fresh", "other");
  });
});
