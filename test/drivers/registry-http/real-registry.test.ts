import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { after, before, describe, it } from "node:test";
import { isGantryError } from "../../../src/base/errors.ts";
import { MEDIA } from "../../../src/base/image-config.ts";
import { HttpRegistry } from "../../../src/drivers/registry-http/registry.ts";
import { systemClock } from "./clock.ts";
import { type RealRegistry, startRegistry } from "./docker-registry.ts";

const sha = (bytes: Buffer): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

async function collect(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe("Debian's registry without a password", () => {
  let server: RealRegistry;
  const client = new HttpRegistry({ clock: systemClock, retryPauseMs: 10 });
  before(async () => {
    server = await startRegistry();
  });
  after(async () => {
    client.close();
    await server.stop();
  });

  const blob = randomBytes(3_000_000);
  const digest = sha(blob);
  const config = Buffer.from("{}");

  it("takes a blob, knows it, mounts it elsewhere and gives it back whole or from a byte on", async () => {
    const repo = { registry: server.host, repository: "a/one" };
    assert.equal(await client.hasBlob(repo, digest, {}), false);
    let opened = 0;
    await client.putBlob(
      repo,
      digest,
      blob.length,
      () => (opened++, Readable.from([blob.subarray(0, 1e6), blob.subarray(1e6)])),
      {},
    );
    assert.equal(opened, 1);
    assert.equal(await client.hasBlob(repo, digest, {}), true);
    const other = { registry: server.host, repository: "two" };
    assert.equal(await client.mountBlob(other, digest, "a/one", {}), true);
    assert.equal(await client.mountBlob(other, sha(Buffer.from("absent")), "a/one", {}), false);
    const whole = await client.getBlob(other, digest, {});
    assert.equal(whole.size, blob.length);
    assert.ok((await collect(whole.body)).equals(blob));
    const rest = await client.getBlob(other, digest, { start: 2_999_990 });
    assert.deepEqual([rest.start, rest.size], [2_999_990, blob.length]);
    assert.ok((await collect(rest.body)).equals(blob.subarray(2_999_990)));
    const beyond = await client.getBlob(other, digest, { start: blob.length });
    assert.equal(beyond.start, 0);
    beyond.body.destroy();
  });

  it("stores a manifest under a tag and finds it by tag, by digest and in the list of tags", async () => {
    const repo = { registry: server.host, repository: "a/one" };
    await client.putBlob(repo, sha(config), config.length, () => Readable.from([config]), {});
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MEDIA.dockerManifest,
        config: { mediaType: MEDIA.dockerConfig, digest: sha(config), size: config.length },
        layers: [{ mediaType: MEDIA.dockerLayerGzip, digest, size: blob.length }],
      }),
    );
    assert.equal(await client.putManifest(repo, "v1", manifest, MEDIA.dockerManifest, {}), sha(manifest));
    for (const reference of ["v1", sha(manifest)]) {
      const found = await client.getManifest(repo, reference, {});
      assert.deepEqual([found.mediaType, found.digest], [MEDIA.dockerManifest, sha(manifest)]);
      assert.ok(found.bytes.equals(manifest));
    }
    assert.deepEqual(await client.listTags(repo, {}), ["v1"]);
  });

  it("says in Docker's words that a manifest, a repository or a registry is missing", async () => {
    const repo = { registry: server.host, repository: "x" };
    await assert.rejects(client.getManifest(repo, "y", {}), {
      kind: "notFound",
      message: `manifest for ${server.host}/x:y not found: manifest unknown: manifest unknown`,
    });
    await assert.rejects(client.listTags(repo, {}), {
      kind: "notFound",
      message: `repository ${server.host}/x not found: name unknown: repository name not known to registry`,
    });
    await assert.rejects(client.getManifest({ registry: "127.0.0.1:1", repository: "x" }, "y", {}), {
      kind: "unavailable",
      message: 'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
    });
    await assert.rejects(client.getManifest({ registry: "nowhere.invalid", repository: "x" }, "y", {}), {
      kind: "unavailable",
      message: /^Get "https:\/\/nowhere\.invalid\/v2\/": dial tcp: lookup nowhere\.invalid/,
    });
  });

  it("is not asked for names that would leave the path", async () => {
    for (const repository of ["../x", "a/../b", "A", "a b", "a?b", ""]) {
      await assert.rejects(client.getManifest({ registry: server.host, repository }, "y", {}), {
        code: "BAD_REFERENCE",
      });
    }
    const repo = { registry: server.host, repository: "x" };
    await assert.rejects(client.getManifest(repo, "../y", {}), { code: "BAD_REFERENCE" });
    await assert.rejects(client.getBlob(repo, "sha256:../x", {}), { code: "BAD_REFERENCE" });
  });

  it("stops at once when the caller gives up", async () => {
    const aborter = new AbortController();
    const { body } = await client.getBlob({ registry: server.host, repository: "two" }, digest, {
      signal: aborter.signal,
    });
    aborter.abort();
    await assert.rejects(collect(body), { kind: "canceled" });
  });

  it("lets anybody log in", async () => {
    const login = await client.login({ serveraddress: server.host, username: "a", password: "b" }, {});
    assert.deepEqual(login, { status: "Login Succeeded" });
  });
});

describe("Debian's registry with a password", () => {
  let server: RealRegistry;
  const client = new HttpRegistry({ clock: systemClock, retryPauseMs: 10 });
  before(async () => {
    server = await startRegistry({ htpasswd: true });
  });
  after(async () => {
    client.close();
    await server.stop();
  });
  const good = { username: "gantry", password: "secret" };

  it("refuses who has no credentials or the wrong ones, and takes the right ones", async () => {
    const repo = { registry: server.host, repository: "x" };
    await assert.rejects(client.getManifest(repo, "y", {}), {
      kind: "unauthorized",
      message: `Get "http://${server.host}/v2/x/manifests/y": no basic auth credentials`,
    });
    await assert.rejects(client.getManifest(repo, "y", { auth: { ...good, password: "no" } }), {
      kind: "unauthorized",
      message: "unauthorized: authentication required",
    });
    const blob = Buffer.from("hello");
    await client.putBlob(repo, sha(blob), blob.length, () => Readable.from([blob]), { auth: good });
    assert.equal(await client.hasBlob(repo, sha(blob), { auth: good }), true);
    await assert.rejects(client.getManifest(repo, "y", { auth: good }), (e) => isGantryError(e, "MANIFEST_UNKNOWN"));
  });

  it("tells a good login from a bad one", async () => {
    const serveraddress = `http://${server.host}/v1/`;
    assert.equal((await client.login({ ...good, serveraddress }, {})).status, "Login Succeeded");
    await assert.rejects(client.login({ username: "gantry", password: "no", serveraddress }, {}), {
      kind: "unauthorized",
      message: `login attempt to http://${server.host}/v2/ failed with status: 401 Unauthorized`,
    });
  });
});
