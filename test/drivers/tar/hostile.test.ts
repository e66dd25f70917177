import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { after, test } from "node:test";
import zlib from "node:zlib";
import { setXattr } from "../../../src/drivers/syscalls/xattr.ts";
import { scratch } from "../../support/scratch.ts";
import { testArchive } from "../../support/tar-archive.ts";
import { archive as tar, extended, forged, type Member, member, pax } from "../../support/tar-maker.ts";

const archive = testArchive();
after(() => archive.close());

const sh = (cwd: string, script: string): string => execFileSync("sh", ["-ec", script], { cwd, encoding: "utf8" });
const stream = (bytes: Buffer): Readable => Readable.from([bytes], { objectMode: false });

/** A target folder `in` beside things that must not change; `check` compares them with what they were. */
function arena(): { root: string; check(): void } & Disposable {
  const folder = scratch("hostile");
  sh(
    folder.path,
    "mkdir in secret; echo secret > secret/file; echo passwd > passwd; chmod 640 passwd; touch -d @1000 secret/file passwd secret",
  );
  const look = (): string =>
    sh(
      folder.path,
      "find . -path ./in -prune -o -not -name . -printf '%p %y %m %U %s %T@ %n\\n' | sort; cat secret/file passwd",
    );
  const before = look();
  return {
    root: `${folder.path}/in`,
    check: () => assert.equal(look(), before, "something outside the target changed"),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

const up = "../".repeat(20);

/** Refused, with words that tell why and name the entry. */
const REFUSED: [what: string, bytes: Buffer, words: RegExp][] = [
  ["a name that climbs out", tar({ name: `${up}passwd` }), /"(\.\.\/)+passwd": name climbs out/],
  ["a name that climbs out half way", tar({ name: "a/b/../../../passwd" }), /climbs out/],
  ["a folder that climbs out", tar({ name: "../", type: "dir" }), /climbs out/],
  ["a hard link that climbs out", tar({ name: "x", type: "link", link: "../passwd" }), /climbs out/],
  [
    "a hard link to what is not there",
    tar({ name: "x", type: "link", link: "secret/file" }),
    /"x": a folder or link target is missing/,
  ],
  [
    "a hard link through a link out",
    tar({ name: "l", type: "symlink", link: up }, { name: "x", type: "link", link: "l/passwd" }),
    /missing/,
  ],
  [
    "a hard link to a folder",
    tar({ name: "d/", type: "dir" }, { name: "x", type: "link", link: "d" }),
    /hard link to a folder/,
  ],
  ["a hard link to the root", tar({ name: "x", type: "link", link: "." }), /hard link to "\."/],
  ["a hard link to a whiteout's name", tar({ name: "x", type: "link", link: ".wh.y" }), /hard link to ".wh.y"/],
  ["a file for the root", tar({ name: "./", type: "symlink", link: "/etc" }), /the root is a folder/],
  ["a whiteout of no name", tar({ name: ".wh." }), /whiteout of no name/],
  ["a whiteout of .", tar({ name: ".wh.." }), /whiteout of no name/],
  ["a whiteout of ..", tar({ name: "a/.wh..." }), /whiteout of no name/],
  ["something below a whiteout", tar({ name: ".wh.x/y" }), /below a whiteout/],
  ["a file below a file", tar({ name: "a" }, { name: "a/b" }), /"a\/b": a file stands where a folder is needed/],
  ["a file below a FIFO", tar({ name: "a", type: "fifo" }, { name: "a/b" }), /a file stands where/],
  [
    "a file below a device",
    tar({ name: "a", type: "char", major: 5, minor: 1 }, { name: "a/b" }),
    /a file stands where/,
  ],
  [
    "a file below a loop of links",
    tar({ name: "a", type: "symlink", link: "b" }, { name: "b", type: "symlink", link: "a" }, { name: "a/c" }),
    /too many links/,
  ],
  ["NUL in a PAX path", tar(pax(["path", "ok\0/../../passwd"]), { name: "x" }), /NUL in PAX path/],
  [
    "NUL in a PAX linkpath",
    tar(pax(["linkpath", "ok\0"]), { name: "x", type: "symlink", link: "y" }),
    /NUL in PAX linkpath/,
  ],
  [
    "a negative size",
    tar(forged(member({ name: "neg" }), [124, `\xff${"\xff".repeat(10)}\xf0`])),
    /"neg": negative size/,
  ],
  ["a negative PAX size", tar(pax(["size", "-1024"]), { name: "neg" }), /"neg": negative size/],
  ["a size beyond all numbers", tar(forged(member({ name: "x" }), [124, `\x80${"\xff".repeat(11)}`])), /too big/],
  ["a PAX size that is no number", tar(pax(["size", "1e3"]), { name: "x" }), /PAX size/],
  ["an owner out of range", tar(pax(["uid", "4294967295"]), { name: "x" }), /owner out of range/],
  ["a device number out of range", tar({ name: "x", type: "char", major: 4096 }), /device number out of range/],
  ["an unknown type", tar(forged(member({ name: "x" }), [156, "Z"])), /unknown type "Z"/],
  ["a multi-volume part", tar(forged(member({ name: "x" }), [156, "M"])), /unknown type "M"/],
  ["a PAX header that lies about its length", tar(extended("x", "99 path=a\n"), { name: "x" }), /malformed PAX/],
  [
    "a PAX header over 1 MiB",
    tar(forged(member({ name: "x", size: 2 << 20 }), [156, "x"])),
    /extended header too large/,
  ],
  [
    "a long name over 1 MiB",
    tar(forged(member({ name: "x", size: 2 << 20 }), [156, "L"])),
    /extended header too large/,
  ],
  ["a name of 5000 characters", tar(extended("L", "a/".repeat(2500)), { name: "x" }), /name too long/],
  ["a name part of 300 characters", tar(extended("L", "n".repeat(300)), { name: "x" }), /name too long/],
  ["nesting 10,000 deep", tar({ name: "d/".repeat(10_000), type: "dir" }), /name too long/],
  ["an empty link", tar({ name: "x", type: "symlink", link: "" }), /"x": a folder or link target is missing/],
  ["a wrong checksum", forged(member({ name: "x" })).fill("7", 148, 152), /checksum/],
  [
    "an entry that is cut",
    member({ name: "x", content: "0123456789".repeat(200) }).subarray(0, 1500),
    /unexpected end/,
  ],
  ["a header that is cut", tar({ name: "x" }).subarray(0, 300), /unexpected end/],
  ["an extended header of nothing", extended("x", "10 path=a\n"), /unexpected end/],
  ["a header after a zero block", Buffer.concat([Buffer.alloc(512), member({ name: "x" })]), /follows the end mark/],
  ["no archive at all", Buffer.from("<html>not found</html>".repeat(50)), /octal|checksum/],
  [
    "broken gzip",
    Buffer.concat([zlib.gzipSync(tar({ name: "x" })).subarray(0, 40), Buffer.from("garbage".repeat(20))]),
    /gzip: /,
  ],
  ["cut gzip", zlib.gzipSync(tar({ name: "x" })).subarray(0, 60), /gzip: unexpected end/],
  ["broken zstd", Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), Buffer.from("garbage".repeat(20))]), /zstd: /],
  [
    "a sparse file whose runs overlap",
    tar(pax(["GNU.sparse.size", "100"], ["GNU.sparse.map", "0,4,2,4"]), { name: "x", content: "12345678" }),
    /out of order/,
  ],
  [
    "a sparse file with a run beyond its end",
    tar(pax(["GNU.sparse.size", "100"], ["GNU.sparse.map", "98,8"]), { name: "x", content: "12345678" }),
    /does not match/,
  ],
  [
    "a sparse file with more runs than data",
    tar(pax(["GNU.sparse.size", "100"], ["GNU.sparse.map", "0,50"]), { name: "x", content: "12345678" }),
    /does not match/,
  ],
  [
    "a sparse file of negative size",
    tar(pax(["GNU.sparse.size", "-1"], ["GNU.sparse.map", ""]), { name: "x" }),
    /negative size/,
  ],
  [
    "a sparse map that never ends",
    tar(pax(["GNU.sparse.major", "1"], ["GNU.sparse.realsize", "10"]), { name: "x", content: `${"1".repeat(600)}` }),
    /sparse map/,
  ],
  [
    "a sparse map of a billion runs",
    tar(pax(["GNU.sparse.major", "1"], ["GNU.sparse.realsize", "10"]), {
      name: "x",
      content: "1000000000\n".padEnd(512, "\0"),
    }),
    /too long/,
  ],
];

for (const [what, bytes, words] of REFUSED) {
  test(`refused: ${what}`, async () => {
    using target = arena();
    await assert.rejects(archive.extract(stream(bytes), target.root, { whiteouts: "overlay" }), (e: unknown) => {
      assert.equal((e as { code?: string }).code, "BAD_ARCHIVE", String(e));
      assert.equal((e as { kind?: string }).kind, "invalid");
      assert.match(String((e as Error).message), words);
      return true;
    });
    target.check();
  });
}

/** Unpacked, but nowhere except in the target; the listing is of what is there then. */
const CONFINED: [what: string, members: (Member | Buffer)[], listing: string][] = [
  ["an absolute name", [{ name: "/etc/passwd", content: "x" }], "./etc d\n./etc/passwd f\n"],
  ["a name with .. that stays inside", [{ name: "a/../b/./c//d" }], "./b d\n./b/c d\n./b/c/d f\n"],
  ["a file through an absolute link", [{ name: "l", type: "symlink", link: "/" }, { name: "l/x" }], "./l l /\n./x f\n"],
  [
    "a file through a climbing link",
    [{ name: "l", type: "symlink", link: `${up}secret` }, { name: "l/file" }],
    `./l l ${up}secret\n./secret d\n./secret/file f\n`,
  ],
  [
    "a file onto a link",
    [
      { name: "l", type: "symlink", link: "../passwd" },
      { name: "l", content: "x" },
    ],
    "./l f\n",
  ],
  [
    "a folder onto a link",
    [{ name: "l", type: "symlink", link: "../secret" }, { name: "l/", type: "dir", mode: 0o777 }, { name: "l/file" }],
    "./l d\n./l/file f\n",
  ],
  [
    "a chain of links",
    [
      { name: "a", type: "symlink", link: ".." },
      { name: "b", type: "symlink", link: "a/.." },
      { name: "c", type: "symlink", link: "b/.." },
      { name: "c/passwd" },
    ],
    "./a l ..\n./b l a/..\n./c l b/..\n./passwd f\n",
  ],
  [
    "a hard link to a link, and a file onto it",
    [
      { name: "l", type: "symlink", link: "../passwd" },
      { name: "h", type: "link", link: "l" },
      { name: "h", content: "x" },
    ],
    "./h f\n./l l ../passwd\n",
  ],
  [
    "a link to magic",
    [{ name: "l", type: "symlink", link: "/proc/self/cwd" }, { name: "l/x" }],
    "./l l /proc/self/cwd\n./proc d\n./proc/self d\n./proc/self/cwd d\n./proc/self/cwd/x f\n",
  ],
  [
    "a hard link to itself",
    [
      { name: "a", content: "x" },
      { name: "a", type: "link", link: "a" },
    ],
    "./a f\n",
  ],
  [
    "a whiteout through a link",
    [{ name: "l", type: "symlink", link: `${up}` }, { name: "l/.wh.passwd" }],
    `./l l ${up}\n./passwd c\n`,
  ],
  [
    "an opaque mark through a link",
    [{ name: "l", type: "symlink", link: "../secret" }, { name: "l/.wh..wh..opq" }],
    "./l l ../secret\n./secret d\n",
  ],
  [
    "a whiteout and then the same name",
    [{ name: ".wh.x" }, { name: "x/", type: "dir" }, { name: "x/y" }],
    "./x d\n./x/y f\n",
  ],
  ["a name and then its whiteout", [{ name: "x" }, { name: ".wh.x" }], "./x f\n"],
  [
    "AUFS's bookkeeping",
    [
      { name: ".wh..wh.plnk/", type: "dir" },
      { name: ".wh..wh.plnk/1.2", content: "x" },
      { name: ".wh..wh.aufs", content: "y" },
      { name: "a" },
    ],
    "./a f\n",
  ],
  [
    "a negative time and one beyond the file system",
    [
      { name: "a", mtime: { seconds: -5e9, nanoseconds: 0 } },
      { name: "b", mtime: { seconds: 9e12, nanoseconds: 0 } },
    ],
    "./a f\n./b f\n",
  ],
  ["a global header", [extended("g", "17 path=../passwd\n".slice(0, 18)), { name: "a" }], "./a f\n"],
];

for (const [what, members, listing] of CONFINED) {
  test(`confined: ${what}`, async () => {
    using target = arena();
    await archive.extract(stream(tar(...members)), target.root, { whiteouts: "overlay" });
    target.check();
    const found = sh(
      target.root,
      "find . -mindepth 1 \\( -type l -printf '%p %y %l\\n' -o -printf '%p %y\\n' \\) | LC_ALL=C sort",
    );
    assert.equal(found, listing);
  });
}

test("a folder that takes a whiteout's place goes on hiding what is below", async () => {
  using target = arena();
  const bytes = tar({ name: ".wh.x" }, { name: "x/", type: "dir" }, { name: "y/", type: "dir" }, { name: ".wh.y" });
  await archive.extract(stream(bytes), target.root, { whiteouts: "overlay" });
  for (const name of ["x", "y"]) {
    const value = sh(target.root, `python3 -c 'import os; print(os.getxattr("${name}", "trusted.overlay.opaque"))'`);
    assert.equal(value, "b'y'\n");
  }
});

test("overlayfs's own attributes never come out of an archive, nor go into one", async () => {
  using target = arena();
  const xattrs = new Map(
    ["trusted.overlay.redirect", "trusted.overlay.opaque", "user.overlay.opaque", "security.selinux", "user.fine"].map(
      (name) => [name, Buffer.from("/etc")] as const,
    ),
  );
  await archive.extract(stream(tar({ name: "d/", type: "dir", xattrs })), target.root, { whiteouts: "overlay" });
  assert.equal(sh(target.root, `python3 -c 'import os; print(os.listxattr("d"))'`), "['user.fine']\n");
  setXattr(path.join(target.root, "d"), "trusted.overlay.origin", Buffer.from("x"));
  const parts: Buffer[] = [];
  for await (const part of archive.pack(target.root, { whiteouts: "overlay" })) parts.push(part as Buffer);
  const packed = Buffer.concat(parts).toString("latin1");
  assert.ok(packed.includes("user.fine") && !packed.includes("trusted."));
});

test("limits on bytes and entries hold, in big archives as in small ones", async () => {
  using target = arena();
  const many = tar(...Array.from({ length: 1100 }, (_, i) => ({ name: `f${i}` })));
  const fat = tar({ name: "fat", size: 1e9 });
  for (const [bytes, limits, words] of [
    [many, { entries: 1099 }, /more than 1099 entries/],
    [fat, { bytes: 1e6 }, /contents of more than 1000000 bytes/],
    [
      tar(pax(["GNU.sparse.size", "1000000000000"], ["GNU.sparse.map", "0,1"]), { name: "s", content: "x" }),
      { bytes: 1e6 },
      /contents of more/,
    ],
  ] as const) {
    const done = archive.extract(stream(bytes), target.root, { whiteouts: "plain", limits });
    await assert.rejects(
      done,
      (e: unknown) => (e as { code?: string }).code === "ARCHIVE_TOO_LARGE" && words.test(String(e)),
    );
  }
  await archive.extract(stream(many), target.root, { whiteouts: "plain", limits: { entries: 1100 } });
});

test("a swap of a folder for a link during thousands of copies never leads outside", async () => {
  using target = arena();
  sh(target.root, "mkdir data real; ln -s ../secret lure");
  const swapper = execSwapper(target.root);
  try {
    for (let i = 0; i < 400; i++) {
      const packed = tar({ name: `data/file`, content: "attacked" }, { name: "data/sub/x", content: "attacked" });
      // what fails because of the swap fails as a bad archive
      await archive.extract(stream(packed), target.root, { whiteouts: "plain" }).catch((e: unknown) => {
        assert.equal((e as { code?: string }).code, "BAD_ARCHIVE", String(e));
      });
      const parts: Buffer[] = [];
      try {
        for await (const part of archive.pack(target.root, { whiteouts: "plain", path: "data/file" }))
          parts.push(part as Buffer);
      } catch (e) {
        assert.equal((e as { code?: string }).code, "NO_SUCH_PATH", String(e));
      }
      assert.ok(!Buffer.concat(parts).includes("secret\n"));
    }
  } finally {
    await swapper();
  }
  target.check();
});

/** A program that swaps `data` for a link and back as fast as it can; the result ends it. */
function execSwapper(cwd: string): () => Promise<void> {
  const script = `
import ctypes, os
libc = ctypes.CDLL(None)
while not os.path.exists("stop"):
    libc.renameat2(-100, b"data", -100, b"lure", 2)
`;
  const running = import("node:child_process").then(({ spawn }) =>
    spawn("python3", ["-c", script], { cwd, stdio: "ignore" }),
  );
  return async () => {
    fs.writeFileSync(path.join(cwd, "stop"), "");
    const child = await running;
    if (child.exitCode === null) await new Promise((resolve) => void child.once("exit", resolve));
  };
}
