import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { GANTRY, type Ran, run, TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
  const made = await run("docker", ["build", "-t", "filled", "-"], {
    env: engine.env,
    input: [
      ...["FROM busybox", "RUN mkdir -p /data/sub && echo kept > /data/sub/file && ln -s sub/file /data/link"],
      ...["RUN chown -R 33:44 /data && chmod 1770 /data && chmod 640 /data/sub/file", "VOLUME /anon"],
    ].join("\n"),
  });
  assert.equal(made.code, 0, made.stderr);
});
after(() => engine.end());

for (const cli of ["docker", "gantry"] as const) {
  const program = cli === "docker" ? "docker" : GANTRY;
  const call = (...args: string[]): Promise<Ran> => run(program, args, { env: engine.env });
  const out = async (...args: string[]): Promise<string> => {
    const ran = await call(...args);
    assert.equal(ran.code, 0, `${cli} ${args.join(" ")}: ${ran.stderr}${ran.stdout}`);
    return ran.stdout.trimEnd();
  };
  const fails = async (code: number, words: RegExp, ...args: string[]): Promise<void> => {
    const ran = await call(...args);
    assert.equal(ran.code, code, `${args.join(" ")}: ${ran.stdout}${ran.stderr}`);
    assert.match(ran.stderr, words);
    const told = ran.stderr
      .split("\n")
      .filter((line) => line !== "" && !/^hint: |^Usage: |--help' for more/.test(line));
    assert.equal(told.length, 1, ran.stderr);
  };
  const sh = (script: string, ...flags: string[]): Promise<string> =>
    out("run", "--rm", ...flags, "busybox", "sh", "-c", script);
  const volumes = async (...flags: string[]): Promise<string[]> =>
    (await out("volume", "ls", "-q", ...flags)).split("\n").filter(Boolean);
  const hostFolder = (): string => fs.mkdtempSync(path.join(engine.folder, "bind-"));

  describe(`through ${cli}`, () => {
    it("shows a host's folder and file, both ways, and read-only with :ro", async () => {
      const folder = hostFolder();
      fs.writeFileSync(path.join(folder, "in"), "from outside");
      assert.equal(await sh("cat /b/in; echo from inside > /b/out", "-v", `${folder}:/b`), "from outside");
      assert.equal(fs.readFileSync(path.join(folder, "out"), "utf8"), "from inside\n");
      const readOnly = await call("run", "--rm", "-v", `${folder}:/b:ro`, "busybox", "touch", "/b/x");
      assert.equal(readOnly.code, 1);
      assert.match(readOnly.stderr, /Read-only file system/);
      assert.equal(await sh("cat /f", "-v", `${folder}/in:/f:ro`), "from outside");
      assert.equal(
        await sh("cat /b/in; touch /b/y || echo no", "--mount", `type=bind,src=${folder},dst=/b,readonly`),
        "from outsideno",
      );
    });

    it("makes a missing host folder for -v, and refuses one for --mount", async () => {
      const missing = path.join(hostFolder(), "deep/er");
      await sh("touch /b/made", "-v", `${missing}:/b`);
      assert.deepEqual(fs.readdirSync(missing), ["made"]);
      const other = path.join(hostFolder(), "none");
      await fails(
        125,
        /invalid mount config for type "bind": bind source path does not exist: .*\/none/,
        ...["run", "--rm", "--mount", `type=bind,src=${other},dst=/b`, "busybox", "true"],
      );
      assert.equal(fs.existsSync(other), false);
      assert.equal(await out("ps", "-aq"), "");
    });

    it("refuses what no volume can be, with 125", async () => {
      await fails(
        125,
        /mount path must be absolute|invalid mount path: 'rel'/,
        "run",
        "--rm",
        "-v",
        "x:rel",
        "busybox",
      );
      await fails(125, /invalid mode: bad/, "run", "--rm", "-v", "x:/y:bad", "busybox");
      await fails(125, /destination can't be '\/'/, "run", "--rm", "-v", "/tmp:/", "busybox");
      await fails(125, /includes invalid characters for a local volume name/, "run", "--rm", "-v", "a b:/x", "busybox");
      await fails(125, /Duplicate mount point: \/x/, "run", "--rm", "-v", "one:/x", "-v", "two:/x", "busybox");
      await fails(
        125,
        /target is required|must not be empty/i,
        "run",
        "--rm",
        "--mount",
        "type=volume,src=x",
        "busybox",
      );
      await fails(
        125,
        /unknown|unexpected key 'nosuch'/i,
        "run",
        "--rm",
        "--mount",
        "type=volume,dst=/x,nosuch=1",
        "busybox",
      );
      await fails(125, /No such container: nosuch/, "run", "--rm", "--volumes-from", "nosuch", "busybox");
      await fails(
        125,
        /plugin "nosuch" not found/,
        "run",
        "--rm",
        "--volume-driver",
        "nosuch",
        "-v",
        "vol:/x",
        "busybox",
      );
      await fails(
        125,
        /not a directory: unknown: Are you trying to mount a directory onto a file \(or vice-versa\)\?/,
        ...["run", "--rm", "-v", `${hostFolder()}:/etc/passwd`, "busybox"],
      );
      assert.equal(await out("ps", "-aq"), "");
      assert.deepEqual(await volumes(), []);
    });

    it("keeps a named volume beyond its containers; lists, inspects, filters and removes it", async () => {
      await sh("echo one > /d/f", "-v", "keep:/d");
      assert.equal(await sh("cat /d/f", "--mount", "src=keep,dst=/d"), "one");
      assert.equal(await out("volume", "create", "--label", "a=b", "second"), "second");
      assert.deepEqual(await volumes(), ["keep", "second"]);
      assert.deepEqual(await volumes("--filter", "label=a=b"), ["second"]);
      assert.deepEqual(await volumes("--filter", "name=kee"), ["keep"]);
      const found = JSON.parse(await out("volume", "inspect", "keep"))[0];
      assert.equal(found.Driver, "local");
      assert.equal(found.Scope, "local");
      assert.equal(fs.readFileSync(path.join(found.Mountpoint, "f"), "utf8"), "one\n");
      assert.equal(await out("volume", "rm", "keep", "second"), "keep\nsecond");
      assert.equal(fs.existsSync(found.Mountpoint), false);
      await fails(1, /no such volume/i, "volume", "inspect", "keep");
      await fails(1, /no such volume/i, "volume", "rm", "keep");
      await out("volume", "rm", "-f", "keep");
    });

    it("refuses to remove a volume in use, and says by whom", async () => {
      const id = await out("create", "-v", "held:/d", "busybox");
      await fails(1, new RegExp(`remove held: volume is in use - \\[${id}\\]`), "volume", "rm", "held");
      assert.deepEqual(await volumes("--filter", "dangling=true"), []);
      await out("rm", "-v", id);
      assert.deepEqual(await volumes("--filter", "dangling=true"), ["held"]);
      await out("volume", "rm", "held");
    });

    it("copies the image's content into an empty named volume, with owner and mode, once", async () => {
      const look = "stat -c '%u:%g %a' /data /data/sub/file; cat /data/link";
      const copied = await out("run", "--rm", "-v", "copied:/data", "filled", "sh", "-c", look);
      assert.deepEqual(copied.split("\n"), ["33:44 1770", "33:44 640", "kept"]);
      await sh("echo changed > /v/sub/file", "-v", "copied:/v");
      assert.equal(await out("run", "--rm", "-v", "copied:/data", "filled", "cat", "/data/link"), "changed");
      assert.equal(await out("run", "--rm", "-v", "bare:/data:nocopy", "filled", "ls", "/data"), "");
      const folder = hostFolder();
      assert.equal(await out("run", "--rm", "-v", `${folder}:/data`, "filled", "ls", "/data"), "");
      await out("volume", "rm", "copied", "bare");
    });

    it("removes anonymous volumes with --rm and rm -v, keeps them otherwise, and prunes them", async () => {
      await out("run", "--rm", "-v", "/more", "filled", "touch", "/anon/x", "/more/y");
      assert.deepEqual(await volumes(), []);
      const first = await out("run", "-d", "-v", "named:/named", "filled", "true");
      await out("wait", first);
      assert.equal((await volumes()).length, 2);
      await out("rm", "-v", first);
      assert.deepEqual(await volumes(), ["named"]);
      const second = await out("create", "filled");
      await out("rm", second);
      const [anonymous] = (await volumes()).filter((name) => name !== "named");
      assert.match(anonymous ?? "", /^[0-9a-f]{64}$/);
      const pruned = await out("volume", "prune", "-f");
      assert.match(pruned, new RegExp(`^Deleted Volumes:\n${anonymous}\n\nTotal reclaimed space: `));
      assert.deepEqual(await volumes(), ["named"]);
      assert.match(await out("volume", "prune", "-af"), /Deleted Volumes:\nnamed\n/);
      assert.deepEqual(await volumes(), []);
    });

    it("shares volumes with --volumes-from, also read-only", async () => {
      const id = await out(
        "run",
        "-d",
        "-v",
        "shared:/s",
        "-v",
        "/anon2",
        "busybox",
        "sh",
        "-c",
        "echo s > /s/f; sleep 60",
      );
      await until(async () => (await call("exec", id, "cat", "/s/f")).code === 0, { what: "the file" });
      assert.equal(await sh("cat /s/f; test -d /anon2 && echo both", "--volumes-from", id), "s\nboth");
      assert.equal(await sh("touch /s/g || echo no", "--volumes-from", `${id}:ro`), "no");
      await out("rm", "-fv", id);
      await out("volume", "rm", "shared");
    });

    it("gives tmpfs by --tmpfs and --mount, which nothing outlives", async () => {
      const script =
        "df -k /t | tail -1 | awk '{print $1, $2}'; stat -c %a /t; touch /t/x; df -k /m | tail -1 | awk '{print $2}'";
      const text = await sh(
        script,
        ...["--tmpfs", "/t:size=1m,mode=700", "--mount", "type=tmpfs,dst=/m,tmpfs-size=2097152"],
      );
      assert.deepEqual(text.split("\n"), ["tmpfs 1024", "700", "2048"]);
    });

    it("shows mounts in inspect as docker does", async () => {
      const folder = hostFolder();
      const id = await out("create", "-v", `${folder}:/b:ro`, "-v", "shown:/v", "--tmpfs", "/t", "busybox");
      const mounts: Record<string, unknown>[] = JSON.parse(await out("inspect", "-f", "{{json .Mounts}}", id));
      const at = (target: string): Record<string, unknown> | undefined =>
        mounts.find(({ Destination }) => Destination === target);
      assert.deepEqual(at("/b"), {
        ...{ Type: "bind", Source: folder, Destination: "/b", Mode: "ro", RW: false, Propagation: "rprivate" },
      });
      assert.deepEqual(at("/v"), {
        ...{ Type: "volume", Name: "shown", Source: path.join(engine.dataRoot, "volumes/shown/_data") },
        ...{ Destination: "/v", Driver: "local", Mode: "z", RW: true, Propagation: "" },
      });
      assert.equal(await out("inspect", "-f", "{{json .HostConfig.Tmpfs}}", id), '{"/t":""}');
      await out("rm", id);
      await out("volume", "rm", "shown");
    });
  });
}

describe("redis with a volume", () => {
  before(async () => {
    const context = fs.mkdtempSync(path.join(engine.folder, "redis-"));
    for (const name of ["redis-server", "redis-cli"]) {
      const program = fs.realpathSync(`/usr/bin/${name}`);
      const libraries = [...execFileSync("ldd", [program], { encoding: "utf8" }).matchAll(/(\/\S+) \(0x/g)];
      for (const file of [program, ...libraries.map(([, file]) => file as string)]) {
        const copy = path.join(context, "root", file);
        fs.mkdirSync(path.dirname(copy), { recursive: true });
        fs.copyFileSync(file, copy);
      }
      fs.mkdirSync(path.join(context, "root/usr/bin"), { recursive: true });
      if (!fs.existsSync(path.join(context, "root/usr/bin", name)))
        fs.copyFileSync(program, path.join(context, "root/usr/bin", name));
    }
    fs.writeFileSync(
      path.join(context, "Dockerfile"),
      'FROM busybox\nCOPY root /\nVOLUME /data\nWORKDIR /data\nEXPOSE 6379\nCMD ["redis-server", "--appendonly", "yes", "--protected-mode", "no"]\n',
    );
    await engine.ok("build", "-t", "redis", context);
  });

  it("finds its data after its container, and after a crash of the engine", async () => {
    const start = (): Promise<string> => engine.ok("run", "-d", "--name", "store", "-v", "redis-data:/data", "redis");
    const cli = (...words: string[]): Promise<string> => engine.ok("exec", "store", "redis-cli", ...words);
    const ready = (): Promise<void> =>
      until(async () => (await engine.docker("exec", "store", "redis-cli", "ping")).stdout === "PONG\n", {
        what: "redis",
      });
    await start();
    await ready();
    assert.equal(await cli("set", "key", "outlives"), "OK");
    await engine.crash();
    await engine.up();
    assert.equal(await cli("get", "key"), "outlives");
    await engine.ok("stop", "store");
    assert.equal(await engine.ok("inspect", "-f", "{{.State.ExitCode}}", "store"), "0");
    await engine.ok("rm", "-v", "store");
    await start();
    await ready();
    assert.equal(await cli("get", "key"), "outlives");
    await engine.ok("rm", "-fv", "store");
    await engine.ok("volume", "rm", "redis-data");
  });
});
