import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import zlib from "node:zlib";
import { TestEngine } from "../support/engine.ts";
import { archive, type Member } from "../support/tar-maker.ts";

let engine: TestEngine;
let canary: string;
before(async () => {
  engine = await TestEngine.start();
  canary = path.join(engine.folder, "canary");
  fs.writeFileSync(canary, "of the host");
});
after(async () => {
  assert.equal(fs.readFileSync(canary, "utf8"), "of the host");
  assert.deepEqual(scratch(), [], "contexts are removed");
  await engine.end();
});

const scratch = (): string[] => fs.readdirSync(path.join(engine.dataRoot, "build", "scratch"));
const UP = "../".repeat(20);
const outside = (): string => UP + canary.slice(1);

/** All that the engine answers to a build of that context. */
async function build(dockerfile: string[], ...context: Member[]): Promise<string> {
  const tar = archive({ name: "Dockerfile", content: `${dockerfile.join("\n")}\n` }, ...context);
  const { status, text } = await engine.get("/build?t=hostile", "POST", tar);
  assert.ok(status < 500, text);
  return text;
}

describe("a hostile context", () => {
  it("with names and links that lead out of it changes nothing outside", async () => {
    const file: Member = { name: "", content: "owned" };
    for (const members of [
      [{ ...file, name: outside() }],
      [{ ...file, name: canary }],
      [{ name: "l", type: "symlink", link: canary } as const, { ...file, name: "l" }],
      [{ name: "d", type: "symlink", link: engine.folder } as const, { ...file, name: "d/canary" }],
      [{ name: "d", type: "symlink", link: `${UP}${engine.folder.slice(1)}` } as const, { ...file, name: "d/canary" }],
      [{ name: "h", type: "link", link: outside() } as const, { ...file, name: "h" }],
      [{ name: "h", type: "link", link: canary } as const, { ...file, name: "h" }],
    ]) {
      await build(["FROM busybox", "COPY . /all"], ...(members as Member[]));
      assert.equal(fs.readFileSync(canary, "utf8"), "of the host");
    }
  });

  it("copies nothing of the host by links or ..", async () => {
    const links: Member[] = [
      { name: "file", type: "symlink", link: canary },
      { name: "up", type: "symlink", link: outside() },
      { name: "folder", type: "symlink", link: engine.folder },
    ];
    for (const source of ["file", "up", "folder", "folder/canary", "fol*/can*", outside(), canary]) {
      const said = await build(["FROM busybox", `COPY ${source} /got`, "RUN ! grep -r 'of the host' /got"], ...links);
      assert.match(said, /COPY failed: |no file matches/, source);
      assert.match(said, /file not found|no file matches/, source);
    }
  });

  it("has archives for ADD that stay in the image", async () => {
    const evil = archive(
      { name: "l", type: "symlink", link: engine.folder },
      { name: "l/canary", content: "owned" },
      { name: `${UP}above`, content: "owned" },
    );
    const said = await build(["FROM busybox", "ADD evil.tar /deep/er/"], {
      name: "evil.tar",
      content: evil.toString("latin1"),
    });
    assert.match(said, /Successfully built|bad archive/);
  });

  it("with a Dockerfile of 100 MB is refused", async () => {
    const tar = archive({ name: "Dockerfile", content: `FROM busybox\n#${"x".repeat(100 << 20)}\n` });
    const { status, text } = await engine.get("/build", "POST", zlib.gzipSync(tar, { level: 1 }));
    assert.ok(status < 500, text);
    assert.match(text, /Dockerfile is larger than \d+ bytes|grows more than/);
  });

  for (const [name, pattern, file] of [
    ["stars", `${"*a".repeat(30)}*b`, "a".repeat(250)],
    ["double stars", `${"**/".repeat(30)}x`, "a/".repeat(100) + "a"],
  ] as const) {
    it(`with ${name} in an ignore file that would take for ever does not`, async () => {
      const context = [
        { name: "Dockerfile.dockerignore", content: `${pattern}\n` },
        { name: file, content: "" },
      ];
      await Promise.race([
        build(
          ["FROM busybox", "COPY . /all", `COPY --exclude=${pattern} . /more`, `COPY ${pattern} /less/`],
          ...context,
        ),
        new Promise((_, reject) => void setTimeout(() => reject(new Error("no answer")), 20_000).unref()),
      ]);
    });
  }

  it("of folders in folders ends with a word on that", async () => {
    const deep = Array.from(
      { length: 1500 },
      (_, i): Member => ({ name: "d/".repeat(i + 1), type: "dir", mode: 0o755 }),
    );
    assert.match(await build(["FROM busybox", "COPY . /all"], ...deep), /nested more than \d+ deep/);
  });
});

describe("a hostile RUN", () => {
  it("that makes folders in folders ends with a word on that, and is removed", async () => {
    const loop = "i=0; while [ $i -lt 4000 ]; do mkdir deep; cd deep; i=$((i+1)); done";
    assert.match(await build(["FROM busybox", `RUN ${loop}`]), /path too long/);
  });
});
