import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { after, before, describe, it } from "node:test";
import type { ProgressEvent } from "../../../src/base/progress.ts";
import { HttpRegistry } from "../../../src/drivers/registry-http/registry.ts";
import { Images } from "../../../src/engine/images/images.ts";
import { tarOf, type World, world } from "../../unit/engine/images/fakes.ts";
import { systemClock } from "../registry-http/clock.ts";
import { type RealRegistry, startRegistry } from "../registry-http/docker-registry.ts";

describe("images and Debian's registry", () => {
  let server: RealRegistry;
  const registry = new HttpRegistry({ clock: systemClock, retryPauseMs: 10 });
  before(async () => {
    server = await startRegistry();
  });
  after(async () => {
    registry.close();
    await server.stop();
  });

  async function withImage(name: string): Promise<{ deps: World; images: Images }> {
    const deps = world(registry);
    const images = new Images(deps);
    const bottom = await deps.layers.addFromTar(undefined, Readable.from([tarOf({ "bin/sh": "#!shell" })]));
    const top = await deps.layers.addFromTar(
      bottom.chainId,
      Readable.from([tarOf({ data: Buffer.alloc(300_000, "x") })]),
    );
    await images.add(
      { os: "linux", architecture: "amd64", created: "2025-01-01T00:00:00Z", config: { Cmd: ["sh"] } },
      [bottom.chainId, top.chainId],
      [name],
    );
    return { deps, images };
  }

  it("pushes a built image, pulls it elsewhere, and a second push keeps the digest", async () => {
    const name = `${server.host}/a/app:1`;
    const { images } = await withImage(name);
    const id = images.resolve(name).id;
    const told: ProgressEvent[] = [];
    const [pushed] = await images.push({ reference: name }, { onProgress: (event) => void told.push(event) });
    assert.equal(told[0]?.status, `The push refers to repository [${server.host}/a/app]`);
    assert.deepEqual(told.filter((e) => e.status === "Pushed").length, 2);
    assert.deepEqual(told.at(-1)?.aux, { Tag: "1", Digest: pushed!.digest, Size: pushed!.size });
    assert.equal(told.at(-2)?.status, `1: digest: ${pushed!.digest} size: ${pushed!.size}`);
    assert.deepEqual(images.inspect(name).RepoDigests, [`${server.host}/a/app@${pushed!.digest}`]);

    const deps = world(registry);
    const other = new Images(deps);
    const lines: string[] = [];
    const record = await other.pull(
      { reference: name },
      { onProgress: (e) => void lines.push(`${e.id ?? ""}|${e.status}`) },
    );
    assert.equal(record.id, id);
    assert.equal(lines[0], "1|Pulling from a/app");
    for (const status of ["Pulling fs layer", "Download complete", "Pull complete"]) {
      assert.equal(lines.filter((line) => line.endsWith(`|${status}`)).length, 2, status);
    }
    assert.deepEqual(lines.slice(-2), [`|Digest: ${pushed!.digest}`, `|Status: Downloaded newer image for ${name}`]);
    assert.deepEqual(deps.published, [`image pull ${name} ${server.host}/a/app`]);

    const again: string[] = [];
    await other.pull({ reference: name }, { onProgress: (e) => void again.push(e.status ?? "") });
    assert.deepEqual(again, [
      "Pulling from a/app",
      `Digest: ${pushed!.digest}`,
      `Status: Image is up to date for ${name}`,
    ]);

    other.tag(name, `${server.host}/b/app:2`);
    const steps: string[] = [];
    const [second] = await other.push(
      { reference: `${server.host}/b/app:2` },
      { onProgress: (e) => void steps.push(e.status ?? "") },
    );
    assert.equal(second!.digest, pushed!.digest);
    assert.equal(steps.filter((s) => s === "Mounted from a/app").length, 2);
    const third: string[] = [];
    await other.push({ reference: `${server.host}/b/app:2` }, { onProgress: (e) => void third.push(e.status ?? "") });
    assert.equal(third.filter((s) => s === "Layer already exists").length, 2);
    const { images: twin } = await withImage(name);
    assert.equal((await twin.push({ reference: name }))[0]!.digest, pushed!.digest, "packing is reproducible");
  });

  it("pulls by digest and every tag of a repository, and asks what a name stands for", async () => {
    const { images } = await withImage(`${server.host}/many:1`);
    images.tag(`${server.host}/many:1`, `${server.host}/many:2`);
    await images.push({ reference: `${server.host}/many`, allTags: true });
    const deps = world(registry);
    const other = new Images(deps);
    await other.pull({ reference: `${server.host}/many`, allTags: true });
    const record = other.resolve(`${server.host}/many:2`);
    assert.deepEqual(other.tagsOf(record.id), [`${server.host}/many:1`, `${server.host}/many:2`]);
    const digest = other.inspect(record.id).RepoDigests[0]!;
    const third = new Images(world(registry));
    assert.equal((await third.pull({ reference: digest })).id, record.id);
    assert.deepEqual(third.tagsOf(record.id), []);
    const { descriptor, platforms } = await third.distribution(`${server.host}/many:1`);
    assert.equal(`${server.host}/many@${descriptor.digest}`, digest);
    assert.deepEqual(platforms, [{ os: "linux", architecture: "amd64" }]);
  });

  it("says what is missing, here and there", async () => {
    const images = new Images(world(registry));
    await assert.rejects(images.push({ reference: `${server.host}/none` }), {
      message: `An image does not exist locally with the tag: ${server.host}/none`,
    });
    await assert.rejects(images.pull({ reference: `${server.host}/none` }), {
      kind: "notFound",
      message: `manifest for ${server.host}/none:latest not found: manifest unknown: manifest unknown`,
    });
  });

  it("downloads a layer once for two pulls at the same time", async () => {
    const name = `${server.host}/twice:1`;
    const { images } = await withImage(name);
    await images.push({ reference: name });
    const deps = world(registry);
    const other = new Images(deps);
    await Promise.all([other.pull({ reference: name }), other.pull({ reference: name })]);
    assert.equal(deps.blobs.written, 3);
  });
});
