import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { gzip } from "../../../../src/engine/images/gzip.ts";
import { cleanPath, readTar } from "../../../../src/engine/images/tar-reader.ts";
import { tarHeader } from "../../../../src/engine/images/tar-writer.ts";
import { collect, tarOf } from "./fakes.ts";

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe("gzip", () => {
  const data = Buffer.from(Array.from({ length: 300_000 }, (_, i) => `line ${i % 977}\n`).join(""));

  it("gives the same bytes however its input is cut", async () => {
    const once = await collect(gzip(inPieces(data, data.length)));
    for (const size of [1000, 65_536, 524_288, 700_001]) {
      assert.ok((await collect(gzip(inPieces(data, size)))).equals(once), String(size));
    }
    assert.ok(gunzipSync(once).equals(data));
    assert.ok(once.length < data.length / 3);
  });

  it("stores what does not get smaller as it is, beside what does", async () => {
    const noise = Buffer.alloc(1_200_000);
    for (let i = 0, x = 1; i < noise.length; i += 1) {
      x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
      noise[i] = x >>> 24;
    }
    const mixed = Buffer.concat([noise, data, noise]);
    const packed = await collect(gzip(inPieces(mixed, 65_536)));
    assert.ok(gunzipSync(packed).equals(mixed));
    assert.ok(packed.length < noise.length * 2 + data.length / 3);
  });

  it("packs nothing, and passes an error of its input on", async () => {
    assert.equal(gunzipSync(await collect(gzip(inPieces(Buffer.alloc(0), 1)))).length, 0);
    const broken = async function* (): AsyncGenerator<Buffer> {
      yield data;
      throw new Error("broken");
    };
    await assert.rejects(collect(gzip(broken())), /broken/);
  });
});

describe("reading an archive", () => {
  const read = async (tar: Buffer): Promise<[string, string, string][]> => {
    const entries: [string, string, string][] = [];
    for await (const entry of readTar(Readable.from(inPieces(tar, 333)))) {
      entries.push([entry.name, entry.type, entry.name.startsWith("skip") ? "" : String(await collect(entry.body))]);
    }
    return entries;
  };

  it("gives files in order, and skips what isn't read", async () => {
    const tar = tarOf({ "./a": "one", skip: Buffer.alloc(5000), "/b/c": "two", empty: "" });
    assert.deepEqual(await read(tar), [
      ["a", "file", "one"],
      ["skip", "file", ""],
      ["b/c", "file", "two"],
      ["empty", "file", ""],
    ]);
  });

  it("knows PAX and GNU long names", async () => {
    const long = "d/".repeat(90) + "file";
    const record = (text: string): Buffer => {
      const body = ` ${text}\n`;
      let length = body.length + 1;
      while (String(length).length + body.length !== length) length += 1;
      return Buffer.from(length + body);
    };
    const entry = (type: string, content: Buffer): Buffer => {
      const header = tarHeader("x", content.length);
      header.write(type, 156);
      header.fill(32, 148, 156);
      let sum = 0;
      for (const byte of header) sum += byte;
      header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
      return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
    };
    const tar = Buffer.concat([
      entry("x", record(`path=${long}`)),
      entry("0", Buffer.from("pax")),
      entry("L", Buffer.from(`${long}2\0`)),
      entry("0", Buffer.from("gnu")),
      Buffer.alloc(1024),
    ]);
    assert.deepEqual(await read(tar), [
      [long, "file", "pax"],
      [`${long}2`, "file", "gnu"],
    ]);
  });

  it("refuses damage and names that lead out", async () => {
    const good = tarOf({ a: "one" });
    for (const bad of [
      good.subarray(0, 700),
      Buffer.alloc(0),
      Buffer.alloc(1000, "x"),
      tarOf({ "../a": "x" }),
      tarOf({ "a/../../b": "x" }),
    ]) {
      await assert.rejects(read(bad), { kind: "invalid", code: "BAD_ARCHIVE" });
    }
    assert.equal(cleanPath("../other/layer.tar", "one/layer.tar"), "other/layer.tar");
    assert.throws(() => cleanPath("../../x", "one/layer.tar"), { code: "BAD_ARCHIVE" });
  });
});
