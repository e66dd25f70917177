import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { GANTRY, type Ran, run, TestEngine } from "../support/engine.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

const place = (): string => fs.mkdtempSync(path.join(engine.folder, "place-"));

const folder = (files: Record<string, string | Buffer>): string => engine.project(files);

const build = (context: string, ...flags: string[]): Promise<Ran> =>
  run(GANTRY, ["build", ...flags, context], { env: engine.env });

const done = (ran: Ran): Ran => {
  assert.equal(ran.code, 0, ran.stderr + ran.stdout);
  return ran;
};

const DOCKERFILE = [
  "FROM busybox AS work",
  "RUN mkdir /made && echo hello >/made/file && ln -s file /made/link && chmod 750 /made && chown 7:8 /made/file",
  "FROM scratch",
  "COPY --from=work /made /out",
  "ENV A=b",
].join("\n");

const images = (): Promise<string> => engine.ok("images", "-q", "--no-trunc");

describe("gantry build --output", () => {
  it("local: the files of the last stage, and no image", async () => {
    const before = await images();
    const target = path.join(place(), "new/folder");
    done(await build(folder({ Dockerfile: DOCKERFILE }), "-o", target));
    assert.equal(fs.readFileSync(path.join(target, "out/file"), "utf8"), "hello\n");
    assert.equal(fs.readlinkSync(path.join(target, "out/link")), "file");
    assert.equal(fs.statSync(path.join(target, "out/file")).uid, 7);
    assert.equal(await images(), before);
  });

  it("tar: into a file, or to stdout with all words on stderr", async () => {
    const file = path.join(place(), "out.tar");
    const context = folder({ Dockerfile: DOCKERFILE });
    done(await build(context, "--output", `type=tar,dest=${file}`));
    const listed = execFileSync("tar", ["tf", file], { encoding: "utf8" });
    assert.match(listed, /^out\/$/m);
    const ran = done(await build(context, "-o", "-"));
    assert.deepEqual(Buffer.from(ran.stdout, "latin1"), fs.readFileSync(file));
    assert.match(ran.stderr, /COPY --from=work/);
  });

  it("oci and docker: an archive under the build's names, which can be loaded and copied", async () => {
    const file = path.join(place(), "image.tar");
    const context = folder({ Dockerfile: DOCKERFILE });
    done(await build(context, "-t", "archived:1", "-o", `type=oci,dest=${file}`));
    assert.doesNotMatch(await engine.ok("images"), /archived/);
    const entries = execFileSync("tar", ["tf", file], { encoding: "utf8" });
    for (const name of ["oci-layout", "index.json", "manifest.json"])
      assert.match(entries, new RegExp(`^${name}$`, "m"));
    assert.match(await engine.ok("load", "-i", file), /archived:1/);
    assert.match(await engine.ok("inspect", "-f", "{{json .Config.Env}}", "archived:1"), /A=b/);
  });

  it("several at once, with the image", async () => {
    const target = place();
    const iid = path.join(target, "iid");
    const metadata = path.join(target, "metadata.json");
    const context = folder({ Dockerfile: DOCKERFILE });
    done(
      await build(
        context,
        ...["-t", "kept:1", "-o", "type=image", "-o", `${target}/files`, "-o", `type=docker,dest=${target}/x.tar`],
        ...["--iidfile", iid, "--metadata-file", metadata, "--progress", "plain"],
      ),
    );
    const id = await engine.ok("images", "-q", "--no-trunc", "kept:1");
    assert.equal(fs.readFileSync(iid, "utf8"), id);
    assert.deepEqual(JSON.parse(fs.readFileSync(metadata, "utf8")), {
      "containerimage.config.digest": id,
      "image.name": "docker.io/library/kept:1",
    });
    assert.ok(fs.existsSync(`${target}/files/out/file`) && fs.existsSync(`${target}/x.tar`));
  });

  it("refuses what it can't be, and says where it can't be written", async () => {
    const context = folder({ Dockerfile: DOCKERFILE });
    for (const [flag, words] of [
      ["type=zip,dest=x", /unknown output type zip/],
      ["type=local", /dest is required/],
      ["dest=x", /type is required/],
    ] as const) {
      const ran = await build(context, "-o", flag);
      assert.notEqual(ran.code, 0);
      assert.match(ran.stderr, words);
    }
    const blocked = path.join(folder({ file: "" }), "file");
    const ran = await build(context, "-o", `type=tar,dest=${blocked}/below`);
    assert.notEqual(ran.code, 0);
    assert.match(ran.stderr, /file exists|not a directory/i);
    assert.doesNotMatch(ran.stderr, /at .*\.ts:/);
  });
});

describe("the same inputs", () => {
  const CONTEXT = {
    Dockerfile: "FROM busybox\nCOPY a /d/a\nRUN hostname >/h && mkdir -p /x/y && touch /x/y/z\nWORKDIR /w/v\nENV A=b\n",
    a: "a",
  };
  const id = (): Promise<string> => engine.ok("images", "-q", "--no-trunc", "same");

  it("give the same image with SOURCE_DATE_EPOCH, whenever and wherever", async () => {
    const ids: string[] = [];
    for (const how of ["argument", "environment"]) {
      const context = folder(CONTEXT);
      fs.utimesSync(path.join(context, "a"), ids.length + 1_700_000_000, ids.length + 1_700_000_000);
      const flags = how === "argument" ? ["--build-arg", "SOURCE_DATE_EPOCH=1600000000"] : [];
      const env = how === "environment" ? { SOURCE_DATE_EPOCH: "1600000000" } : {};
      const args = ["build", "--no-cache", "-t", "same", ...flags, context];
      done(await run(GANTRY, args, { env: { ...engine.env, ...env } }));
      ids.push(await id());
    }
    assert.equal(ids[0], ids[1]);
    assert.equal(await engine.ok("inspect", "-f", "{{.Created}}", "same"), "2020-09-13T12:26:40Z");
    const times = await engine.ok("run", "--rm", "same", "stat", "-c", "%Y", "/d", "/d/a", "/h", "/x/y/z", "/w/v");
    assert.deepEqual(new Set(times.trim().split("\n")), new Set(["1600000000"]));
    assert.equal((await engine.ok("run", "--rm", "same", "cat", "/h")).trim(), "build");
  });

  it("refuse an epoch that is none", async () => {
    const ran = await build(folder(CONTEXT), "--build-arg", "SOURCE_DATE_EPOCH=yesterday");
    assert.equal(ran.code, 1);
    assert.match(ran.stderr + ran.stdout, /invalid SOURCE_DATE_EPOCH: "yesterday"/);
  });
});
