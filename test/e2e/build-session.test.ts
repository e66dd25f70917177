import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { GANTRY, type Ran, run, TestEngine } from "../support/engine.ts";

const SECRET = "s3cr3t-of-this-test";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

function folder(files: Record<string, string | Buffer>): string {
  const made = fs.mkdtempSync(path.join(engine.folder, "context-"));
  for (const [name, content] of Object.entries(files)) fs.writeFileSync(path.join(made, name), content);
  return made;
}

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
