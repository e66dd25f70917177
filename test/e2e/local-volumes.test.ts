import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { type Ran, refused, run, TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
  const made = await run("docker", ["build", "-t", "full", "-"], {
    env: engine.env,
    input: [
      "FROM busybox",
      "RUN mkdir -p /data/sub && echo kept >/data/sub/file && chown 5:6 /data && ln -s /data /link && echo plain >/file",
      "RUN mkdir /many && cd /many && for i in $(seq 300); do echo $i >file$i; done",
    ].join("\n"),
  });
  assert.equal(made.code, 0, made.stderr);
});
after(() => engine.end());

const ok = (...args: string[]): Promise<string> => engine.ok(...args);
const fails = async (words: RegExp, ...args: string[]): Promise<Ran> => refused(await engine.docker(...args), words);
const create = (name: string, options: Record<string, string>): Promise<string> =>
  ok("volume", "create", ...Object.entries(options).flatMap(([key, value]) => ["-o", `${key}=${value}`]), name);
const place = (name: string): string => path.join(engine.dataRoot, "volumes", name, "_data");
/** How often the volume is mounted on the host. */
const mounts = (name: string): number =>
  fs
    .readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.split(" ")[4] === place(name)).length;
const sleeper = (name: string, ...args: string[]): Promise<string> =>
  ok("run", "-d", "--init", "--name", name, ...args, "busybox", "sleep", "1000");

describe("a local volume with options", () => {
  it("is mounted from its first use to its last, once, and over the engine's crashes", async () => {
    await create("ram", { type: "tmpfs", device: "tmpfs", o: "size=2m,uid=1000,mode=0750" });
    assert.equal(mounts("ram"), 0);
    await sleeper("one", "-v", "ram:/x", "-v", "ram:/y");
    assert.equal(await ok("exec", "one", "stat", "-c", "%u %a", "/x"), "1000 750");
    await sleeper("two", "-v", "ram:/x");
    assert.equal(mounts("ram"), 1);
    await ok("exec", "one", "sh", "-c", "echo shared >/y/f");
    await engine.crash();
    await engine.up();
    assert.equal(mounts("ram"), 1);
    await fails(/remove ram: volume is in use - \[[0-9a-f]{64}, [0-9a-f]{64}\]/, "volume", "rm", "ram");
    await ok("rm", "-f", "one");
    assert.equal(await ok("exec", "two", "cat", "/x/f"), "shared");
    assert.equal(mounts("ram"), 1);
    await engine.crash();
    await engine.up();
    await ok("kill", "two");
    await ok("wait", "two");
    assert.equal(mounts("ram"), 0);
    await ok("rm", "-f", "two");
    await ok("volume", "rm", "ram");
  });

  it("that cannot be mounted leaves nothing of the start behind", async () => {
    await create("bad", { type: "none", o: "bind", device: "/no/such/folder" });
    const words = /failed to mount local volume: mount \/no\/such\/folder:\S+\/bad\/_data, flags: 0x1000: no such file/;
    await fails(words, "run", "--name", "never", "-v", "good:/g", "-v", "bad:/x", "busybox");
    assert.equal(await ok("inspect", "-f", "{{.State.Status}}", "never"), "created");
    assert.equal(mounts("bad"), 0);
    await create("lost", { type: "nfs", device: ":/export", o: "addr=127.0.0.1,rw,nfsvers=4,soft,timeo=5,retrans=1" });
    await fails(
      /failed to mount local volume: mount :\/export:\S+, data: addr=127.0.0.1,nfsvers=4,/,
      "run",
      "-v",
      "lost:/x",
      "busybox",
    );
    assert.equal(mounts("lost"), 0);
    await engine.clear();
    await ok("volume", "rm", "bad", "lost", "good");
  });

  it("is neither counted nor pruned, since its data is elsewhere", async () => {
    const folder = fs.mkdtempSync(path.join(engine.folder, "elsewhere-"));
    fs.writeFileSync(path.join(folder, "kept"), "");
    await create("away", { type: "none", o: "bind", device: folder });
    await ok("volume", "create", "here");
    assert.equal(await ok("run", "--rm", "-v", "away:/x", "busybox", "ls", "/x"), "kept");
    const { text } = await engine.get("/system/df");
    assert.deepEqual(
      JSON.parse(text).Volumes.map(({ Name }: { Name: string }) => Name),
      ["here"],
    );
    assert.match(await ok("volume", "prune", "-af"), /^Deleted Volumes:\nhere\n/);
    assert.equal(await ok("volume", "ls", "-q"), "away");
    await ok("volume", "rm", "away");
    assert.deepEqual(fs.readdirSync(folder), ["kept"]);
  });
});

describe("a volume's first content", () => {
  it("comes from where the image's links lead, and not for files", async () => {
    assert.equal(await ok("run", "--rm", "-v", "v1:/link", "full", "cat", "/data/sub/file"), "kept");
    assert.equal(
      await ok("run", "--rm", "-v", "v1:/x", "busybox", "sh", "-c", "cat /x/sub/file; stat -c %u:%g /x"),
      "kept\n5:6",
    );
    await fails(/Are you trying to mount a directory onto a file/, "run", "--rm", "-v", "v2:/file", "full");
    assert.equal(await ok("run", "--rm", "-v", "v2:/x", "busybox", "ls", "/x"), "");
    await ok("volume", "rm", "v1", "v2");
  });

  it("comes once, also when many containers start with the volume at the same time", async () => {
    const names = Array.from({ length: 6 }, (_, index) => `crowd${index}`);
    const counts = await Promise.all(
      names.map(() =>
        ok("run", "--rm", "-v", "crowd:/many", "full", "sh", "-c", "ls -A /many | wc -l; touch /many/file1"),
      ),
    );
    assert.deepEqual(new Set(counts), new Set(["300"]));
    assert.deepEqual(fs.readdirSync(path.dirname(place("crowd"))), ["_data"]);
    await ok("volume", "rm", "crowd");
  });

  it("is all there or not at all when the engine is killed while it is copied", async () => {
    for (const wait of ["_filling", "_data/file1"]) {
      const start = engine.docker("run", "--name", "cut", "-v", "cut:/many", "full", "true");
      await until(() => fs.existsSync(path.join(path.dirname(place("cut")), wait)), {
        what: wait,
        every: 0,
        timeout: 30_000,
      });
      await engine.crash();
      await start;
      await engine.up();
      const count = fs.readdirSync(place("cut")).length;
      assert.ok(count === 0 || count === 300, `${count} files`);
      assert.equal(await ok("run", "--rm", "-v", "cut:/many", "full", "sh", "-c", "ls -A /many | wc -l"), "300");
      assert.deepEqual(fs.readdirSync(path.dirname(place("cut"))), ["_data"]);
      await ok("rm", "cut");
      await ok("volume", "rm", "cut");
    }
  });
});

describe("a folder of a volume", () => {
  it("has to be there, and no link leads out of the volume", async () => {
    await ok(
      "run",
      "--rm",
      "-v",
      "deep:/v",
      "busybox",
      "sh",
      "-c",
      "mkdir -p /v/a/b; echo c >/v/a/b/c; ln -s a/b /v/near; ln -s /etc /v/far; ln -s ../../.. /v/up",
    );
    const mount = (subpath: string): string[] => ["--mount", `type=volume,src=deep,dst=/x,volume-subpath=${subpath}`];
    assert.equal(await ok("run", "--rm", ...mount("a/b"), "busybox", "cat", "/x/c"), "c");
    assert.equal(await ok("run", "--rm", ...mount("near"), "busybox", "cat", "/x/c"), "c");
    assert.equal(await ok("run", "--rm", ...mount("a/b/c"), "busybox", "cat", "/x"), "c", "a file");
    for (const bad of ["missing", "far", "far/passwd", "up", "up/etc"]) {
      await fails(/cannot access path .*: /, "run", "--rm", ...mount(bad), "busybox");
    }
    for (const bad of ["../x", "/a", "a/../.."]) {
      await fails(/subpath must be a relative path within the volume/, "run", "--rm", ...mount(bad), "busybox");
    }
    const id = await ok("create", ...mount("a"), "busybox");
    assert.equal(await ok("run", "--rm", "--volumes-from", id, "busybox", "cat", "/x/b/c"), "c");
    await ok("rm", id);
    await ok("volume", "rm", "deep");
  });
});

describe("a folder of the host in which mounts come and go", () => {
  const mounted = (target: string, body: () => Promise<void>): Promise<void> => {
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", target]);
    fs.writeFileSync(path.join(target, "late"), "");
    return body().finally(() => execFileSync("umount", [target]));
  };

  for (const [propagation, fromHost, toHost] of [
    ["rprivate", false, false],
    ["rslave", true, false],
    ["rshared", true, true],
  ] as const) {
    it(`shows them ${fromHost ? "to" : "not to"} the container, and the container's ${toHost ? "to" : "not to"} the host, as ${propagation}`, async () => {
      const folder = fs.mkdtempSync(path.join(engine.folder, "travel-"));
      fs.mkdirSync(path.join(folder, "in"));
      fs.mkdirSync(path.join(folder, "out"));
      execFileSync("mount", ["--bind", folder, folder]);
      try {
        execFileSync("mount", ["--make-shared", folder]);
        await sleeper("host", "--privileged", "-v", `${folder}:/b:${propagation}`);
        await mounted(path.join(folder, "in"), async () => {
          assert.equal(await ok("exec", "host", "ls", "/b/in"), fromHost ? "late" : "");
        });
        await ok("exec", "host", "sh", "-c", "mount -t tmpfs tmpfs /b/out && touch /b/out/made");
        assert.deepEqual(fs.readdirSync(path.join(folder, "out")), toHost ? ["made"] : []);
        await ok("exec", "host", "umount", "/b/out");
      } finally {
        await engine.docker("rm", "-f", "host");
        execFileSync("umount", [folder]);
      }
    });
  }
});
