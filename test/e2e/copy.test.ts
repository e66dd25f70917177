import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { GANTRY, type Ran, run, TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

let engine: TestEngine;
let work: string;

before(async () => {
  engine = await TestEngine.start();
  work = path.join(engine.folder, "work");
  fs.mkdirSync(path.join(work, "h/sub"), { recursive: true });
  fs.writeFileSync(path.join(work, "h/f"), "h1\n", { mode: 0o640 });
  fs.writeFileSync(path.join(work, "h/sub/g"), "h2\n");
  fs.symlinkSync("f", path.join(work, "h/l"));
  fs.writeFileSync(path.join(work, "file"), "plain\n");
  fs.symlinkSync("file", path.join(work, "fl"));
  fs.symlinkSync("nope", path.join(work, "broken"));
  await engine.ok("volume", "create", "vol");
  const script = [
    "mkdir -p /d/sub /e; echo one >/d/one; echo dot >/d/.dot; ln -s one /d/l; ln -s /d /dl; ln -s nowhere /dangling",
    "mkfifo /d/sub/fifo; chmod 750 /d/sub; chown 5:6 /d/one; ln /d/one /d/hard; echo v >/vol/f; echo t >/t/f; touch /up",
    "sleep 1000",
  ].join("; ");
  await engine.ok("run", "-d", "--name", "box", "-v", "vol:/vol", "--tmpfs", "/t", "busybox", "sh", "-c", script);
  await until(async () => (await engine.docker("exec", "box", "test", "-e", "/up")).code === 0, { what: "its files" });
});
after(() => engine.end());

const stat = async (name: string, target: string): Promise<Record<string, unknown> | number> => {
  const { status, headers } = await engine.get(
    `/v1.47/containers/${name}/archive?path=${encodeURIComponent(target)}`,
    "HEAD",
  );
  const header = headers["x-docker-container-path-stat"];
  return status === 200 ? JSON.parse(Buffer.from(String(header), "base64").toString()) : status;
};

describe("the archive API", () => {
  it("tells what stands at a path", async () => {
    const { mtime, ...link } = (await stat("box", "/d/l")) as { mtime: string };
    assert.deepEqual(link, { name: "l", size: 3, mode: 134218239, linkTarget: "/d/one" });
    assert.ok(Date.parse(mtime) > Date.now() - 3_600_000);
    const short = async (target: string): Promise<unknown> => {
      const found = await stat("box", target);
      return typeof found === "number" ? found : [found["name"], Number(found["mode"]) >= 2 ** 31, found["linkTarget"]];
    };
    assert.deepEqual(await short("/dl"), ["dl", false, "/d"]);
    assert.deepEqual(await short("/dl/"), ["dl", true, ""]);
    assert.deepEqual(await short("/dl/."), [".", true, ""]);
    assert.deepEqual(await short("/dangling"), ["dangling", false, "/nowhere"]);
    assert.deepEqual(await short("../../d/one"), ["one", false, ""]);
    assert.deepEqual(await short("/"), ["/", true, ""]);
    assert.deepEqual(await short("/vol/f"), ["f", false, ""]);
    assert.deepEqual(await short("/t/f"), ["f", false, ""]);
    assert.deepEqual(await short("/dangling/"), 404);
    assert.deepEqual(await short("/nope"), 404);
    assert.deepEqual(await short("/proc/1"), 404);
    assert.deepEqual(await short("/d/one/"), 400);
    assert.deepEqual(await short(""), 400);
    assert.equal(await stat("nosuch", "/"), 404);
  });

  const names = async (target: string): Promise<string[]> => {
    const tar = path.join(work, "out.tar");
    const got = await run("curl", [
      ...["-s", "--unix-socket", engine.socket, "-o", tar],
      `http://x/v1.41/containers/box/archive?path=${target}`,
    ]);
    assert.equal(got.code, 0);
    return (await run("tar", ["-tPf", tar])).stdout.trim().split("\n");
  };

  it("names a tar's entries after the path that was asked for", async () => {
    const inside = [".dot", "hard", "l", "one", "sub/", "sub/fifo"];
    const below = (top: string): string[] => [top, ...inside.map((name) => `${top}${name}`)];
    assert.deepEqual(await names("/d"), below("d/"));
    assert.deepEqual(await names("/d/"), below("d/"));
    assert.deepEqual(await names("/d/."), below("./"));
    assert.deepEqual(await names("/dl"), ["dl"]);
    assert.deepEqual(await names("/dl/"), below("dl/"));
    assert.deepEqual(await names("/dl/one"), ["one"]);
    assert.deepEqual(await names("/d/sub/fifo"), ["fifo"]);
    const whole = await names("/");
    assert.deepEqual(whole.slice(0, 2), ["/", "/.dockerenv"]);
    for (const name of ["/vol/f", "/t/f", "/d/one", "/etc/hosts", "/proc/", "/sys/", "/dev/"])
      assert.ok(whole.includes(name), name);
    assert.deepEqual(
      whole.filter((name) => /^\/(proc|sys|dev)\/./.test(name)),
      [],
    );
  });

  it("says in Docker's words what is wrong", async () => {
    const words = async (method: string, target: string, name = "box"): Promise<[number, string]> => {
      const url = `/v1.47/containers/${name}/archive?path=${target}`;
      const { status, text } = await engine.get(url, method, method === "PUT" ? Buffer.alloc(1024) : undefined);
      return [status, JSON.parse(text).message];
    };
    assert.deepEqual(await words("GET", "/nope"), [404, "Could not find the file /nope in container box"]);
    assert.deepEqual(await words("PUT", "/dangling"), [404, "Could not find the file /dangling in container box"]);
    assert.deepEqual(await words("PUT", "/d/one"), [400, "extraction point is not a directory"]);
    assert.deepEqual(await words("GET", "/", "nosuch"), [404, "No such container: nosuch"]);
    const id = await engine.ok("create", "--read-only", "-v", "vol:/ro:ro", "-v", "vol:/rw", "busybox");
    assert.deepEqual(await words("PUT", "/tmp", id), [403, "container rootfs is marked read-only"]);
    assert.deepEqual(await words("PUT", "/ro", id), [403, "mounted volume is marked read-only"]);
    assert.equal((await engine.get(`/containers/${id}/archive?path=/rw`, "PUT", Buffer.alloc(1024))).status, 200);
    await engine.ok("rm", id);
  });
});

for (const [client, file] of [
  ["docker", "docker"],
  ["gantry", GANTRY],
] as const) {
  describe(`cp through ${client}`, () => {
    const call = (...args: string[]): Promise<Ran> => run(file, args, { env: engine.env, cwd: work });
    const ok = async (...args: string[]): Promise<string> => {
      const ran = await call(...args);
      assert.equal(ran.code, 0, `${args.join(" ")}: ${ran.stderr}`);
      return ran.stdout.trim();
    };
    const fails = async (pattern: RegExp, ...args: string[]): Promise<void> => {
      const ran = await call(...args);
      assert.notEqual(ran.code, 0, args.join(" "));
      assert.match(ran.stderr, pattern, args.join(" "));
    };
    const sh = (script: string): Promise<string> => engine.ok("exec", "box", "sh", "-c", script);

    /** An empty folder here. */
    const target = (): string => {
      fs.rmSync(path.join(work, "o"), { recursive: true, force: true });
      fs.mkdirSync(path.join(work, "o"));
      return "o";
    };
    const list = async (): Promise<string[]> => {
      const { stdout } = await run("find", ["o", "-mindepth", "1", "-not", "-name", "fifo", "-printf", "%P%y%l\n"], {
        cwd: work,
      });
      return stdout.trim().split("\n").toSorted();
    };
    const inside = [".dotf", "hardf", "llone", "onef", "subd"];
    const below = (top: string): string[] => [`${top}d`, ...inside.map((name) => `${top}/${name}`)];

    it("brings files, folders and links from a container to where cp -a would", async () => {
      const lands = async (expected: string[], ...args: string[]): Promise<void> => {
        target();
        await ok("cp", ...args);
        assert.deepEqual(await list(), expected.toSorted(), args.join(" "));
      };
      await lands(below("d"), "box:/d", "o");
      await lands(below("new"), "box:/d", "o/new");
      await lands(inside, "box:/d/.", "o");
      await lands(below("new"), "box:/d/.", "o/new");
      await lands(["onef"], "box:d/one", "o/");
      await lands(["xf"], "box:/d/one", "o/x");
      await lands(["llone"], "box:/d/l", "o");
      await lands(["lf"], "-L", "box:/d/l", "o");
      await lands(["dll/d"], "box:/dl", "o");
      await lands(below("dl"), "box:/dl/", "o");
      await lands(["ff"], "box:/t/f", "o");
      assert.equal(fs.readFileSync(path.join(work, "o/f"), "utf8"), "t\n");
      target();
      fs.symlinkSync("missing", path.join(work, "o/ln"));
      await ok("cp", "box:/d/one", "o/ln");
      assert.equal(fs.readFileSync(path.join(work, "o/missing"), "utf8"), "one\n");
    });

    it("brings files, folders and links into a container to where cp -a would", async () => {
      const lands = async (expected: string, before: string, ...args: string[]): Promise<void> => {
        await sh(`rm -rf /o; mkdir /o; cd /o; ${before || ":"}`);
        await ok("cp", ...args);
        assert.equal((await sh("cd /o; find . -mindepth 1 | sort")).replaceAll("\n", " "), expected, args.join(" "));
      };
      await lands("./file", "", "file", "box:/o");
      await lands("./x", "", "file", "box:o/x");
      await lands("./h ./h/f ./h/l ./h/sub ./h/sub/g", "", "h", "box:/o/");
      await lands("./f ./l ./sub ./sub/g", "", "h/.", "box:/o");
      await lands("./new ./new/f ./new/l ./new/sub ./new/sub/g", "", "h", "box:/o/new");
      await lands("./fl", "", "fl", "box:/o");
      assert.equal(await sh("readlink /o/fl"), "file");
      await lands("./fl", "", "-L", "fl", "box:/o");
      assert.equal(await sh("cat /o/fl"), "plain");
      await lands("./ln ./real ./real/file", "mkdir real; ln -s /o/real ln", "file", "box:/o/ln");
      await lands("./ln ./real", "ln -s real ln", "file", "box:/o/ln");
      assert.equal(await sh("cat /o/real; stat -c %F /o/ln"), "plain\nsymbolic link");
      await ok("cp", "file", "box:/vol/from-outside");
      assert.equal(await sh("cat /vol/from-outside"), "plain");
      await ok("cp", "file", "box:/t/from-outside");
      assert.equal(await sh("cat /t/from-outside"), "plain");
    });

    it("keeps owners and modes", async () => {
      fs.chownSync(path.join(work, "h/f"), 1234, 567);
      await ok("cp", "h/f", "box:/e/kept");
      assert.equal(await sh("stat -c '%u:%g %a' /e/kept"), "1234:567 640");
      const id = await engine.ok("create", "-u", "77:88", "busybox");
      await ok("cp", "-a", "h/f", `${id}:/theirs`);
      await ok("cp", `${id}:/theirs`, "-").then((tar) => assert.equal(tar.slice(0, 6), "theirs"));
      const { stdout } = await run("sh", ["-c", `"${file}" cp ${id}:/theirs - | tar -tv --numeric-owner`], {
        env: engine.env,
      });
      assert.match(stdout, /^-rw-r----- 77\/88 .* theirs\n$/);
      await engine.ok("rm", id);
    });

    it("refuses what cannot be, in clear words", async () => {
      await fails(/Could not find the file \/nope in container box/, "cp", "box:/nope", "o");
      await fails(/No such container: nosuch/, "cp", "nosuch:/d", "o");
      await fails(/No such container: nosuch/, "cp", "file", "nosuch:/x");
      await fails(/no such directory/, "cp", "file", "box:/nope/");
      await fails(/Could not find the file \/nope in container box/, "cp", "file", "box:/nope/x");
      await fails(/cannot copy directory/, "cp", "h", "box:/d/one");
      await fails(/copying between containers is not supported/, "cp", "box:/d", "box:/e");
      await fails(/lstat .*nofile: no such file or directory/, "cp", "nofile", "box:/");
      await fails(/must be a directory/, "cp", "-", "box:/d/one");
      await fails(/\/etc\/hosts: device or resource busy/, "cp", "file", "box:/etc/hosts");
      await sh("rm -rf /o; mkdir -p /o/file; touch /o/h");
      await fails(/cannot overwrite directory "\/o\/file" with non-directory/, "cp", "file", "box:/o");
      await fails(/cannot overwrite non-directory "\/o\/h" with directory/, "cp", "h", "box:/o");
    });

    it("reads and writes tars by -", async () => {
      await sh("rm -rf /o; mkdir /o");
      const pipe = await run("sh", ["-c", `tar cz h | "${file}" cp - box:/o && "${file}" cp box:/o/h - | tar t`], {
        env: engine.env,
        cwd: work,
      });
      assert.equal(pipe.stdout, "h/\nh/f\nh/l\nh/sub/\nh/sub/g\n", pipe.stderr);
    });

    it("copies from and to paused, stopped and never started containers, whose volumes show", async () => {
      await engine.ok("pause", "box");
      await ok("cp", "file", "box:/e/paused");
      assert.match(await ok("cp", "box:/e/paused", "-"), /plain/);
      await engine.ok("unpause", "box");
      const id = await engine.ok("create", "-v", "vol:/vol", "-v", "/fresh", "busybox", "cat", "/vol/x", "/fresh/y");
      assert.match(await ok("cp", `${id}:/vol/f`, "-"), /v\n/);
      await ok("cp", "file", `${id}:/vol/x`);
      await ok("cp", "h/f", `${id}:/fresh/y`);
      assert.equal(await engine.ok("start", "-a", id), "plain\nh1");
      assert.match(await ok("cp", `${id}:/etc/hostname`, "-"), new RegExp(id.slice(0, 12)));
      await until(() => !fs.readFileSync("/proc/self/mounts", "utf8").includes(id), {
        what: "its root to be unmounted",
      });
      await engine.ok("rm", "-v", id);
    });
  });
}

describe("copies", () => {
  it("of much stream, byte for byte, while the engine answers others", async () => {
    const bytes = randomBytes(64 << 20);
    fs.writeFileSync(path.join(work, "big"), bytes);
    let slowest = 0;
    const over = new AbortController();
    const watching = (async () => {
      while (!over.signal.aborted) {
        const began = performance.now();
        await engine.get("/_ping");
        slowest = Math.max(slowest, performance.now() - began);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await engine.ok("cp", path.join(work, "big"), "box:/big");
    const tar = await run("sh", ["-c", "docker cp box:/big - | tar xO | sha256sum"], { env: engine.env });
    await engine.ok("commit", "box", "heavy");
    over.abort();
    await watching;
    assert.equal(tar.stdout.slice(0, 64), createHash("sha256").update(bytes).digest("hex"));
    assert.ok(slowest < 1000, `a ping took ${slowest} ms`);
    await engine.ok("rmi", "heavy");
    await engine.ok("exec", "box", "rm", "/big");
  });

  for (const file of ["docker", GANTRY]) {
    it(`end with Ctrl-C of ${path.basename(file)}, here and in the engine`, async () => {
      const id = await engine.ok("create", "busybox");
      await engine.ok("cp", path.join(work, "big"), `${id}:/big`);
      const client = spawn(file, ["cp", `${id}:/big`, "-"], { env: engine.env, stdio: ["ignore", "pipe", "inherit"] });
      await once(client.stdout, "readable");
      client.kill("SIGINT");
      client.stdout.destroy(); // docker looks at its signals between two writes
      const [code] = await once(client, "exit");
      if (file !== "docker") assert.notEqual(code, 0); // docker sometimes takes its end for a good one
      await until(() => !fs.readFileSync("/proc/self/mounts", "utf8").includes(id), { what: "the copy's end" });
      await engine.ok("rm", id);
    });
  }

  it("tell of themselves by events, and pause for a commit alone", async () => {
    const since = (Date.now() / 1000 - 0.001).toFixed(3);
    await engine.ok("cp", path.join(work, "file"), "box:/e/event");
    await engine.ok("cp", "box:/e/event", path.join(work, "event"));
    await engine.ok("export", "-o", path.join(work, "event.tar"), "box");
    await engine.ok("commit", "box", "event");
    await engine.ok("commit", "--pause=false", "box");
    const until = (Date.now() / 1000).toFixed(3);
    const all = await engine.ok(
      ...["events", "--since", since, "--until", until, "--filter", "container=box", "--format", "{{.Action}}"],
    );
    assert.deepEqual(all.split("\n"), [
      ...["extract-to-dir", "archive-path", "export", "pause", "unpause", "commit", "commit"],
    ]);
    await engine.ok("rmi", "event");
  });
});
