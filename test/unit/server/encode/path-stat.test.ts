import assert from "node:assert/strict";
import { test } from "node:test";
import { goFileMode, pathStatHeader } from "../../../../src/server/encode/path-stat.ts";

test("modes are Go's: types and special bits above the permissions", () => {
  assert.equal(goFileMode({ type: "directory", mode: 0o755 }), 2147484141);
  assert.equal(goFileMode({ type: "directory", mode: 0o1777 }), 2148532735);
  assert.equal(goFileMode({ type: "file", mode: 0o4755 }), 8389101);
  assert.equal(goFileMode({ type: "link", mode: 0o777 }), 134218239);
  assert.equal(goFileMode({ type: "fifo", mode: 0o644 }), 33554852);
  assert.equal(goFileMode({ type: "char", mode: 0o644 }), 69206436);
});

test("the header is JSON in base64, with the time in RFC 3339", () => {
  const info = { name: "l", size: 3, type: "link", mode: 0o777, linkTarget: "/d/one" } as const;
  const decoded = (mtime: bigint): unknown =>
    JSON.parse(Buffer.from(pathStatHeader({ ...info, mtime }), "base64").toString());
  assert.deepEqual(decoded(1_700_000_000_120_000_000n), {
    ...{ name: "l", size: 3, mode: 134218239, linkTarget: "/d/one", mtime: "2023-11-14T22:13:20.12Z" },
  });
  assert.deepEqual((decoded(-1n) as { mtime: string }).mtime, "1969-12-31T23:59:59.999999999Z");
  assert.deepEqual((decoded(0n) as { mtime: string }).mtime, "1970-01-01T00:00:00Z");
});
