import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isGantryError } from "../../../src/base/errors.ts";
import {
  familiarName,
  familiarRepository,
  isDigest,
  isTag,
  normalizedName,
  parseReference,
  withDefaultTag,
} from "../../../src/base/reference.ts";

const HEX = "a".repeat(64);
const SHA = `sha256:${HEX}`;

test("names are read, completed and shown again", () => {
  const cases: [text: string, normalized: string, familiar: string][] = [
    ["busybox", "docker.io/library/busybox", "busybox"],
    ["busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"],
    ["library/busybox", "docker.io/library/busybox", "busybox"],
    ["docker.io/busybox", "docker.io/library/busybox", "busybox"],
    ["docker.io/library/busybox:x", "docker.io/library/busybox:x", "busybox:x"],
    ["index.docker.io/library/busybox", "docker.io/library/busybox", "busybox"],
    ["me/app", "docker.io/me/app", "me/app"],
    ["a/b/c:1", "docker.io/a/b/c:1", "a/b/c:1"],
    ["library/a/b", "docker.io/library/a/b", "library/a/b"],
    ["localhost/x", "localhost/x", "localhost/x"],
    ["localhost:5000/x", "localhost:5000/x", "localhost:5000/x"],
    [`localhost:5000/x@${SHA}`, `localhost:5000/x@${SHA}`, `localhost:5000/x@${SHA}`],
    [`ghcr.io/a/b-c__d.e:T_1@${SHA}`, `ghcr.io/a/b-c__d.e:T_1@${SHA}`, `ghcr.io/a/b-c__d.e:T_1@${SHA}`],
    ["[::1]:5000/x:1", "[::1]:5000/x:1", "[::1]:5000/x:1"],
    ["192.168.1.1/x", "192.168.1.1/x", "192.168.1.1/x"],
    ["HOST/x", "HOST/x", "HOST/x"],
    ["xn--n3h.com/myimage", "xn--n3h.com/myimage", "xn--n3h.com/myimage"],
    ["docker.io/a.b/c", "docker.io/a.b/c", "docker.io/a.b/c"],
    ["docker.io/localhost/c", "docker.io/localhost/c", "docker.io/localhost/c"],
    ["localhost", "docker.io/library/localhost", "localhost"],
    ["test.com:8080", "docker.io/library/test.com:8080", "test.com:8080"],
  ];
  for (const [text, normalized, familiar] of cases) {
    const ref = parseReference(text);
    assert.equal(normalizedName(ref), normalized, text);
    assert.equal(familiarName(ref), familiar, text);
    assert.deepEqual(parseReference(familiar), ref, text);
  }
});

test("a reference keeps registry, repository, tag and digest apart", () => {
  assert.deepEqual(parseReference(`reg:5000/a/b:1@${SHA}`), {
    registry: "reg:5000",
    repository: "a/b",
    tag: "1",
    digest: SHA,
  });
  assert.deepEqual(parseReference("busybox"), { registry: "docker.io", repository: "library/busybox" });
  assert.equal(familiarRepository(parseReference("busybox:1")), "busybox");
});

test("only a name without tag and digest gets latest", () => {
  assert.equal(familiarName(withDefaultTag(parseReference("busybox"))), "busybox:latest");
  assert.equal(familiarName(withDefaultTag(parseReference("busybox:1"))), "busybox:1");
  assert.equal(familiarName(withDefaultTag(parseReference(`busybox@${SHA}`))), `busybox@${SHA}`);
});

test("bad names are refused in Docker's words", () => {
  const invalid = "invalid reference format";
  const gap = (what: string): string => `${invalid}: ${what} is empty: is a variable such as \${TAG} unset?`;
  const cases: [string, string][] = [
    ["", gap("the name")],
    [":justtag", gap('a part of ":justtag"')],
    ["busybox:", gap('a part of "busybox:"')],
    ["busybox@", gap('a part of "busybox@"')],
    ["a//b", gap('a part of "a//b"')],
    ["/x", gap('a part of "/x"')],
    ["x/", gap('a part of "x/"')],
    ["reg:5000/app/:1", gap('a part of "reg:5000/app/:1"')],
    ["-x", invalid],
    ["x-", invalid],
    ["x___y", invalid],
    ["x..y", invalid],
    ["a b", invalid],
    ["x:.tag", invalid],
    [`x:${"t".repeat(129)}`, invalid],
    ["x:a:b", invalid],
    ["x@sha256:abc", invalid],
    ["x@sha256:../../etc/passwd", invalid],
    ["bad_host.com:80x/x", invalid],
    ["-host.com/x", invalid],
    ["../x", invalid],
    ["Foo", `${invalid}: repository name (library/Foo) must be lowercase`],
    ["me/Foo:1", `${invalid}: repository name (me/Foo) must be lowercase`],
    ["docker.io/Foo", `${invalid}: repository name (library/Foo) must be lowercase`],
    [HEX, `invalid repository name (${HEX}), cannot specify 64-byte hexadecimal strings`],
    [`x@sha256:${"a".repeat(63)}`, "invalid checksum digest length"],
    [`x@sha256:${"A".repeat(64)}`, "invalid checksum digest format"],
    [`x@md5:${"a".repeat(32)}`, "unsupported digest algorithm"],
    [`x@constructor:${"a".repeat(32)}`, "unsupported digest algorithm"],
    [`reg.io/${"a/".repeat(128)}a`, "repository name must not be more than 255 characters"],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => parseReference(text), { kind: "invalid", code: "BAD_REFERENCE", message }, text);
  }
});

test("a part that an empty variable left out is pointed at", () => {
  for (const text of ["", "busybox:", ":1", "repo/:tag"]) {
    assert.throws(() => parseReference(text), { hint: /variable such as \$\{TAG\}/ });
  }
  assert.throws(
    () => parseReference("a b"),
    (error) => isGantryError(error) && error.hint === undefined,
  );
});

test("digests and tags are recognised", () => {
  assert.equal(isDigest(SHA), true);
  assert.equal(isDigest(`sha512:${"0".repeat(128)}`), true);
  assert.equal(isDigest("sha256:abc"), false);
  assert.equal(isDigest(`sha256:${"A".repeat(64)}`), false);
  assert.equal(isTag("1.0_x-y"), true);
  assert.equal(isTag("-x"), false);
});

test("any text is either refused or a name that survives writing and reading", () => {
  const piece = fc.constantFrom(
    "a",
    "B",
    "1",
    ".",
    "-",
    "_",
    "/",
    ":",
    "@",
    "localhost",
    "docker.io",
    "library",
    SHA,
    " ",
    "é",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      let ref;
      try {
        ref = parseReference(pieces.join(""));
      } catch (error) {
        assert.ok(isGantryError(error, "BAD_REFERENCE"));
        return;
      }
      assert.deepEqual(parseReference(familiarName(ref)), ref);
      assert.deepEqual(parseReference(normalizedName(ref)), ref);
    }),
    { numRuns: 500 },
  );
});
