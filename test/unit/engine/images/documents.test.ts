import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MEDIA } from "../../../../src/base/image-config.ts";
import { chainIds, parseConfig, parseManifest } from "../../../../src/engine/images/manifest.ts";
import { parsePlatform, pickManifest, runsOn } from "../../../../src/base/platform.ts";
import { sha } from "./fakes.ts";

const D = `sha256:${"0".repeat(64)}`;
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const host = { os: "linux", architecture: "amd64" };

describe("manifests and configs", () => {
  it("chain ids follow the OCI image-spec", () => {
    assert.deepEqual(chainIds([]), []);
    assert.deepEqual(chainIds(["a", "b", "c"]), ["a", sha("a b"), sha(`${sha("a b")} c`)]);
  });

  it("reads an index by its own media type where nothing else names it", () => {
    const entry = {
      mediaType: MEDIA.ociManifest,
      digest: D,
      size: 5,
      platform: { os: "linux", architecture: "arm", variant: "v7" },
    };
    const found = parseManifest(json({ schemaVersion: 2, manifests: [entry] }));
    assert.deepEqual(found.kind === "index" && found.index.manifests, [entry]);
  });

  it("refuses what it can't be sure of", () => {
    const image = { schemaVersion: 2, config: { mediaType: "x", digest: D, size: 1 }, layers: [] };
    assert.equal(parseManifest(json(image)).kind, "image");
    for (const bad of [
      { ...image, schemaVersion: 1 },
      { ...image, manifests: [] },
      { ...image, mediaType: MEDIA.ociIndex },
      { ...image, layers: {} },
      { ...image, layers: Array.from({ length: 128 }, () => image.config) },
      { ...image, config: { ...image.config, size: -1 } },
      { ...image, config: { ...image.config, size: 1e300 } },
      { ...image, config: undefined },
    ]) {
      assert.throws(() => parseManifest(json(bad), MEDIA.ociManifest), { kind: "invalid", code: "BAD_IMAGE" });
    }
  });

  it("takes a config whose optional parts are null, and none with parts of a wrong type", () => {
    const good = {
      os: "linux",
      architecture: "amd64",
      rootfs: { type: "layers", diff_ids: null },
      config: { Env: null, Cmd: null },
    };
    assert.deepEqual(parseConfig(json(good)).rootfs.diff_ids, []);
    for (const config of [
      { Env: "A" },
      { User: 0 },
      { Labels: { a: 1 } },
      { Volumes: [] },
      { Entrypoint: [1] },
      { Healthcheck: { Test: "x" } },
    ]) {
      assert.throws(() => parseConfig(json({ ...good, config })), { code: "BAD_IMAGE" });
    }
    assert.throws(() => parseConfig(json({ ...good, created: "yesterday" })), { code: "BAD_IMAGE" });
    assert.throws(() => parseConfig(json({ ...good, history: [{ empty_layer: "yes" }] })), { code: "BAD_IMAGE" });
  });
});

describe("platforms", () => {
  it("are read as clients write them", () => {
    assert.deepEqual(parsePlatform("linux/arm64/v8", host), { os: "linux", architecture: "arm64" });
    assert.deepEqual(parsePlatform("linux/x86_64", host), host);
    assert.deepEqual(parsePlatform("arm", host), { os: "linux", architecture: "arm", variant: "v7" });
    assert.deepEqual(parsePlatform("linux", host), host);
    assert.throws(() => parsePlatform("a/b/c/d", host), { code: "BAD_PLATFORM" });
    assert.throws(() => parsePlatform("linux/$(x)", host), { code: "BAD_PLATFORM" });
  });

  it("run what was made for older ones of their kind", () => {
    assert.ok(
      runsOn({ os: "linux", architecture: "arm", variant: "v7" }, { os: "linux", architecture: "arm", variant: "v6" }),
    );
    assert.ok(
      !runsOn({ os: "linux", architecture: "arm", variant: "v6" }, { os: "linux", architecture: "arm", variant: "v7" }),
    );
    assert.ok(runsOn({ os: "linux", architecture: "arm64" }, { os: "linux", architecture: "arm64", variant: "v8" }));
    assert.ok(!runsOn(host, { os: "windows", architecture: "amd64" }));
  });

  it("pick their manifest from an index, never an attestation", () => {
    const entry = (digest: string, platform?: object): never =>
      ({ mediaType: MEDIA.ociManifest, digest, size: 1, platform }) as never;
    const index = [
      entry("a", { os: "unknown", architecture: "unknown" }),
      entry("b", { os: "linux", architecture: "arm", variant: "v6" }),
      entry("c", { os: "linux", architecture: "arm", variant: "v7" }),
      entry("d", { os: "linux", architecture: "amd64" }),
    ];
    assert.equal(pickManifest(index, host).digest, "d");
    assert.equal(pickManifest(index, { os: "linux", architecture: "arm", variant: "v7" }).digest, "c");
    assert.equal(pickManifest([entry("only")], host).digest, "only");
    assert.throws(() => pickManifest(index, { os: "linux", architecture: "arm64" }), {
      kind: "notFound",
      message: "no matching manifest for linux/arm64 in the manifest list entries",
      hint: "there is: linux/arm/v6, linux/arm/v7, linux/amd64",
    });
  });
});
