import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { after, afterEach, before, describe, it } from "node:test";
import { BuildWorld } from "./build-world.ts";

const short = (text: string): string => text.replaceAll(/\b[0-9a-f]{12}\b/g, "ID");

describe("docker build on real layers and crun", () => {
  let world: BuildWorld;
  before(async () => {
    world = await new BuildWorld().open();
  });
  after(() => world[Symbol.asyncDispose]());
  afterEach(() => assert.deepEqual(world.leftovers(), []));

  it("builds stages, runs commands, copies, and says it in Docker's words", async () => {
    const Dockerfile = [
      "FROM busybox AS build",
      "WORKDIR /src",
      "COPY . .",
      "RUN cat a.txt b/c.txt > /out && echo built",
      "FROM busybox",
      "ENV GREETING=hi",
      "COPY --from=build --chown=app:staff --chmod=640 /out /app/",
      "USER app",
      'CMD ["cat", "/app/out"]',
    ].join("\n");
    const built = await world.build({ Dockerfile, "a.txt": "A", "b/c.txt": "C" }, "-t", "hello");
    assert.equal(built.code, 0, built.err);
    assert.ok(
      short(built.out).includes("Step 4/9 : RUN cat a.txt b/c.txt > /out && echo built\n ---> Running in ID\nbuilt\n"),
      built.out,
    );
    assert.match(built.out, /Successfully built [0-9a-f]{12}\nSuccessfully tagged hello:latest\n$/);
    assert.equal(await world.read("hello", "/app/out"), "AC");
    const stat = await world.inImage("hello", (root) => fs.statSync(path.join(root, "app/out")));
    assert.deepEqual([stat.uid, stat.gid, stat.mode & 0o7777], [1000, 50, 0o640]);
    const inspected = await world.docker([
      "inspect",
      "-f",
      "{{.Config.User}} {{json .Config.Cmd}} {{.Config.Env}}",
      "hello",
    ]);
    assert.equal(inspected.out, 'app ["cat","/app/out"] [PATH=/bin GREETING=hi]\n');
    const history = await world.docker(["history", "--no-trunc", "--format", "{{.CreatedBy}}", "hello"]);
    assert.equal(history.out.split("\n")[0], '/bin/sh -c #(nop)  CMD ["cat" "/app/out"]');
  });

  it("leaves no trace of the runtime's mount points, and no layer where nothing changed", async () => {
    const built = await world.build({ Dockerfile: "FROM busybox\nRUN echo x > /made\nRUN true\n" }, "-t", "clean");
    assert.equal(built.code, 0, built.err);
    const names = await world.inImage("clean", (root) => [
      fs.readdirSync(root),
      fs.readdirSync(path.join(root, "etc")),
    ]);
    assert.deepEqual(names, [
      ["bin", "etc", "made", "root", "tmp"],
      ["group", "passwd"],
    ]);
  });

  it("a ten-step build that nothing changed in is the same image, mounts nothing and takes milliseconds", async () => {
    const steps = Array.from({ length: 9 }, (_, i) =>
      i % 3 === 0 ? `COPY f${i} /f${i}` : i % 3 === 1 ? `RUN echo ${i} > /r${i}` : `ENV E${i}=1`,
    );
    const files = { Dockerfile: ["FROM busybox", ...steps].join("\n"), f0: "0", f3: "3", f6: "6" };
    const first = await world.build(files, "-q", "-t", "ten");
    assert.match(first.out, /^sha256:[0-9a-f]{64}\n$/);
    world.mounts = 0;
    const began = performance.now();
    const again = await world.build(files, "-q", "-t", "ten");
    const took = performance.now() - began;
    assert.equal(again.out, first.out);
    assert.equal(world.mounts, 0);
    assert.ok(took < 2000, `took ${took} ms with the CLI's own start`);
    const changed = await world.build({ ...files, f6: "six" }, "-t", "ten");
    assert.equal(changed.out.match(/Using cache/g)?.length, 6, changed.out);
  });

  it("a failing RUN shows its output and its exit code, and nothing is tagged", async () => {
    const built = await world.build(
      { Dockerfile: "FROM busybox\nRUN echo before; cat /nope; exit 7\n" },
      "-t",
      "failed",
    );
    assert.equal(built.code, 7);
    assert.ok(built.out.includes("before\n"));
    assert.ok(built.out.includes("can't open '/nope'"), built.out);
    assert.equal(
      built.err.trim(),
      "The command '/bin/sh -c echo before; cat /nope; exit 7' returned a non-zero code: 7",
    );
    assert.equal((await world.docker(["inspect", "failed"])).code, 1);
  });

  it("a command that isn't there, and a user that isn't there, are named", async () => {
    const command = await world.build({ Dockerfile: 'FROM busybox\nRUN ["nope"]\n' });
    assert.equal(command.code, 1);
    assert.match(command.err, /"?nope"?: executable file not found in \$PATH/);
    const user = await world.build({ Dockerfile: "FROM busybox\nUSER ghost\nRUN id\n" });
    assert.equal(user.code, 1);
    assert.match(user.err, /unable to find user ghost/);
  });

  it("a typo shows the line, a caret and what was meant", async () => {
    const built = await world.build({ Dockerfile: "FROM busybox\nRUN true\nRUNN echo hi\n" });
    assert.equal(built.code, 1);
    assert.equal(
      built.err.trim(),
      [
        "Error response from daemon: dockerfile parse error line 3: unknown instruction: RUNN",
        "Dockerfile:3:1",
        " 3 | RUNN echo hi",
        "   | ^^^^ did you mean RUN?",
      ].join("\n"),
    );
  });

  it("what RUN deletes is gone, also of a layer below", async () => {
    const built = await world.build(
      { Dockerfile: "FROM busybox\nCOPY a /d/a\nRUN rm -r /d && mkdir /d && touch /d/b\n", a: "a" },
      "-t",
      "deleted",
    );
    assert.equal(built.code, 0, built.err);
    assert.deepEqual(await world.inImage("deleted", (root) => fs.readdirSync(path.join(root, "d"))), ["b"]);
  });

  it("ADD unpacks local archives and fetches URLs; FROM scratch takes them", async () => {
    const context = world.context({ Dockerfile: "FROM scratch\nADD root.tar.xz /\nADD plain.gz /plain.gz\n" });
    const tree = world.sub("tree");
    fs.mkdirSync(path.join(tree, "usr/lib"), { recursive: true });
    fs.writeFileSync(path.join(tree, "usr/lib/x"), "X");
    fs.symlinkSync("usr/lib", path.join(tree, "lib"));
    fs.chownSync(path.join(tree, "usr/lib/x"), 5, 6);
    execFileSync("tar", ["-cJf", path.join(context, "root.tar.xz"), "--numeric-owner", "-C", tree, "."]);
    fs.writeFileSync(path.join(context, "plain"), "no tar");
    execFileSync("gzip", [path.join(context, "plain")]);
    const built = await world.docker(["build", "-t", "added", context]);
    assert.equal(built.code, 0, built.err);
    assert.equal(await world.read("added", "/lib/x"), "X");
    assert.equal((await world.inImage("added", (root) => fs.statSync(path.join(root, "usr/lib/x")))).uid, 5);
    assert.equal(await world.inImage("added", (root) => fs.readFileSync(path.join(root, "plain.gz"))[0]), 0x1f);
    const server = http.createServer((_, response) => response.end("fetched")).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/dir/file.txt`;
      const fetched = await world.build({ Dockerfile: `FROM busybox\nADD ${url} /got/\n` }, "-t", "fetched");
      assert.equal(fetched.code, 0, fetched.err);
      assert.equal(await world.read("fetched", "/got/file.txt"), "fetched");
    } finally {
      server.close();
    }
  });

  it("cache mounts last, bind mounts show the context, tmpfs and here-document scripts work", async () => {
    const Dockerfile = (note: string): string =>
      [
        "FROM busybox",
        `ENV NOTE=${note}`,
        "RUN --mount=type=cache,target=/var/cache/x echo $NOTE >> /var/cache/x/log; cat /var/cache/x/log > /log",
        "RUN --mount=target=/ctx --mount=type=tmpfs,target=/scratch cat /ctx/a.txt > /a && touch /scratch/gone",
        "RUN <<EOF",
        "#!/bin/sh",
        "echo from a script > /script",
        "EOF",
        "RUN <<EOF",
        "echo one > /lines",
        "echo two >> /lines",
        "EOF",
        "COPY <<-EOF /text",
        "\tnote $NOTE",
        "EOF",
      ].join("\n");
    for (const note of ["first", "second"]) {
      const built = await world.build({ Dockerfile: Dockerfile(note), "a.txt": "A" }, "-t", "mounted");
      assert.equal(built.code, 0, built.err + built.out);
    }
    assert.equal(await world.read("mounted", "/log"), "first\nsecond\n");
    assert.equal(await world.read("mounted", "/a"), "A");
    assert.equal(await world.read("mounted", "/script"), "from a script\n");
    assert.equal(await world.read("mounted", "/lines"), "one\ntwo\n");
    assert.equal(await world.read("mounted", "/text"), "note second\n");
    const names = await world.inImage("mounted", (root) => fs.readdirSync(root));
    assert.deepEqual(names, ["a", "bin", "etc", "lines", "log", "root", "script", "text", "tmp"]);
  });

  it("options: -f, --build-arg, --label, --target, --no-cache, a context from stdin", async () => {
    const Dockerfile =
      "ARG BASE=nope\nFROM ${BASE} AS one\nARG WHO=nobody\nRUN echo $WHO > /who\nFROM one AS two\nRUN exit 1\n";
    const context = world.context({ "docker/Other": Dockerfile });
    const argv = [
      "build",
      "-t",
      "options",
      "-f",
      `${context}/docker/Other`,
      "--build-arg",
      "BASE=busybox",
      "--build-arg",
      "WHO=me",
      "--label",
      "a=b c",
      "--target",
      "one",
    ];
    const built = await world.docker([...argv, context]);
    assert.equal(built.code, 0, built.err);
    assert.equal(await world.read("options", "/who"), "me\n");
    assert.equal((await world.docker(["inspect", "-f", "{{.Config.Labels.a}}", "options"])).out, "b c\n");
    assert.equal((await world.docker([...argv, "--no-cache", context])).out.includes("Using cache"), false);
    const stdin = await world.docker(["build", "-t", "stdin", "-"], {
      input: Buffer.from("FROM busybox\nLABEL from=stdin\n"),
    });
    assert.equal(stdin.code, 0, stdin.err);
    const tar = execFileSync("tar", [
      "-cz",
      "-C",
      world.context({ Dockerfile: "FROM busybox\nCOPY x /x\n", x: "tar" }),
      ".",
    ]);
    assert.equal((await world.docker(["build", "-t", "tarred", "-"], { input: tar })).code, 0);
    assert.equal(await world.read("tarred", "/x"), "tar");
    const broken = await world.docker(["build", "-"], {
      input: Buffer.concat([tar.subarray(0, 40), Buffer.alloc(600, 7)]),
    });
    assert.equal(broken.code, 1);
  });

  it("the context cannot reach out of itself", async () => {
    const context = world.context({ Dockerfile: "FROM busybox\nCOPY link/shadow /x\n" });
    fs.symlinkSync("/etc", path.join(context, "link"));
    const built = await world.docker(["build", context]);
    assert.equal(built.code, 1);
    assert.match(built.err, /COPY failed: .*stat link\/shadow: file does not exist/);
    const up = await world.build({ Dockerfile: "FROM busybox\nCOPY ../../etc/passwd /x\n" });
    assert.match(up.err, /file not found in build context/);
  });

  it("a client that goes away ends the build; nothing of it stays", async () => {
    const command = `sleep ${100_000 + process.pid}`;
    const context = world.context({ Dockerfile: `FROM busybox\nRUN echo started; ${command}\n` });
    const began = Date.now();
    await world.docker(["build", context], { killAfter: /^started/m });
    while (world.leftovers().length > 0 && Date.now() - began < 10_000) await pause(20);
    assert.deepEqual(world.leftovers(), []);
    assert.equal(
      execFileSync("sh", ["-c", `pgrep -f '[s]${command.slice(1)}' | wc -l`], { encoding: "utf8" }).trim(),
      "0",
    );
  });

  it("builder prune keeps the newest steps up to so many bytes", async () => {
    await world.docker(["builder", "prune", "-af"]);
    const big = (name: string): string => `FROM busybox\nRUN head -c 300000 /dev/urandom > /${name}\n`;
    await world.build({ Dockerfile: big("old") }, "-t", "old");
    await world.build({ Dockerfile: big("new") }, "-t", "new");
    await world.docker(["rmi", "old", "new"]);
    await world.docker(["builder", "prune", "-f", "--keep-storage", "10mb"]);
    const large = async (): Promise<string[]> =>
      (await world.builder.cacheItems()).filter(({ bytes }) => bytes >= 300_000).map(({ id }) => id);
    assert.equal((await large()).length, 2);
    await world.docker(["builder", "prune", "-f", "--keep-storage", "400kb"]);
    const left = await large();
    assert.equal(left.length, 1);
    await world.build({ Dockerfile: big("new") }, "-t", "new");
    assert.deepEqual(await large(), left);
    await world.docker(["rmi", "new"]);
  });

  it("builder prune forgets steps and frees what no image needs", async () => {
    await world.build({ Dockerfile: "FROM busybox\nRUN echo big > /only-cache\n" }, "-t", "pruned");
    const chain = world.images.resolve("pruned").chain.at(-1) ?? "";
    await world.docker(["rmi", "pruned"]);
    assert.ok(world.layerWorld.store.get(chain), "the cache keeps the layer");
    const pruned = await world.docker(["builder", "prune", "-af"]);
    assert.equal(pruned.code, 0, pruned.err);
    assert.match(pruned.out, /Total reclaimed space: /);
    assert.equal(world.layerWorld.store.get(chain), undefined);
  });
});
