import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Entry } from "../../../../src/drivers/tar/entry.ts";
import { formatHeader } from "../../../../src/drivers/tar/header.ts";
import { formatTime, parseNumber, parseTime } from "../../../../src/drivers/tar/numbers.ts";
import { formatPax, parsePax } from "../../../../src/drivers/tar/pax.ts";
import { type EntrySink, TarReader } from "../../../../src/drivers/tar/reader.ts";

interface Seen extends Entry {
  content: string;
}

class Collector implements EntrySink {
  readonly seen: Seen[] = [];
  entry(entry: Entry): void {
    this.seen.push({ ...entry, content: "" });
  }
  data(bytes: Buffer): void {
    this.seen.at(-1)!.content += bytes.toString("latin1");
  }
  finish(): void {}
}

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);

const byteText = (max: number) =>
  fc
    .uint8Array({ minLength: 1, maxLength: max, min: 1 })
    .map((bytes) => Buffer.from(bytes).toString("latin1").replaceAll("/", "s"));

const entry: fc.Arbitrary<Seen> = fc
  .record(
    {
      type: fc.constantFrom<Entry["type"]>("file", "dir", "symlink", "link", "char", "block", "fifo"),
      name: fc.array(byteText(90), { minLength: 1, maxLength: 5 }).map((parts) => parts.join("/")),
      link: byteText(200),
      content: byteText(1500),
      mode: fc.nat(0o7777),
      uid: fc.nat(0xfffffffe),
      gid: fc.nat(0xfffffffe),
      mtime: fc.record(
        { seconds: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), nanoseconds: fc.nat(999_999_999) },
        { noNullPrototype: true },
      ),
      major: fc.nat(0xfff),
      minor: fc.nat(0xfffff),
      xattrs: fc.array(
        fc.tuple(fc.constantFrom("user.a", "user.b=c", "security.capability"), fc.uint8Array({ maxLength: 40 })),
      ),
    },
    { noNullPrototype: true },
  )
  .map((made) => {
    const { type } = made;
    const device = type === "char" || type === "block";
    const content = type === "file" ? made.content : "";
    return {
      ...made,
      content,
      name: type === "dir" ? `${made.name}/` : made.name,
      link: type === "symlink" || type === "link" ? made.link : "",
      size: content.length,
      major: device ? made.major : 0,
      minor: device ? made.minor : 0,
      // "=" ends a PAX key, so such an attribute cannot be written
      xattrs: new Map(
        made.xattrs.filter(([key]) => !key.includes("=")).map(([key, value]) => [key, Buffer.from(value)]),
      ),
      sparse: false,
    };
  });

test("whatever entries are written, they are read back the same, however the bytes are cut", () => {
  fc.assert(
    fc.property(
      fc.array(entry, { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1 }),
      (entries, cuts) => {
        const parts = entries.flatMap((one) => [formatHeader(one), padded(Buffer.from(one.content, "latin1"))]);
        const archive = Buffer.concat([...parts, Buffer.alloc(1024)]);
        const sink = new Collector();
        const reader = new TarReader(sink, 1000);
        for (let at = 0, i = 0; at < archive.length; i++) {
          const size = cuts[i % cuts.length]!;
          reader.write(archive.subarray(at, at + size));
          at += size;
        }
        reader.end();
        assert.deepEqual(sink.seen, entries);
      },
    ),
    { numRuns: 150 },
  );
});

test("random bytes are refused or read, and never crash the reader", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 512, maxLength: 3000 }), fc.nat(511), (noise, place) => {
      const block = formatHeader({
        type: "file",
        name: "a",
        link: "",
        size: 700,
        mode: 0,
        uid: 0,
        gid: 0,
        mtime: { seconds: 0, nanoseconds: 0 },
        major: 0,
        minor: 0,
        xattrs: new Map(),
        sparse: false,
      });
      block[place] = noise[0]!;
      for (const bytes of [Buffer.from(noise), Buffer.concat([block, Buffer.from(noise)])]) {
        try {
          const reader = new TarReader(new Collector(), 10);
          reader.write(bytes);
          reader.end();
        } catch (e) {
          assert.equal((e as { code?: string }).code, "BAD_ARCHIVE");
        }
      }
    }),
    { numRuns: 300 },
  );
});

test("the writer's bytes are an identity: they stay what they are from release to release", () => {
  const plain: Entry = {
    type: "file",
    name: "etc/hosts",
    link: "",
    size: 5,
    mode: 0o4755,
    uid: 1000,
    gid: 2_097_152,
    mtime: { seconds: 1_700_000_000, nanoseconds: 120_000_000 },
    major: 0,
    minor: 0,
    xattrs: new Map([["user.k", Buffer.from([0, 1, 255])]]),
    sparse: false,
  };
  const bytes = formatHeader(plain);
  assert.equal(bytes.length, 1536);
  assert.equal(bytes.toString("latin1", 0, 16), "PaxHeaders/hosts");
  assert.equal(
    bytes.toString("latin1", 512, 600).replaceAll("\0", "."),
    "27 SCHILY.xattr.user.k=.\x01\xff\n15 gid=2097152\n23 mtime=1700000000.12\n.......................".slice(0, 88),
  );
  assert.equal(bytes.toString("latin1", 1024, 1033), "etc/hosts");
  assert.equal(bytes.toString("latin1", 1124, 1164), "0004755\x000001750\x000000000\x0000000000005\x001452");
});

test("PAX records know their own length, at every number of digits", () => {
  for (const size of [0, 1, 80, 89, 90, 91, 92, 93, 980, 988, 989, 990, 991, 9985, 9990, 9991]) {
    const value = Buffer.alloc(size, "v");
    const body = formatPax([["key", value]]);
    assert.equal(Number.parseInt(body.toString("latin1"), 10), body.length);
    assert.deepEqual(parsePax(body), [["key", value]]);
  }
});

test("malformed PAX records are refused", () => {
  for (const bad of [
    "x",
    "5 a=\n6",
    "99 a=b\n",
    "0 a=b\n",
    "6 a=bb",
    "-6 a=b\n",
    "7 ab=b",
    "6 =bb\n",
    "8 a\0=bb\n",
    "1e1 a=bbb\n",
  ]) {
    assert.throws(() => parsePax(Buffer.from(bad)), { code: "BAD_ARCHIVE" }, JSON.stringify(bad));
  }
});

test("times keep their nanoseconds, before 1970 too", () => {
  for (const text of ["0", "1.5", "-1", "-0.5", "-1.000000001", "1700000000.123456789"])
    assert.equal(formatTime(parseTime(text)), text);
  assert.deepEqual(parseTime("-0.25"), { seconds: -1, nanoseconds: 750_000_000 });
  assert.deepEqual(parseTime("3.1234567899"), { seconds: 3, nanoseconds: 123_456_789 });
  for (const bad of ["", "x", "1e5", "--1", "1.2.3", "9".repeat(20)])
    assert.throws(() => parseTime(bad), { code: "BAD_ARCHIVE" });
});

test("numbers are octal with any filling, or base 256", () => {
  const read = (text: string): number => parseNumber(Buffer.from(text, "latin1"), 0, text.length);
  assert.equal(read("0000644\0"), 0o644);
  assert.equal(read("   644 \0"), 0o644);
  assert.equal(read("\0\0\0\0"), 0);
  assert.equal(read("\x80\0\0\x01\0\0"), 65536);
  assert.equal(read("\xff\xff\xff\xfe"), -2);
  assert.throws(() => read("12x4"), { code: "BAD_ARCHIVE" });
  assert.throws(() => read("-1\0\0"), { code: "BAD_ARCHIVE" });
  assert.throws(() => read(`\x80${"\xff".repeat(11)}`), { code: "BAD_ARCHIVE" });
});
