import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import type { ImageConfig } from "../../../../src/base/image-config.ts";
import type { ProgressEvent } from "../../../../src/base/progress.ts";
import { Bootstrap, planBootstrap } from "../../../../src/engine/images/bootstrap.ts";
import type { ImageRecord } from "../../../../src/engine/images/contract.ts";
import type { BaseImageMaker } from "../../../../src/ports/base-image-maker.ts";

test("busybox is planned under the name asked for", () => {
  for (const name of ["busybox", "busybox:latest", "docker.io/library/busybox"]) {
    assert.deepEqual(planBootstrap({ name }), {
      recipe: { family: "busybox" },
      name: "busybox:latest",
      command: ["sh"],
    });
  }
  assert.equal(planBootstrap({ name: "busybox:1.35" }).name, "busybox:1.35");
  assert.equal(planBootstrap({ name: "busybox", tag: "x" }).name, "busybox:x");
  assert.equal(planBootstrap({ name: "busybox", tag: "" }).name, "busybox:latest");
});

test("Debian's releases are known by name and number, with and without documentation", () => {
  const cases: [name: string, suite: string, slim: boolean][] = [
    ["debian", "bookworm", false],
    ["debian:latest", "bookworm", false],
    ["debian:bookworm", "bookworm", false],
    ["debian:bookworm-slim", "bookworm", true],
    ["debian:12", "bookworm", false],
    ["debian:12-slim", "bookworm", true],
    ["debian:trixie", "trixie", false],
    ["debian:bullseye-slim", "bullseye", true],
  ];
  for (const [name, suite, slim] of cases) {
    const { recipe, command } = planBootstrap({ name });
    assert.ok(recipe.family === "debian");
    assert.deepEqual([recipe.suite, recipe.slim, command], [suite, slim, ["bash"]], name);
    assert.ok(Number.isInteger(recipe.epoch) && recipe.epoch > 1.6e9 && recipe.epoch < 1.8e9);
  }
});

test("a mirror is an http address and nothing that apt would read otherwise", () => {
  const mirror = "http://mirror.example:8080/debian";
  const { recipe } = planBootstrap({ name: "debian", mirror });
  assert.equal(recipe.family === "debian" && recipe.mirror, mirror);
  for (const bad of [
    "--foo",
    "ftp://x/debian",
    "http://x [trusted=yes]",
    "http://x\ndeb y",
    "[trusted=yes]http://x",
    "file:/etc",
    "http://",
  ]) {
    assert.throws(() => planBootstrap({ name: "debian", mirror: bad }), { kind: "invalid", code: "BAD_MIRROR" }, bad);
  }
  assert.throws(() => planBootstrap({ name: "busybox", mirror }), { kind: "invalid", code: "BAD_MIRROR" });
});

test("a name that cannot be made is refused with those that can", () => {
  for (const name of [
    "alpine",
    "debian:potato",
    "me/busybox",
    "localhost:5000/busybox",
    `busybox@sha256:${"a".repeat(64)}`,
  ]) {
    assert.throws(
      () => planBootstrap({ name }),
      {
        kind: "invalid",
        code: "UNKNOWN_BASE_IMAGE",
        message: `cannot make a base image '${name}'`,
        hint: /busybox, debian, debian:bullseye, .*debian:bookworm-slim/,
      },
      name,
    );
  }
  assert.throws(() => planBootstrap({ name: "Busybox" }), { code: "BAD_REFERENCE" });
});

test("the tree becomes one layer of an image whose config says what runs", async () => {
  const added: unknown[] = [];
  const maker: BaseImageMaker = {
    make: (_recipe, { onStatus }, use) => {
      onStatus("Making");
      return use({ tar: Readable.from(["bytes"]), created: "2026-01-01T00:00:00Z" });
    },
  };
  const chainId = "sha256:1";
  const bootstrap = new Bootstrap({
    maker,
    platform: { os: "linux", architecture: "amd64" },
    layers: { addFromTar: async () => ({ chainId, diffId: chainId, size: 5, dir: "x" }) },
    images: {
      add: async (config: Omit<ImageConfig, "rootfs">, chain, tags) => {
        added.push(config, chain, tags);
        return { id: "sha256:2" } as ImageRecord;
      },
    },
  });
  const events: ProgressEvent[] = [];
  const signal = new AbortController().signal;
  const record = await bootstrap.run({ name: "debian", tag: "12-slim" }, (event) => events.push(event), signal);
  assert.equal(record.id, "sha256:2");
  assert.deepEqual(added, [
    {
      architecture: "amd64",
      os: "linux",
      created: "2026-01-01T00:00:00Z",
      config: { Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], Cmd: ["bash"] },
      history: [{ created: "2026-01-01T00:00:00Z", created_by: "gantry image bootstrap debian:bookworm-slim" }],
    },
    [chainId],
    ["debian:12-slim"],
  ]);
  assert.deepEqual(events, [
    { id: "debian:12-slim", status: "Making" },
    { id: "debian:12-slim", status: "Storing" },
    { id: "debian:12-slim", status: "Complete" },
    { aux: { ID: "sha256:2" } },
  ]);
});
