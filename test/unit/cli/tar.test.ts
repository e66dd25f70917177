import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { pack } from "../../../src/local/pack.ts";
import { folderContext, stdinContext } from "../../../src/local/context.ts";
import { padding, type TarEntry, tarHeader, trailer } from "../../../src/local/tar-writer.ts";
import { readTar } from "../../../src/local/tar-reader.ts";
import { unpack } from "../../../src/local/unpack.ts";

function folder(t: TestContext, files: Record<string, string>): string {
  const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "gantry-cli-")));
  t.after(() => fs.rmSync(root, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), content);
  }
  return root;
}

async function* stream(chunks: Iterable<Buffer> | AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield* chunks;
}

async function contents(tar: Iterable<Buffer> | AsyncIterable<Buffer>): Promise<Record<string, string>> {
  const result: Record<string, string> = {};
  for await (const entry of readTar(stream(tar))) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry.content) chunks.push(chunk);
    result[entry.name] =
      entry.type === "file" ? Buffer.concat(chunks).toString() : `${entry.type} ${entry.link}`.trim();
  }
  return result;
}

test("what is packed reads back: folders, links, long and foreign names", async (t) => {
  const long = `${"d".repeat(90)}/${"e".repeat(90)}/${"f".repeat(120)}`;
  const root = folder(t, { a: "1", "sub/b": "2", [long]: "3", ünï: "4" });
  fs.symlinkSync("nowhere", path.join(root, "broken"));
  fs.linkSync(path.join(root, "a"), path.join(root, "z"));
  const found = await contents(pack(root));
  assert.equal(found["a"], "1");
  assert.equal(found["sub/"], "folder");
  assert.equal(found["sub/b"], "2");
  assert.equal(found[long], "3");
  assert.equal(found["ünï"], "4");
  assert.equal(found["broken"], "symlink nowhere");
  assert.equal(found["z"], "hardlink a");
});

test("a lone Dockerfile is a tar of 2048 bytes", async () => {
  const { tar, dockerfile } = await stdinContext(stream([Buffer.from("FROM scratch\n")]), undefined);
  let size = 0;
  for await (const chunk of tar) size += chunk.length;
  assert.equal(size, 2048);
  assert.equal(dockerfile, "Dockerfile");
});

test("a tar on stdin goes on as it is", async (t) => {
  const whole = Buffer.concat([...pack(folder(t, { Dockerfile: "FROM x", a: "b" }))]);
  const pieces = [whole.subarray(0, 10), whole.subarray(10, 600), whole.subarray(600)];
  const { tar } = await stdinContext(stream(pieces), "Dockerfile");
  const got: Buffer[] = [];
  for await (const chunk of tar) got.push(chunk);
  assert.deepEqual(Buffer.concat(got), whole);
});

const never = async (): Promise<Buffer> => assert.fail("stdin was read");

test(".dockerignore keeps things out, but never the Dockerfile and itself", async (t) => {
  const root = folder(t, {
    Dockerfile: "FROM x",
    ".dockerignore": "*\n!sub/deep/in\n# a comment\n",
    a: "",
    "sub/out": "",
    "sub/deep/in": "",
  });
  const { tar } = await folderContext(root, undefined, "/", never);
  assert.deepEqual(Object.keys(await contents(tar)).toSorted(), [".dockerignore", "Dockerfile", "sub/deep/in"]);
});

test("a Dockerfile from outside travels under its own name, and no COPY sees it", async (t) => {
  const root = folder(t, { a: "", ".dockerignore": "b\n" });
  const elsewhere = folder(t, { other: "FROM y" });
  const { tar, dockerfile } = await folderContext(root, path.join(elsewhere, "other"), "/", never);
  const found = await contents(tar);
  assert.match(dockerfile, /^\.dockerfile\.[0-9a-f]{20}$/);
  assert.equal(found[dockerfile], "FROM y");
  assert.equal(found[".dockerignore"], `b\n\n${dockerfile}\n`);
});

test("a missing folder or Dockerfile is said in docker's words", async (t) => {
  const root = folder(t, {});
  await assert.rejects(folderContext("nodir", undefined, root, never), {
    message: 'unable to prepare context: path "nodir" not found',
  });
  await assert.rejects(folderContext(".", "no", root, never), {
    message: `unable to prepare context: unable to evaluate symlinks in Dockerfile path: lstat ${root}/no: no such file or directory`,
  });
});

const archive = (...entries: (Partial<TarEntry> & { name: string; content?: string })[]): Buffer[] => [
  ...entries.flatMap(({ content = "", ...entry }) => {
    const bytes = Buffer.from(content);
    return [
      tarHeader({ type: "file", mode: 0o644, mtime: 0, ...entry, size: bytes.length }),
      bytes,
      padding(bytes.length),
    ];
  }),
  trailer(),
];

for (const [what, entries] of [
  ["a name with ..", [{ name: "../out", content: "x" }]],
  [
    "a link that leads out, with a name below it",
    [
      { name: "l", type: "symlink", link: "OUT" },
      { name: "l/x", content: "x" },
    ],
  ],
  ["a hard link to the outside", [{ name: "h", type: "hardlink", link: "../secret" }]],
] as const) {
  test(`an archive with ${what} changes nothing outside its target`, async (t) => {
    const root = folder(t, { secret: "s", "target/keep": "k", "out-folder/keep": "k" });
    const named = entries.map((entry) => ({
      ...entry,
      ...("link" in entry && entry.link === "OUT" && { link: path.join(root, "out-folder") }),
    }));
    await assert.rejects(
      unpack(path.join(root, "target"), stream(archive(...named)), { rename: (name) => name, keepOwner: false }),
      /leads out of the target/,
    );
    assert.deepEqual(fs.readdirSync(root).toSorted(), ["out-folder", "secret", "target"]);
    assert.deepEqual(fs.readdirSync(path.join(root, "out-folder")), ["keep"]);
    assert.equal(fs.statSync(path.join(root, "secret")).nlink, 1);
  });
}

test("a file never takes a folder's place, and a link of the target is replaced, not followed", async (t) => {
  const root = folder(t, { "target/d/x": "", outside: "o" });
  const target = path.join(root, "target");
  const options = { rename: (name: string) => name, keepOwner: false };
  await assert.rejects(
    unpack(target, stream(archive({ name: "d", content: "x" })), options),
    /cannot overwrite directory/,
  );
  fs.symlinkSync(path.join(root, "outside"), path.join(target, "l"));
  await unpack(target, stream(archive({ name: "l", content: "new" })), options);
  assert.equal(fs.readFileSync(path.join(root, "outside"), "utf8"), "o");
  assert.equal(fs.readFileSync(path.join(target, "l"), "utf8"), "new");
});
