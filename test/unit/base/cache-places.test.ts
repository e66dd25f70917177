import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseCacheSources, parseCacheTargets } from "../../../src/base/cache-places.ts";

describe("--cache-from", () => {
  it("takes names and fields, whole or cut at their commas", () => {
    const wanted = [
      { type: "image", reference: "alpine:3" },
      { type: "registry", reference: "host:5000/app:cache" },
      { type: "local", folder: "out", tag: "latest" },
    ];
    assert.deepEqual(
      parseCacheSources(["alpine:3", "type=registry,ref=host:5000/app:cache", "type=local,src=out"]),
      wanted,
    );
    assert.deepEqual(
      parseCacheSources(["alpine:3", "type=registry", "ref=host:5000/app:cache", "type=local", "src=out"]),
      wanted,
    );
  });

  it("says what is wrong", () => {
    for (const [text, words] of [
      ["ref=a", /type is missing before ref=a/],
      ["type=gha", /unknown cache type gha/],
      ["type=registry", /ref is missing/],
      ["type=local,src=x,ref=y", /unknown option ref/],
    ] as const) {
      assert.throws(() => parseCacheSources([text]), words);
    }
  });
});

describe("--cache-to", () => {
  it("takes what BuildKit takes", () => {
    assert.deepEqual(
      parseCacheTargets([
        "type=inline",
        "type=registry,ref=a/b,mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true",
        "type=local,dest=x,tag=main",
      ]),
      [
        { type: "inline" },
        { type: "registry", reference: "a/b", all: true, ignoreError: true },
        { type: "local", folder: "x", tag: "main", all: false, ignoreError: false },
      ],
    );
  });

  it("says what is wrong", () => {
    assert.throws(() => parseCacheTargets(["type=local,dest=x,mode=most"]), /mode is min or max, not most/);
    assert.throws(
      () => parseCacheTargets(["type=registry,ref=x,compression=zstd"]),
      /compression=zstd is not supported/,
    );
  });
});
