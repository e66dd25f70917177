import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { digestOf } from "../../../src/base/digest.ts";
import { FileBlobStore } from "../../../src/drivers/blobs/blob-store.ts";
import { scratch } from "../../support/scratch.ts";

const bytes = Buffer.from("some layer");
const digest = digestOf(bytes);
const code = (code: string) => (e: unknown) => (e as { code?: string }).code === code;

async function drain(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

test("what is put is listed, sized and read back, whole or from a place", async () => {
  using folder = scratch("blobs");
  const store = new FileBlobStore(folder.path);
  assert.equal(store.put(bytes), digest);
  assert.equal(store.put("some layer"), digest);
  assert.deepEqual(store.list(), [digest]);
  assert.equal(store.size(digest), bytes.length);
  assert.deepEqual(store.read(digest), bytes);
  assert.equal((await drain(store.open(digest, { start: 5 }))).toString(), "layer");
  store.remove(digest);
  store.remove(digest);
  assert.equal(store.has(digest), false);
  for (const use of [() => store.read(digest), () => store.size(digest), () => store.open(digest)]) {
    assert.throws(use, code("NO_SUCH_BLOB"));
  }
});

test("a flipped byte on disk is found when the blob is read", () => {
  using folder = scratch("blobs");
  const store = new FileBlobStore(folder.path);
  store.put(bytes);
  fs.writeFileSync(path.join(folder.path, "sha256", digest.slice(7)), "some lazer");
  assert.throws(() => store.read(digest), code("BLOB_CORRUPT"));
});

test("digests that are paths, short or of unknown algorithms are refused", () => {
  using folder = scratch("blobs");
  const store = new FileBlobStore(folder.path);
  for (const bad of [
    "sha256:../x",
    "sha256:abc",
    "md5:d41d8cd98f00b204e9800998ecf8427e",
    "",
    digest.toUpperCase(),
    `${digest}/`,
  ]) {
    assert.throws(() => store.has(bad), code("INVALID_DIGEST"), bad);
    assert.throws(() => store.writer({ digest: bad }), code("INVALID_DIGEST"), bad);
    assert.throws(() => store.remove(bad), code("INVALID_DIGEST"), bad);
  }
});

test("a download that was cut goes on where it stopped, also in a new process", async () => {
  using folder = scratch("blobs");
  const first = new FileBlobStore(folder.path).writer({ digest, size: bytes.length });
  await first.write(bytes.subarray(0, 4));
  await first.abort(true);
  const store = new FileBlobStore(folder.path);
  assert.equal(store.partialSize(digest), 4);
  assert.equal(store.has(digest), false);
  const second = store.writer({ digest, size: bytes.length });
  assert.equal(second.offset, 4);
  await second.write(bytes.subarray(4));
  assert.deepEqual(await second.commit(), { digest, size: bytes.length });
  assert.deepEqual(store.read(digest), bytes);
  assert.equal(store.partialSize(digest), 0);
});

test("wrong bytes, too few and too many are refused and leave nothing", async () => {
  using folder = scratch("blobs");
  const store = new FileBlobStore(folder.path);
  const wrong = store.writer({ digest });
  await wrong.write(Buffer.from("other"));
  await assert.rejects(wrong.commit(), code("DIGEST_MISMATCH"));
  const short = store.writer({ digest, size: bytes.length });
  await short.write(bytes.subarray(1));
  await assert.rejects(short.commit(), code("DIGEST_MISMATCH"));
  const long = store.writer({ digest, size: 3 });
  await assert.rejects(long.write(bytes), code("DIGEST_MISMATCH"));
  await long.abort(false);
  assert.deepEqual(store.list(), []);
  assert.deepEqual(fs.readdirSync(path.join(folder.path, "partial")), []);
});

test("two writers of one digest do not disturb each other", async () => {
  using folder = scratch("blobs");
  const store = new FileBlobStore(folder.path);
  const [one, two] = [store.writer({ digest }), store.writer({ digest })];
  await one.write(bytes.subarray(0, 3));
  await two.write(bytes);
  await two.commit();
  await one.write(bytes.subarray(3));
  await one.commit();
  assert.deepEqual(store.read(digest), bytes);
  assert.deepEqual(fs.readdirSync(path.join(folder.path, "partial")), []);
});

test("an empty blob and one of unknown digest can be written", async () => {
  using folder = scratch("blobs");
  const store = new FileBlobStore(folder.path);
  assert.deepEqual(await store.writer().commit(), { digest: digestOf(""), size: 0 });
  const writer = store.writer();
  await writer.write(bytes);
  assert.equal((await writer.commit()).digest, digest);
});

test("temp files of a killed process are gone after the next start, partial downloads are not", () => {
  using folder = scratch("blobs");
  const partial = folder.sub("partial");
  fs.writeFileSync(path.join(partial, "tmp-00"), "x");
  fs.writeFileSync(path.join(partial, digest.slice(7)), "some");
  const store = new FileBlobStore(folder.path);
  assert.equal(store.partialSize(digest), 4);
  assert.deepEqual(fs.readdirSync(partial), [digest.slice(7)]);
});
