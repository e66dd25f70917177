import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { type RealRegistry, startRegistry } from "../drivers/registry-http/docker-registry.ts";
import { GANTRY, type Ran, run, TestEngine } from "../support/engine.ts";

let maker: TestEngine;
let user: TestEngine;
let registry: RealRegistry;
before(async () => {
  [maker, user, registry] = await Promise.all([TestEngine.start(), TestEngine.start(), startRegistry()]);
});
after(async () => {
  await registry.stop();
  await Promise.all([maker.end(), user.end()]);
});

const DOCKERFILE = [
  "FROM busybox AS work",
  "ARG FLAVOUR=none",
  "COPY source /source",
  "RUN --mount=type=secret,id=token test -s /run/secrets/token && wc -c /source >/counted",
  "FROM busybox",
  "COPY first /first",
  "RUN echo made >/made",
  "COPY --from=work /counted /counted",
  "COPY second /second",
].join("\n");

let context: string;
beforeEach(async () => {
  context = fs.mkdtempSync(path.join(maker.folder, "context-"));
  const files = { Dockerfile: DOCKERFILE, source: "abc", first: "1", second: "2", token: "much-hidden" };
  for (const [name, content] of Object.entries(files)) fs.writeFileSync(path.join(context, name), content);
  fs.writeFileSync(path.join(context, ".dockerignore"), "token\n");
  // Nothing of another test's: the second engine knows the base image alone.
  for (const engine of [maker, user]) await engine.ok("builder", "prune", "-af");
  await user.ok("image", "prune", "-f");
});

const build = (engine: TestEngine, ...flags: string[]): Promise<Ran> => {
  const secret = ["--secret", `id=token,src=${context}/token`, "--build-arg", "FLAVOUR=argument-value"];
  return run(GANTRY, ["build", "--progress", "plain", ...secret, ...flags, context], { env: engine.env });
};

const done = (ran: Ran): string => {
  assert.equal(ran.code, 0, ran.stderr + ran.stdout);
  return ran.stdout;
};

/** The instructions that were carried out. */
function carriedOut(output: string): string[] {
  const names = new Map([...output.matchAll(/^#(\d+) \[[^\]]*\] (.*)$/gm)].map(([, id, name]) => [id, name!]));
  const cached = new Set([...output.matchAll(/^#(\d+) CACHED/gm)].map(([, id]) => id));
  return [...names].flatMap(([id, name]) => (cached.has(id) || name.startsWith("FROM") ? [] : [name]));
}

const idOf = (engine: TestEngine): Promise<string> => engine.ok("images", "-q", "--no-trunc", "shop:1");

for (const kind of ["registry", "local"] as const) {
  describe(`a cache exported to ${kind === "registry" ? "a registry" : "a folder"}`, () => {
    const places = (name: string): { to: string; from: string } => {
      const at = kind === "registry" ? `ref=${registry.host}/cache/${name}:main` : "";
      const folder = path.join(maker.folder, `cache-${name}`);
      return kind === "registry"
        ? { to: `type=registry,${at}`, from: `type=registry,${at}` }
        : { to: `type=local,dest=${folder}`, from: `type=local,src=${folder}` };
    };

    it("has every step of the same build on another engine", async () => {
      const { to, from } = places("whole");
      done(await build(maker, "-t", "shop:1", "--cache-to", `${to},mode=max`));
      const output = done(await build(user, "-t", "shop:1", "--cache-from", from));
      assert.deepEqual(carriedOut(output), [], output);
      assert.equal(await idOf(user), await idOf(maker));
      assert.equal(
        (await user.ok("run", "--rm", "shop:1", "cat", "/made", "/counted", "/second")).trim(),
        "made\n3 /source\n2",
      );
    });

    it("has the steps up to a changed file", async () => {
      const { to, from } = places("changed");
      done(await build(maker, "--cache-to", `${to},mode=max`));
      fs.writeFileSync(path.join(context, "second"), "other");
      const output = done(await build(user, "-t", "shop:1", "--cache-from", from));
      assert.deepEqual(carriedOut(output), ["COPY second /second"], output);
    });

    it("has the last stage's steps alone without mode=max", async () => {
      const { to, from } = places("least");
      done(await build(maker, "--cache-to", to));
      const output = done(await build(user, "-t", "shop:1", "--cache-from", from));
      assert.deepEqual(
        carriedOut(output).filter((name) => !name.startsWith("ARG")),
        ["COPY source /source", DOCKERFILE.split("\n")[3]],
        output,
      );
    });
  });
}

describe("an exported cache", () => {
  it("holds no secret and no value of an argument", async () => {
    const folder = path.join(maker.folder, "looked-at");
    done(await build(maker, "--cache-to", `type=local,dest=${folder},mode=max`));
    const blobs = path.join(folder, "blobs/sha256");
    const texts = fs.readdirSync(blobs).map((name) => fs.readFileSync(path.join(blobs, name)));
    assert.ok(texts.some((text) => text.includes('"steps"')));
    for (const text of texts) assert.doesNotMatch(text.toString("latin1"), /much-hidden|argument-value/);
  });

  it("is an OCI artifact that says what it is", async () => {
    const reference = `${registry.host}/cache/artifact:1`;
    done(await build(maker, "--cache-to", `type=registry,ref=${reference}`));
    const answer = await fetch(`http://${registry.host}/v2/cache/artifact/manifests/1`, {
      headers: { accept: "application/vnd.oci.image.manifest.v1+json" },
    });
    const manifest = (await answer.json()) as { config: { mediaType: string }; layers: { mediaType: string }[] };
    assert.equal(manifest.config.mediaType, "application/vnd.gantry.build-cache.v1+json");
    assert.deepEqual(
      new Set(manifest.layers.map(({ mediaType }) => mediaType)),
      new Set(["application/vnd.oci.image.layer.v1.tar+gzip"]),
    );
  });

  it("costs a warning when it is not there", async () => {
    for (const from of [`type=registry,ref=${registry.host}/none:1`, "type=local,src=/nowhere"]) {
      await user.ok("builder", "prune", "-af");
      const ran = await build(user, "--cache-from", from);
      assert.match(done(ran) + ran.stderr, /no cache from .*(not found|no such file)/);
    }
  });

  it("costs the build when it can't be made, unless it may", async () => {
    const to = "type=registry,ref=127.0.0.1:1/none:1";
    const ran = await build(user, "--cache-to", to);
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, /cache export to 127\.0\.0\.1:1\/none:1: .*refused/);
    const warned = await build(user, "--cache-to", `${to},ignore-error=true`);
    assert.match(done(warned) + warned.stderr, /WARN.*cache export to/);
  });

  it("leaves a broken layer to the build", async () => {
    const folder = path.join(maker.folder, "broken");
    done(await build(maker, "--cache-to", `type=local,dest=${folder},mode=max`));
    const blobs = path.join(folder, "blobs/sha256");
    for (const name of fs.readdirSync(blobs)) {
      const bytes = fs.readFileSync(path.join(blobs, name));
      if (bytes[0] === 0x1f) fs.writeFileSync(path.join(blobs, name), bytes.subarray(0, bytes.length - 20));
    }
    const ran = await build(user, "-t", "shop:1", "--cache-from", `type=local,src=${folder}`);
    assert.match(done(ran) + ran.stderr, /a layer of the imported cache/);
    assert.equal((await user.ok("run", "--rm", "shop:1", "cat", "/made")).trim(), "made");
  });

  it("is taken by docker too", async () => {
    const reference = `${registry.host}/cache/docker:1`;
    fs.writeFileSync(path.join(context, "Dockerfile"), "FROM busybox\nCOPY first /first\nRUN echo made >/made\n");
    done(await build(maker, "-t", "shop:1", "--cache-to", `type=registry,ref=${reference}`));
    const env = { ...user.env, DOCKER_BUILDKIT: "0" };
    const ran = await run("docker", ["build", "-t", "shop:1", "--cache-from", reference, context], { env });
    assert.equal(done(ran).match(/Using cache/g)?.length, 2, ran.stdout);
    assert.equal(await idOf(user), await idOf(maker));
  });
});
