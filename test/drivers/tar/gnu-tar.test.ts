import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { Readable } from "node:stream";
import { after, test } from "node:test";
import { setXattr } from "../../../src/drivers/syscalls/xattr.ts";
import { scratch } from "../../support/scratch.ts";
import { testArchive } from "../../support/tar-archive.ts";

const archive = testArchive();
after(() => archive.close());

const sh = (cwd: string, script: string): string =>
  execFileSync("sh", ["-ec", script], { cwd, encoding: "utf8", maxBuffer: 1 << 26 });

const CAPABILITY = Buffer.from("0100000200200000000000000000000000000000", "hex");

/** A tree with everything that archives can hold; about 6 MB. */
function oddTree(folder: string): void {
  const long = "n".repeat(200);
  sh(
    folder,
    `mkdir -p plain deep empty sticky "späce and ünïcode"
    echo hello > plain/hello; ln plain/hello plain/again; ln plain/hello hard
    ln -s plain/hello soft; ln -s /etc/passwd absolute; ln -s nowhere dangling; ln -s ${"t".repeat(300)} longlink
    ln soft softhard
    mkfifo pipe; mknod null c 1 3; mknod disk b 8 1; mknod big c 511 1048575
    chmod 4755 plain/hello; chmod 2750 plain; chmod 1777 sticky; chmod 000 dangling 2>/dev/null || true
    touch empty/none "späce and ünïcode/fïle" "$(printf 'not-utf8-\\377\\351')"
    mkdir -p ${long}/${long}; echo long > ${long}/${long}/${long}; ln ${long}/${long}/${long} ${long}/linked
    d=deep; for i in $(seq 1 60); do d=$d/level$i; done; mkdir -p $d; echo deep > $d/file
    head -c 6000000 /dev/urandom > six; head -c 512 /dev/urandom > block; head -c 513 /dev/urandom > blocks
    truncate -s 3000000 holes; printf mid | dd of=holes bs=1 seek=1500000 conv=notrunc status=none
    touch -d '1969-12-31 23:59:58.25 UTC' ancient; touch -d @8589934592.5 future; touch -d @1.000000001 first
    chown 12345:54321 block; chown 3000000000:4000000000 blocks; chown -h 7:8 soft`,
  );
  for (const [file, name, value] of [
    ["plain/hello", "security.capability", CAPABILITY],
    ["plain", "user.of-folder", Buffer.from("f")],
    ["block", "user.binary", Buffer.from([0, 1, 2, 255, 10, 61])],
    ["empty/none", "user.none", Buffer.alloc(0)],
  ] as const) {
    setXattr(`${folder}/${file}`, name, value);
  }
  sh(folder, "touch -d @1000000000.5 plain sticky empty .");
}

/** Everything there is to know about a tree, as text; the root's own line left out. */
const described = (folder: string): string =>
  sh(
    folder,
    `find . -mindepth 1 -printf '%p|%y|%m|%U|%G|%T@|%n|%l|' \\( -type f -printf '%s' -o -true \\) -printf '\\n' | LC_ALL=C sort
    find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
    stat -c '%n %t %T' null disk big
    python3 -c '
import os
for root, dirs, files in sorted(os.walk(b".")):
    for name in sorted(dirs + files):
        path = os.path.join(root, name)
        for key in sorted(os.listxattr(path, follow_symlinks=False)):
            print(path, key, os.getxattr(path, key, follow_symlinks=False))
'`,
  );

test("what GNU tar writes in any of its formats is unpacked as GNU tar unpacks it", async () => {
  using folder = scratch("tar");
  oddTree(folder.sub("tree"));
  const xattrs = ["--xattrs", "--xattrs-include=*"];
  // the older formats have no fractions of seconds, large ids or attributes: GNU tar's own result is the measure
  for (const [format, flags] of [
    ["pax", xattrs],
    ["pax", [...xattrs, "--sparse"]],
    ["pax", ["--sparse", "--sparse-version=0.0"]],
    ["pax", ["--sparse", "--sparse-version=0.1"]],
    ["gnu", []],
    ["gnu", ["--sparse"]],
    ["gnu", ["-z"]],
    ["pax", [...xattrs, "--zstd"]],
  ] as const) {
    const file = `${folder.path}/${format}.tar`;
    execFileSync("tar", [
      "-cf",
      file,
      `--format=${format}`,
      "--numeric-owner",
      ...flags,
      "-C",
      folder.sub("tree"),
      ".",
    ]);
    const [ours, theirs] = [folder.sub("ours"), folder.sub("theirs")];
    const result = await archive.extract(fs.createReadStream(file), ours, { whiteouts: "overlay" });
    execFileSync("tar", ["-xpf", file, "--numeric-owner", ...xattrs, "-C", theirs]);
    assert.equal(described(ours), described(theirs), `${format} ${flags.join(" ")}`);
    const uncompressed = flags.some((flag) => flag === "-z" || flag === "--zstd")
      ? sh(
          folder.path,
          `case $(head -c1 ${file} | od -An -tx1) in *1f*) gzip -dc ${file};; *) zstd -dcq ${file};; esac | sha256sum`,
        )
      : sh(folder.path, `sha256sum < ${file}`);
    assert.equal(result.digest, `sha256:${uncompressed.slice(0, 64)}`);
    assert.ok(fs.statSync(`${ours}/holes`).blocks < 10000 || !(flags as readonly string[]).includes("--sparse"));
    for (const used of [ours, theirs]) fs.rmSync(used, { recursive: true });
  }
});

test("what is packed here is unpacked by GNU tar to the same tree, and by ourselves", async () => {
  using folder = scratch("tar");
  oddTree(folder.sub("tree"));
  const file = fs.createWriteStream(`${folder.path}/packed.tar`);
  for await (const piece of archive.pack(folder.sub("tree"), { whiteouts: "plain" })) file.write(piece);
  await new Promise<void>((resolve) => void file.end(resolve));
  const [ours, theirs] = [folder.sub("ours"), folder.sub("theirs")];
  const complaints = sh(
    folder.path,
    "tar -xpf packed.tar --numeric-owner --xattrs --xattrs-include='*' -C theirs 2>&1",
  );
  assert.equal(complaints.replaceAll(/.*time stamp.*\n/g, ""), "");
  const { digest } = await archive.extract(fs.createReadStream(`${folder.path}/packed.tar`), ours, {
    whiteouts: "plain",
  });
  assert.equal(described(theirs), described(folder.sub("tree")));
  assert.equal(described(ours), described(folder.sub("tree")));
  assert.deepEqual(
    [
      await archive.packDigest(folder.sub("tree"), { whiteouts: "plain" }),
      await archive.packDigest(ours, { whiteouts: "plain" }),
    ].map((packed) => packed.digest),
    [digest, digest],
  );
});

test("links inside the tree are followed inside the tree: lib to usr/lib, then lib/foo", async () => {
  using folder = scratch("tar");
  const script =
    "mkdir -p usr/lib; echo foo > usr/lib/foo; ln -s usr/lib lib; ln -s /usr/lib /dev/null 2>/dev/null || true";
  sh(folder.sub("tree"), script);
  sh(
    folder.path,
    "tar -cf a.tar -C tree usr lib --transform 's,^x$,x,'; mkdir b; mkdir b/lib; echo bar > b/lib/bar; ln b/lib/bar b/lib/baz; tar -rf a.tar -C b lib/bar lib/baz",
  );
  await archive.extract(fs.createReadStream(`${folder.path}/a.tar`), folder.sub("out"), { whiteouts: "overlay" });
  assert.equal(
    sh(folder.sub("out"), "cat usr/lib/foo usr/lib/bar usr/lib/baz; readlink lib"),
    "foo\nbar\nbar\nusr/lib\n",
  );
});

test("entries replace what is in their place, and folders merge", async () => {
  using folder = scratch("tar");
  const out = folder.sub("out");
  sh(
    out,
    "echo o > file; echo o > to-folder; mkdir -p merged/old to-file/sub; touch to-file/sub/x; ln -s file link; ln -s merged folder-link; mkfifo pipe; echo victim > victim; ln victim hard",
  );
  sh(
    folder.sub("tree"),
    "echo n > file; mkdir to-folder; mkdir merged; echo n > merged/new; echo n > to-file; echo n > link; mkdir folder-link; echo n > folder-link/x; echo n > pipe; echo n > hard",
  );
  for (let again = 0; again < 2; again++) {
    await archive.extract(archive.pack(folder.sub("tree"), { whiteouts: "plain" }), out, { whiteouts: "plain" });
  }
  assert.equal(
    sh(out, "find . -printf '%p %y\\n' | sort; cat link pipe hard victim"),
    ". d\n./file f\n./folder-link d\n./folder-link/x f\n./hard f\n./link f\n./merged d\n./merged/new f\n./merged/old d\n./pipe f\n./to-file f\n./to-folder d\n./victim f\nn\nn\nn\nvictim\n",
  );
});

test("cp's rule: a folder is not replaced by a file nor a file by a folder", async () => {
  using folder = scratch("tar");
  sh(folder.path, "mkdir -p out/a tree; echo x > tree/a; mkdir -p out2 tree2/a; echo x > out2/a");
  for (const [tree, out, words] of [
    ["tree", "out", /cannot overwrite directory "\/a" with non-directory/],
    ["tree2", "out2", /cannot overwrite non-directory "\/a" with directory/],
  ] as const) {
    const packed = archive.pack(folder.sub(tree), { whiteouts: "plain" });
    const done = archive.extract(packed, folder.sub(out), { whiteouts: "plain", noOverwriteDirNonDir: true });
    await assert.rejects(done, words);
  }
});

test("a given owner is everyone's, folders made on the way included", async () => {
  using folder = scratch("tar");
  sh(
    folder.path,
    "mkdir -p tree/a/b out; echo x > tree/a/b/c; ln -s c tree/a/b/d; chmod 6755 tree/a/b/c; tar -cf a.tar -C tree a/b/c a/b/d",
  );
  await archive.extract(fs.createReadStream(`${folder.path}/a.tar`), folder.sub("out"), {
    whiteouts: "plain",
    owner: { uid: 5, gid: 6 },
  });
  assert.equal(
    sh(folder.sub("out"), "find . -mindepth 1 -printf '%p %U:%G %m\\n' | sort"),
    "./a 5:6 755\n./a/b 5:6 755\n./a/b/c 5:6 6755\n./a/b/d 5:6 777\n",
  );
});

test("a part of a tree is packed under its own or another name, with paths left out", async () => {
  using folder = scratch("tar");
  const tree = folder.sub("tree");
  sh(
    tree,
    "mkdir -p etc/app/conf.d; echo 1 > etc/app/main; echo 2 > etc/app/conf.d/x; ln -s app etc/alias; ln -s /etc/app outer",
  );
  const names = async (options: object): Promise<string> => {
    const parts: Buffer[] = [];
    for await (const piece of archive.pack(tree, { whiteouts: "plain", ...options })) parts.push(piece as Buffer);
    return execFileSync("tar", ["-t"], { input: Buffer.concat(parts), encoding: "utf8" })
      .trim()
      .replaceAll("\n", " ");
  };
  assert.equal(await names({ path: "/etc/app" }), "app/ app/conf.d/ app/conf.d/x app/main");
  assert.equal(await names({ path: "etc/app/", rename: "other" }), "other/ other/conf.d/ other/conf.d/x other/main");
  assert.equal(await names({ path: "etc/app/main", rename: "m" }), "m");
  assert.equal(await names({ path: "etc/alias" }), "alias");
  assert.equal(await names({ path: "outer/main" }), "main");
  assert.equal(await names({ path: "etc/app", without: ["/etc/app/conf.d"] }), "app/ app/main");
  assert.match(await names({ rename: "/" }), /^\/ \/etc\/ \/etc\/alias /);
  assert.equal(
    await names({ rename: "." }),
    "./ ./etc/ ./etc/alias ./etc/app/ ./etc/app/conf.d/ ./etc/app/conf.d/x ./etc/app/main ./outer",
  );
  await assert.rejects(names({ path: "etc/none" }), { code: "NO_SUCH_PATH" });
  await assert.rejects(names({ path: "none/none" }), { code: "NO_SUCH_PATH" });
});

test("an empty archive, one without an end mark and one with bytes after the end are fine", async () => {
  using folder = scratch("tar");
  sh(
    folder.path,
    "echo x > a; tar -cf a.tar a; head -c 1024 a.tar > cut.tar; (cat a.tar; head -c 100000 /dev/urandom) > more.tar; : > empty.tar; mkdir out",
  );
  for (const [name, entries] of [
    ["empty.tar", 0],
    ["a.tar", 1],
    ["cut.tar", 1],
    ["more.tar", 1],
  ] as const) {
    const recipe = `${folder.path}/${name}.recipe`;
    const result = await archive.extract(fs.createReadStream(`${folder.path}/${name}`), folder.sub(`out-${name}`), {
      whiteouts: "overlay",
      recipe,
    });
    assert.equal(result.entries, entries, name);
    const parts: Buffer[] = [];
    for await (const piece of archive.rebuild(folder.sub(`out-${name}`), recipe, { digest: result.digest }))
      parts.push(piece as Buffer);
    assert.deepEqual(Buffer.concat(parts), fs.readFileSync(`${folder.path}/${name}`));
  }
});

test("an archive is rebuilt from its recipe also when it is odd: sparse, long, replaced and linked", async () => {
  using folder = scratch("tar");
  oddTree(folder.sub("tree"));
  sh(
    folder.path,
    `tar -cf a.tar --format=pax --sparse -C tree .
    mkdir more; echo second > more/block; mkdir more/plain; echo third > more/plain/hello; tar -rf a.tar --format=pax -C more block plain/hello
    rm -r more; mkdir more; echo file > more/plain; echo first > more/x; tar -rf a.tar --format=pax -C more plain x; echo again > more/x; tar -rf a.tar --format=pax -C more x`,
  );
  const [out, recipe] = [folder.sub("out"), `${folder.path}/recipe`];
  const { digest } = await archive.extract(fs.createReadStream(`${folder.path}/a.tar`), out, {
    whiteouts: "overlay",
    recipe,
  });
  assert.equal(sh(out, "cat block plain x"), "second\nfile\nagain\n");
  let size = 0;
  for await (const piece of archive.rebuild(out, recipe, { digest })) size += (piece as Buffer).length;
  assert.equal(size, fs.statSync(`${folder.path}/a.tar`).size);
  assert.ok(fs.statSync(recipe).size < 200_000, "a recipe holds no contents");
  fs.writeFileSync(`${out}/six`, "other");
  await assert.rejects(Readable.from(archive.rebuild(out, recipe, { digest })).toArray(), { code: "LAYER_CORRUPT" });
});

test("an abort stops both ways, and nobody works in the folder afterwards", async () => {
  using folder = scratch("tar");
  sh(folder.sub("tree"), "for i in $(seq 1 500); do head -c 20000 /dev/zero > f$i; done");
  const stop = new AbortController();
  const out = folder.sub("out");
  const packed = archive.pack(folder.sub("tree"), { whiteouts: "plain" });
  const slow = Readable.from(
    (async function* () {
      for await (const piece of packed) {
        yield piece;
        if (fs.readdirSync(out).length > 20) stop.abort();
        await new Promise((resolve) => void setImmediate(resolve));
      }
    })(),
    { objectMode: false },
  );
  await assert.rejects(archive.extract(slow, out, { whiteouts: "plain", signal: stop.signal }), { code: "CANCELED" });
  const left = fs.readdirSync(out).length;
  assert.ok(left > 0 && left < 500);
  const reading = new AbortController();
  const stream = archive.pack(folder.sub("tree"), { whiteouts: "plain", signal: reading.signal });
  await assert.rejects(
    (async () => {
      for await (const _ of stream) reading.abort();
    })(),
    { code: "CANCELED" },
  );
  assert.equal(fs.readdirSync(out).length, left);
});

test("many at once, packs piped into extracts, share two workers without waiting for each other", async () => {
  using folder = scratch("tar");
  sh(folder.sub("tree"), "for i in $(seq 1 420); do head -c 6000 /dev/urandom > f$i; done");
  const digests = await Promise.all(
    Array.from({ length: 4 }, async (_, i) => {
      const packed = archive.pack(folder.sub("tree"), { whiteouts: "plain" });
      return (await archive.extract(packed, folder.sub(`out${i}`), { whiteouts: "plain" })).digest;
    }),
  );
  assert.equal(new Set(digests).size, 1);
});
