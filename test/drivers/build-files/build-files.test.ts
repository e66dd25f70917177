import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { text } from "node:stream/consumers";
import { Readable } from "node:stream";
import { isGantryError } from "../../../src/base/errors.ts";
import { pathMatcher } from "../../../src/build/glob.ts";
import { HostBuildFiles } from "../../../src/drivers/build-files/build-files.ts";
import type { CopyRequest, FoundSource } from "../../../src/ports/build-files.ts";

let base: string;
let files: HostBuildFiles;
let from: string;
let to: string;
let outside: string;

before(() => {
  base = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-build-files-"));
  files = new HostBuildFiles(path.join(base, "engine"));
});
after(() => fs.rmSync(base, { recursive: true, force: true }));
beforeEach(() => {
  for (const name of ["from", "to", "outside"]) {
    fs.rmSync(path.join(base, name), { recursive: true, force: true });
    fs.mkdirSync(path.join(base, name));
  }
  from = path.join(base, "from");
  to = path.join(base, "to");
  outside = path.join(base, "outside");
});

const put = (root: string, name: string, content = name, mode = 0o644): void => {
  fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
  fs.writeFileSync(path.join(root, name), content);
  fs.chmodSync(path.join(root, name), mode);
};
const read = (name: string): string => fs.readFileSync(path.join(to, name), "utf8");
const stat = (name: string): fs.Stats => fs.lstatSync(path.join(to, name));

const copy = async (source: string, target: string, more: Partial<CopyRequest> = {}): Promise<void> => {
  for (const found of files.find(from, source)) {
    await files.copy({ root: from, source: found, targetRoot: to, target, owner: { uid: 0, gid: 0 }, ...more });
  }
};

describe("copying", () => {
  it("a file goes to its target, into a folder that is there or is meant, and parents are made", async () => {
    put(from, "a", "A", 0o640);
    await copy("a", "/deep/er/b");
    assert.equal(read("deep/er/b"), "A");
    assert.equal(stat("deep/er/b").mode & 0o7777, 0o640);
    assert.equal(stat("deep").mode & 0o7777, 0o755);
    await copy("a", "/deep");
    assert.equal(read("deep/a"), "A");
    await copy("a", "/new/");
    assert.equal(read("new/a"), "A");
    fs.utimesSync(path.join(from, "a"), 1000, 1000);
    await copy("a", "/new/");
    assert.equal(stat("new/a").mtimeMs, 1_000_000);
  });

  it("a folder's contents go into the target, with links, modes, times and hard links", async () => {
    put(from, "d/x", "X", 0o4755);
    put(from, "d/sub/y", "Y");
    fs.linkSync(path.join(from, "d/x"), path.join(from, "d/x2"));
    fs.symlinkSync("/nowhere", path.join(from, "d/link"));
    fs.chmodSync(path.join(from, "d/sub"), 0o1777);
    execFileSync("mkfifo", [path.join(from, "d/pipe")]);
    await copy("d", "/t");
    assert.equal(read("t/x"), "X");
    assert.equal(stat("t/x").mode & 0o7777, 0o4755);
    assert.equal(stat("t/x").ino, stat("t/x2").ino);
    assert.equal(fs.readlinkSync(path.join(to, "t/link")), "/nowhere");
    assert.equal(stat("t/sub").mode & 0o7777, 0o1777);
    assert.ok(stat("t/pipe").isFIFO());
    assert.equal(Math.floor(stat("t/sub").mtimeMs), Math.floor(fs.statSync(path.join(from, "d/sub")).mtimeMs));
    put(from, "d/sub/y", "new");
    await copy("d", "/t");
    assert.equal(read("t/sub/y"), "new");
  });

  it("owners and modes are set on all that is copied, set-uid survives a change of owner", async () => {
    put(from, "d/x", "X", 0o4755);
    await copy("d", "/made/here", { owner: { uid: 7, gid: 8 } });
    for (const name of ["made", "made/here", "made/here/x"])
      assert.deepEqual([stat(name).uid, stat(name).gid], [7, 8], name);
    assert.equal(stat("made/here/x").mode & 0o7777, 0o4755);
    await copy("d", "/chmod", { mode: () => 0o700 });
    assert.equal(stat("chmod/x").mode & 0o7777, 0o700);
    fs.chownSync(path.join(from, "d/x"), 5, 6);
    await copy("d", "/kept", { owner: undefined });
    assert.deepEqual([stat("kept/x").uid, stat("kept/x").gid], [5, 6]);
  });

  it("a big file, and names that are no UTF-8, arrive byte for byte", async () => {
    const big = Buffer.alloc(3 * 1024 * 1024 + 1, "gantry");
    fs.writeFileSync(path.join(from, "big"), big);
    fs.mkdirSync(path.join(from, "odd"));
    fs.writeFileSync(Buffer.concat([Buffer.from(`${from}/odd/`), Buffer.from([0xff, 0x20, 0xfe])]), "odd");
    await copy("big", "/");
    await copy("odd", "/odd");
    assert.ok(fs.readFileSync(path.join(to, "big")).equals(big));
    assert.deepEqual(fs.readdirSync(path.join(to, "odd"), { encoding: "buffer" })[0], Buffer.from([0xff, 0x20, 0xfe]));
  });

  it("never replaces a folder by a file or the other way round", async () => {
    put(from, "d/name", "file");
    put(to, "t/name/inner");
    await assert.rejects(copy("d", "/t"), (error) => isGantryError(error, "BAD_COPY"));
    put(from, "e/name/inner");
    put(to, "u/name");
    await assert.rejects(copy("e", "/u"), /cannot copy to non-directory/);
    await assert.rejects(copy("d/name", "/u/name/below"), (error) => isGantryError(error, "BAD_COPY"));
  });
});

describe("roots", () => {
  it("links in the source never lead out of it", async () => {
    put(outside, "secret");
    put(from, "inside/secret", "mine");
    fs.symlinkSync(outside, path.join(from, "absolute"));
    fs.symlinkSync("../../../../../../inside", path.join(from, "up"));
    assert.throws(
      () => files.find(from, "absolute/secret"),
      (error) => isGantryError(error, "NO_SUCH_FILE"),
    );
    await copy("up/secret", "/got");
    assert.equal(read("got"), "mine");
    assert.throws(
      () => files.find(from, `../outside/secret`),
      (error) => isGantryError(error, "NO_SUCH_FILE"),
    );
    assert.equal(files.readText(from, "absolute/secret", 100), undefined);
    assert.throws(() => files.realPath(from, "absolute/secret"));
  });

  it("links in the target resolve inside it, and dangling ones get their target made there", async () => {
    put(from, "a", "A");
    fs.mkdirSync(path.join(to, "usr/lib"), { recursive: true });
    fs.symlinkSync("usr/lib", path.join(to, "lib"));
    fs.symlinkSync(outside, path.join(to, "escape"));
    fs.symlinkSync("../../../../../..", path.join(to, "up"));
    fs.symlinkSync("/usr/lib/real", path.join(to, "link-to-file"));
    await copy("a", "/lib/a");
    assert.equal(read("usr/lib/a"), "A");
    await copy("a", "/escape/a");
    assert.equal(read(path.join(outside, "a")), "A");
    await copy("a", "/up/a");
    assert.equal(read("a"), "A");
    put(to, "usr/lib/real", "old");
    await copy("a", "/link-to-file");
    assert.equal(read("usr/lib/real"), "A");
    assert.ok(stat("link-to-file").isSymbolicLink());
    assert.deepEqual(fs.readdirSync(outside), []);
  });

  it("endless links are an error, not a hang", async () => {
    put(from, "a");
    fs.symlinkSync("loop2", path.join(to, "loop1"));
    fs.symlinkSync("loop1", path.join(to, "loop2"));
    await assert.rejects(copy("a", "/loop1/x"));
  });
});

describe("finding and hashing", () => {
  const digest = (source: string, owners = false): Promise<string> => {
    const [found] = files.find(from, source);
    return files.digest(from, found as FoundSource, { owners });
  };

  it("patterns match within one folder, sorted, and may match nothing", () => {
    for (const name of ["b.go", "a.go", ".hidden.go", "sub/c.go", "x[1].txt"]) put(from, name);
    const match = (pattern: string): string[] => files.find(from, pattern, pathMatcher).map((found) => found.path);
    assert.deepEqual(match("*.go"), [".hidden.go", "a.go", "b.go"]);
    assert.deepEqual(match("s?b/*"), ["sub/c.go"]);
    assert.deepEqual(match("[ab].go"), ["a.go", "b.go"]);
    assert.deepEqual(match("[^a].go"), ["b.go"]);
    assert.deepEqual(match("x\\[1\\].txt"), ["x[1].txt"]);
    assert.deepEqual(match("*.nope"), []);
    assert.throws(
      () => match("[a"),
      (error) => isGantryError(error, "BAD_PATTERN"),
    );
  });

  it("a digest tells content, names, modes and links, but not times", async () => {
    put(from, "d/a", "1");
    put(from, "d/b", "2");
    const first = await digest("d");
    fs.utimesSync(path.join(from, "d/a"), 1, 1);
    assert.equal(await digest("d"), first);
    const changes: [string, () => void][] = [
      ["content", () => put(from, "d/a", "3")],
      ["mode", () => fs.chmodSync(path.join(from, "d/a"), 0o755)],
      ["name", () => fs.renameSync(path.join(from, "d/b"), path.join(from, "d/c"))],
      ["link", () => fs.symlinkSync("a", path.join(from, "d/l"))],
      [
        "link target",
        () => {
          fs.unlinkSync(path.join(from, "d/l"));
          fs.symlinkSync("c", path.join(from, "d/l"));
        },
      ],
      ["empty folder", () => fs.mkdirSync(path.join(from, "d/e"))],
    ];
    let last = first;
    for (const [what, change] of changes) {
      change();
      const next = await digest("d");
      assert.notEqual(next, last, what);
      last = next;
    }
    fs.chownSync(path.join(from, "d/a"), 5, 5);
    assert.equal(await digest("d"), last);
    assert.notEqual(await digest("d", true), await digest("d"));
  });

  it("contents can't pose as names: moving a byte between files changes the digest", async () => {
    put(from, "d/a", "12");
    put(from, "d/b", "3");
    const one = await digest("d");
    put(from, "d/a", "1");
    put(from, "d/b", "23");
    assert.notEqual(await digest("d"), one);
  });

  it("a single file's digest depends on its own name only", async () => {
    put(from, "x/f", "1");
    put(from, "y/f", "1");
    put(from, "y/g", "1");
    assert.equal(await digest("x/f"), await digest("y/f"));
    assert.notEqual(await digest("y/f"), await digest("y/g"));
  });
});

describe("archives for ADD", () => {
  const made: [string, string[]][] = [
    ["plain.tar", ["cf"]],
    ["x.tar.gz", ["czf"]],
    ["x.tar.bz2", ["cjf"]],
    ["x.tar.xz", ["cJf"]],
  ];
  for (const [name, flags] of made) {
    it(`${name} is known by its bytes`, async () => {
      put(from, "content", "hello".repeat(1000));
      execFileSync("tar", [...flags, path.join(from, name), "-C", from, "content"]);
      fs.renameSync(path.join(from, name), path.join(from, "any-name"));
      const stream = await files.openArchive(from, "any-name");
      assert.ok(stream);
      const bytes = await stream.toArray();
      assert.ok(Buffer.concat(bytes as Buffer[]).length > 100);
    });
  }

  it("other files, compressed or not, are none", async () => {
    put(from, "text", "hello");
    put(from, "long", "x".repeat(5000));
    put(from, "empty", "");
    execFileSync("gzip", ["-k", path.join(from, "long")]);
    execFileSync("xz", ["-k", path.join(from, "long")]);
    put(from, "fake.xz", "\u00fd7zXZ\0not really");
    for (const name of ["text", "long", "empty", "long.gz", "long.xz", "fake.xz"]) {
      assert.equal(await files.openArchive(from, name), undefined, name);
    }
  });

  it("a cut one ends in an error", async () => {
    fs.writeFileSync(
      path.join(from, "content"),
      Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 251)),
    );
    execFileSync("tar", ["cJf", path.join(from, "x.tar.xz"), "-C", from, "content"]);
    const size = fs.statSync(path.join(from, "x.tar.xz")).size;
    fs.truncateSync(path.join(from, "x.tar.xz"), size - 20);
    const stream = await files.openArchive(from, "x.tar.xz");
    if (stream) await assert.rejects(text(stream), (error) => isGantryError(error, "BAD_ARCHIVE"));
  });
});

describe("temporary things", () => {
  it("scratch folders come and go, and a sweep takes what is left", async () => {
    const one = await files.scratch();
    files.writeText(one, "f", "x", 0o600);
    await files.discard(one);
    await files.discard(one);
    assert.equal(fs.existsSync(one), false);
    const two = await files.scratch();
    assert.equal(
      await files.writeStream(two, "g", Readable.from([Buffer.from("x")]), { mode: 0o600 }),
      "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
    );
    assert.throws(() => files.writeText(two, "../g", "x", 0o600));
    await files.sweep();
    assert.equal(fs.existsSync(two), false);
  });

  it("stubs that a runtime left are taken away unless something is in them", () => {
    put(to, "etc/kept");
    const missing = files.missing(to, ["/etc/hosts", "/proc", "/dev/console", "/dev", "/etc/kept", "/etc"]);
    assert.deepEqual(missing, ["/etc/hosts", "/proc", "/dev/console", "/dev"]);
    put(to, "etc/hosts", "");
    put(to, "dev/console", "");
    fs.mkdirSync(path.join(to, "proc"));
    files.removeStubs(to, missing);
    assert.deepEqual(fs.readdirSync(to), ["etc"]);
    put(to, "etc/hosts", "127.0.0.1 own");
    files.removeStubs(to, ["/etc/hosts"]);
    assert.deepEqual(fs.readdirSync(path.join(to, "etc")).toSorted(), ["hosts", "kept"]);
  });

  it("what .dockerignore names goes, folders only when nothing is left in them", async () => {
    for (const name of ["a.log", "d/a.log", "d/keep", "e/a.log"]) put(from, name);
    await files.removeExcluded(from, (one) => one.endsWith(".log") || one === "d" || one === "e");
    assert.deepEqual(fs.readdirSync(from, { recursive: true }).toSorted(), ["d", "d/keep"]);
  });
});
