import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { GANTRY, type Ran, run, TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

const SECRET = "s3cr3t-of-this-test";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

const folder = (files: Record<string, string | Buffer>): string => engine.project(files);

const build = (dockerfile: string, flags: string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> =>
  run(GANTRY, ["build", "--no-cache", "-t", "built", ...flags, folder({ Dockerfile: dockerfile })], {
    env: { ...engine.env, ...env },
  });

/** Whether any file below the engine's roots holds the text. */
const kept = (text: string): boolean => {
  try {
    execFileSync("grep", ["-rqa", "-e", text, engine.dataRoot, engine.execRoot, path.join(engine.folder, "log")]);
    return true;
  } catch {
    return false;
  }
};

describe("a secret", () => {
  const file = (): string => path.join(folder({ token: SECRET }), "token");

  it("is a file of the step alone, for its user", async () => {
    const ran = await build(
      [
        "FROM busybox",
        "RUN --mount=type=secret,id=token test $(stat -c '%a %u' /run/secrets/token | tr -d ' ') = 4000 && wc -c </run/secrets/token >/size",
        "RUN --mount=type=secret,id=token,target=/t,uid=7,gid=8,mode=0440 test $(stat -c %a:%u:%g /t) = 440:7:8",
        "RUN ! test -e /run/secrets/token && ! test -e /t && cat /size",
      ].join("\n"),
      ["--secret", `id=token,src=${file()}`],
    );
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
    assert.ok(ran.stdout.includes(String(SECRET.length)), ran.stdout);
    assert.equal(kept(SECRET), false, "the secret is on the disk");
    assert.match(await engine.ok("history", "--no-trunc", "built"), /type=secret|wc -c/);
  });

  it("comes as a variable where the step asks for one", async () => {
    const dockerfile =
      'FROM busybox\nRUN --mount=type=secret,id=T,env=TOKEN test "$TOKEN" = "$(printf s3cr3t)-of-this-test"';
    const ran = await build(dockerfile, ["--secret", "id=T,env=MINE"], { MINE: SECRET });
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
    assert.equal(kept(SECRET), false, "the secret is on the disk");
    assert.doesNotMatch(await engine.ok("inspect", "built"), new RegExp(SECRET));
  });

  it("does not count for the cache", async () => {
    const context = folder({
      Dockerfile: "FROM busybox\nRUN --mount=type=secret,id=token cat /run/secrets/token | md5sum",
    });
    const again = (text: string): Promise<Ran> =>
      run(GANTRY, ["build", "--secret", `id=token,src=${path.join(folder({ token: text }), "token")}`, context], {
        env: engine.env,
      });
    assert.equal((await again("one")).code, 0);
    assert.match((await again("two")).stdout, /Using cache|CACHED/);
  });

  it("is left out when it was not given, and refused when it is required", async () => {
    assert.equal((await build("FROM busybox\nRUN --mount=type=secret,id=no ! test -e /run/secrets/no", [])).code, 0);
    const ran = await build("FROM busybox\nRUN --mount=type=secret,id=no,required true", [
      "--secret",
      `id=other,src=${file()}`,
    ]);
    assert.equal(ran.code, 1);
    assert.match(ran.stderr + ran.stdout, /secret no: not found/);
  });

  it("that can't be read ends the build before it begins", async () => {
    const ran = await build("FROM busybox", ["--secret", "id=token,src=/nowhere/token"]);
    assert.notEqual(ran.code, 0);
    assert.match(ran.stderr, /open \/nowhere\/token: no such file or directory/);
  });
});

describe("an ssh agent", () => {
  const key = (): string => {
    const name = path.join(folder({}), "key");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "of-this-test", "-f", name]);
    return name;
  };
  /** An image with this machine's ssh-add. */
  before(async () => {
    const libraries = execFileSync("ldd", ["/usr/bin/ssh-add"], { encoding: "utf8" }).match(/\/\S+/g) ?? [];
    const context = folder({ Dockerfile: "FROM busybox\nCOPY . /\n" });
    execFileSync("cp", ["-L", "--parents", "/usr/bin/ssh-add", ...libraries, context]);
    await engine.ok("build", "-t", "with-ssh-add", context);
  });

  it("made of a key answers in the step", async () => {
    const ran = await build("FROM with-ssh-add\nRUN --mount=type=ssh ssh-add -l", ["--ssh", `default=${key()}`]);
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
    assert.match(ran.stdout, /of-this-test/);
  });

  it("takes no orders from a step", async () => {
    const ran = await build("FROM with-ssh-add\nRUN --mount=type=ssh ! ssh-add -D && ssh-add -l", [
      ...["--ssh", `default=${key()}`],
    ]);
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
    assert.match(ran.stdout, /refused operation|Failed to remove/i);
    assert.match(ran.stdout, /of-this-test/);
  });

  it("that nobody forwards is refused when it is required", async () => {
    const ran = await build("FROM busybox\nRUN --mount=type=ssh,required true", []);
    assert.equal(ran.code, 1);
    assert.match(ran.stderr + ran.stdout, /no agent was forwarded/);
  });
});

describe("the context", () => {
  const again = (context: string, ...flags: string[]): Promise<Ran> =>
    run(GANTRY, ["build", "-t", "built", ...flags, context], { env: engine.env });
  const sent = (ran: Ran): string => /^Sent build context: (\S+)$/m.exec(ran.stdout)?.[1] ?? ran.stdout + ran.stderr;
  const says = (...args: string[]): Promise<string> => engine.ok("run", "--rm", "built", ...args);
  /** Times of files lie back so far that a second change shows in them. */
  const settle = async (context: string): Promise<void> => {
    const newest = Math.max(
      ...fs.readdirSync(context, { recursive: true }).map((n) => fs.lstatSync(path.join(context, String(n))).ctimeMs),
    );
    await until(() => Date.now() > newest + 150, { what: "the clock to go on" });
  };

  it("goes over as a difference to the last one", async () => {
    const context = folder({ Dockerfile: "FROM busybox\nCOPY . /c/\n", big: Buffer.alloc(3e6, 1), small: "one" });
    fs.mkdirSync(path.join(context, "sub/deep"), { recursive: true });
    fs.writeFileSync(path.join(context, "sub/deep/file"), "deep");
    fs.symlinkSync("/etc/passwd", path.join(context, "link"));
    fs.linkSync(path.join(context, "small"), path.join(context, "twin"));
    await settle(context);
    const first = await again(context);
    assert.equal(first.code, 0, first.stderr + first.stdout);
    assert.match(sent(first), /^3\.\d+MB$/);
    await settle(context);
    fs.writeFileSync(path.join(context, "sub/deep/file"), "changed");
    fs.rmSync(path.join(context, "link"));
    fs.mkdirSync(path.join(context, "link"));
    fs.writeFileSync(path.join(context, "link/passwd"), "inside");
    fs.renameSync(path.join(context, "twin"), path.join(context, "brother"));
    const second = await again(context);
    assert.equal(second.code, 0, second.stderr + second.stdout);
    assert.match(sent(second), /^\d+(\.\d+)?kB$/);
    const files = (
      await says("sh", "-c", "cd /c; cat sub/deep/file link/passwd brother small; ls; stat -c %s big")
    ).split(/\s+/);
    assert.deepEqual(files, [
      ...["changedinsideoneoneDockerfile", "big", "brother", "link", "small", "sub", "3000000"],
    ]);
    const third = await again(context);
    assert.match(third.stdout, /Using cache|CACHED/);
  });

  it("gives the same image as one that came whole", async () => {
    const context = folder({
      Dockerfile: "FROM busybox\nCOPY . /c/\n",
      ".dockerignore": "Dockerfile\n*.log\n",
      a: "a",
      "b.log": "b",
    });
    await settle(context);
    assert.equal((await again(context)).code, 0);
    fs.writeFileSync(path.join(context, "a"), "b");
    const difference = await again(context);
    assert.match(difference.stdout, /COPY/);
    const whole = await again(context, "--compress");
    assert.match(whole.stdout, /Using cache|CACHED/);
    assert.equal(await says("sh", "-c", "ls -A /c; cat /c/a"), ".dockerignore\na\nb");
    assert.equal((await again(context)).code, 0);
  });

  it("is sent whole again after a transfer that was cut short", async () => {
    const context = folder({ Dockerfile: "FROM busybox\nCOPY . /c/\n", one: "1" });
    await settle(context);
    assert.equal((await again(context)).code, 0);
    for (const kept of fs.readdirSync(path.join(engine.dataRoot, "build/contexts"))) {
      fs.rmSync(path.join(engine.dataRoot, "build/contexts", kept, "manifest.json"));
    }
    assert.equal((await again(context, "--no-cache")).code, 0);
    assert.equal(await says("cat", "/c/one"), "1");
  });

  it("of another name is a folder or an image", async () => {
    const beside = folder({ file: "beside", "skip.log": "no", ".dockerignore": "*.log" });
    const context = folder({
      Dockerfile: "FROM base\nCOPY --from=beside . /b/\nRUN --mount=type=bind,from=beside,target=/m cat /m/file >/f\n",
    });
    const named = ["--build-context", `beside=${beside}`, "--build-context", "base=docker-image://busybox"];
    const ran = await again(context, ...named);
    assert.equal(ran.code, 0, ran.stderr + ran.stdout);
    assert.equal(await says("sh", "-c", "ls /b; cat /b/file /f"), "file\nbesidebeside");
    const folderAsBase = await again(
      context,
      "--build-context",
      `base=${beside}`,
      "--build-context",
      `beside=${beside}`,
    );
    assert.match(folderAsBase.stderr, /is a folder, not an image/);
  });

  it("of two builds at once is not mixed", async () => {
    const context = folder({ Dockerfile: "FROM busybox\nARG N\nRUN echo $N && sleep 0.3\nCOPY . /c/\n", f: "f" });
    const both = await Promise.all(["1", "2"].map((n) => again(context, "--build-arg", `N=${n}`)));
    for (const ran of both) assert.equal(ran.code, 0, ran.stderr + ran.stdout);
  });
});
