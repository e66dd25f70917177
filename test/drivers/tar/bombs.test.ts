import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { Readable } from "node:stream";
import { after, test } from "node:test";
import zlib from "node:zlib";
import { scratch } from "../../support/scratch.ts";
import { testArchive } from "../../support/tar-archive.ts";
import { type Member, member } from "../../support/tar-maker.ts";

const archive = testArchive();
after(() => archive.close());

/** The highest memory of this process (workers are threads of it) above what it had, in MB. */
async function memoryOf(body: () => Promise<void>): Promise<number> {
  const before = process.memoryUsage().rss;
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 5);
  try {
    await body();
  } finally {
    clearInterval(timer);
  }
  return (Math.max(most, process.memoryUsage().rss) - before) / 1e6;
}

/** A file of that many zeros, gzipped: made once, then the middle repeated, so that the test stays quick. */
function zeros(gigabytes: number): Readable {
  const block = Buffer.alloc(64 << 20);
  const header = zlib.gzipSync(member({ name: "zeros", size: gigabytes * 2 ** 30 }).subarray(0, 2048));
  const body = zlib.gzipSync(block, { level: 9 }); // members of a gzip file follow each other
  return Readable.from([header, ...Array.from({ length: gigabytes * 16 }, () => body)], { objectMode: false });
}

test("gigabytes of zeros in gzip stop at the limit, with little memory", async () => {
  using folder = scratch("bomb");
  await archive.extract(Readable.from([Buffer.alloc(1 << 20)]), folder.path, { whiteouts: "plain" }); // a worker is up
  const used = await memoryOf(async () => {
    const limited = archive.extract(zeros(2), folder.path, { whiteouts: "plain", limits: { bytes: 512 << 20 } });
    await assert.rejects(limited, { code: "ARCHIVE_TOO_LARGE", message: /contents of more than 536870912 bytes/ });
  });
  assert.ok(used < 100, `${used} MB`);
  assert.deepEqual(fs.readdirSync(folder.path), []);
});

test("without a limit a bomb is told by how it grows, with little memory", async () => {
  using folder = scratch("bomb");
  const used = await memoryOf(async () => {
    const bomb = archive.extract(zeros(2), folder.path, { whiteouts: "plain" });
    await assert.rejects(bomb, { code: "ARCHIVE_TOO_LARGE", message: /grows more than 250 times/ });
  });
  assert.ok(used < 100, `${used} MB`);
});

test("a bomb in zstd is no better, and its program ends", async () => {
  using folder = scratch("bomb");
  const file = `${folder.path}/bomb.zst`;
  fs.writeFileSync(`${folder.path}/head`, member({ name: "zeros", size: 2 ** 31 }).subarray(0, 1024));
  execFileSync(
    "sh",
    [
      "-ec",
      `{ zstd -qc head; head -c 120000000 /dev/zero | zstd -qc > zeros; cat zeros zeros zeros zeros zeros zeros zeros zeros zeros zeros; } > ${file}`,
    ],
    {
      cwd: folder.path,
    },
  );
  const used = await memoryOf(async () => {
    const bomb = archive.extract(fs.createReadStream(file), folder.sub("out"), { whiteouts: "plain" });
    await assert.rejects(bomb, { code: "ARCHIVE_TOO_LARGE" });
  });
  assert.ok(used < 100, `${used} MB`);
  assert.equal(children("zstd"), 0);
});

test("hundreds of thousands of entries take little memory, and too many are refused", async () => {
  using folder = scratch("bomb");
  // the same few again and again, so that the test is about memory and not the file system
  const link: Member = { name: "l", type: "symlink", link: "." };
  const deep: Member = { name: `${"l/".repeat(30)}d/`, type: "dir" };
  const block = Buffer.concat([link, ...Array.from({ length: 1000 }, () => deep)].map((one) => member(one)));
  const many = Readable.from(
    (function* () {
      for (let i = 0; i < 100; i++) yield block;
    })(),
    { objectMode: false },
  );
  const used = await memoryOf(async () => {
    await assert.rejects(archive.extract(many, folder.path, { whiteouts: "overlay", limits: { entries: 90_000 } }), {
      code: "ARCHIVE_TOO_LARGE",
      message: /more than 90000 entries/,
    });
  });
  assert.ok(used < 100, `${used} MB`);
});

const children = (name: string): number =>
  fs
    .readFileSync(`/proc/self/task/${process.pid}/children`, "utf8")
    .split(" ")
    .filter((pid) => pid !== "" && fs.existsSync(`/proc/${pid}/comm`))
    .filter((pid) => fs.readFileSync(`/proc/${pid}/comm`, "utf8").trim() === name).length;
