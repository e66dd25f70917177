import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BuildEvent, Miss } from "../../../src/base/build-events.ts";
import { parseCacheSources } from "../../../src/base/cache-places.ts";
import type { BuildRequest } from "../../../src/build/context.ts";
import { build, FakeHost, filesOf } from "./fake-host.ts";

function host(): FakeHost {
  const fake = new FakeHost();
  fake.image("busybox:latest", { "bin/sh": "elf" });
  fake.onRun = (step, tree) => {
    tree.set(`ran-${step.args.at(-1)!.split(" ", 1)[0]}`, {
      kind: "file",
      content: step.env.join(),
      owner: "0:0",
      mode: 0o644,
    });
    return 0;
  };
  return fake;
}

const FILES = {
  Dockerfile: "FROM busybox\nARG VERSION=1\nCOPY src /src\nRUN make\nFROM busybox AS last\nCOPY --from=0 /ran-make /\n",
  "src/a.txt": "a",
  "src/b.txt": "b",
};

/** Why steps were not cached, by their texts. */
async function missed(
  fake: FakeHost,
  files: Record<string, string>,
  request: Partial<BuildRequest> = {},
): Promise<Record<string, Miss>> {
  const { events } = await build(fake, files, { explain: true, ...request });
  const names = new Map<string, string>();
  const why: Record<string, Miss> = {};
  for (const event of events as BuildEvent[]) {
    if (event.kind === "planned") for (const { id, name } of event.steps) names.set(id, name);
    if (event.kind === "missed" && event.why) why[names.get(event.step)!] = event.why;
  }
  return why;
}

describe("why a step was not cached", () => {
  it("is that it was never built", async () => {
    const why = await missed(host(), FILES);
    assert.deepEqual(why["COPY src /src"], { reason: "follows", step: "2", changes: [] });
    assert.deepEqual(why["ARG VERSION=1"], { reason: "new" });
    assert.deepEqual(await missed(host(), FILES, { explain: false }), {});
  });

  it("is nothing when all was cached", async () => {
    const fake = host();
    await build(fake, FILES);
    assert.deepEqual(await missed(fake, FILES), {});
  });

  it("names the files that changed, came and went", async () => {
    const fake = host();
    await build(fake, FILES);
    const { "src/b.txt": _, ...others } = FILES;
    const why = await missed(fake, { ...others, "src/a.txt": "A", "src/c.txt": "c" });
    const copy = why["COPY src /src"];
    assert.equal(copy?.reason, "changed");
    assert.deepEqual(
      copy.changes.map(({ what, was, is }) => [what, was !== undefined, is !== undefined]),
      [
        ["file src/a.txt", true, true],
        ["file src/c.txt", false, true],
        ["file src/b.txt", true, false],
      ],
    );
    assert.deepEqual(why["RUN make"], { reason: "follows", step: "3", changes: [] });
    assert.deepEqual(Object.keys(why), ["COPY src /src", "RUN make"], "what RUN made is as it was");
  });

  it("names a build argument with both values", async () => {
    const fake = host();
    await build(fake, FILES);
    const why = await missed(fake, FILES, { buildArgs: { VERSION: "2" } });
    assert.deepEqual(why["RUN make"], {
      reason: "changed",
      changes: [{ what: "ARG VERSION", was: "1", is: "2" }],
    });
  });

  it("shows a command before and after", async () => {
    const fake = host();
    await build(fake, FILES);
    const why = await missed(fake, { ...FILES, Dockerfile: FILES.Dockerfile.replace("RUN make", "RUN make all") });
    const changes = [{ what: "command", was: "make", is: "make all" }];
    assert.deepEqual(why["RUN make all"], { reason: "changed", changes });
  });

  it("names a base image that is another one now", async () => {
    const fake = host();
    await build(fake, FILES);
    fake.image("busybox:latest", { "bin/sh": "newer" });
    const why = await missed(fake, FILES);
    assert.equal(why["ARG VERSION=1"]?.reason, "changed");
    assert.equal(why["ARG VERSION=1"].changes[0]?.what, "base busybox");
  });

  it("says that the cache was not to be used", async () => {
    const fake = host();
    await build(fake, FILES);
    assert.deepEqual((await missed(fake, FILES, { noCache: true }))["RUN make"], { reason: "disabled" });
  });

  it("says that a layer is gone", async () => {
    const fake = host();
    const { image } = await build(fake, { Dockerfile: "FROM busybox\nRUN make\n" });
    fake.layerRecords.delete(image.chain.at(-1)!);
    const why = await missed(fake, { Dockerfile: "FROM busybox\nRUN make\n" });
    assert.deepEqual(why["RUN make"], { reason: "lost" });
  });
});

describe("the cache", () => {
  it("is left alone by the stages of --no-cache-filter only", async () => {
    const fake = host();
    const Dockerfile = "FROM busybox AS a\nRUN a\nFROM busybox AS b\nRUN b\nCOPY --from=a /ran-a /\n";
    await build(fake, { Dockerfile });
    fake.steps.length = 0;
    await build(fake, { Dockerfile }, { noCacheFilter: ["B"] });
    assert.deepEqual(
      fake.steps.map(({ args }) => args.at(-1)),
      ["b"],
    );
  });

  it("has what was done before a kill, without anybody having ended the build", async () => {
    const fake = host();
    const run = fake.onRun;
    // The engine dies in the second RUN: what is stored by then is all there is.
    const kept = new Promise<Map<string, unknown>>((resolve) => {
      fake.onRun = (step, tree) => {
        if (step.args.at(-1) === "two") resolve(new Map(fake.records));
        return run(step, tree);
      };
    });
    const files = { Dockerfile: "FROM busybox\nRUN one\nRUN two\n" };
    await build(fake, files);
    const records = await kept;
    fake.records.clear();
    for (const [key, value] of records) fake.records.set(key, value);
    fake.steps.length = 0;
    await build(fake, files);
    assert.deepEqual(
      fake.steps.map(({ args }) => args.at(-1)),
      ["two"],
    );
  });

  it("takes the layers of an image that was built from the same steps, pulled if need be", async () => {
    const fake = host();
    const files = { Dockerfile: "FROM busybox\nENV A=1\nRUN one\nRUN two\n" };
    const built = await build(fake, files);
    fake.registry.set("shop:cache", built.image);
    fake.records.clear();
    fake.steps.length = 0;
    const changed = { Dockerfile: files.Dockerfile.replace("two", "three") };
    const { image, events } = await build(fake, changed, { cacheFrom: parseCacheSources(["none:1", "shop:cache"]) });
    assert.deepEqual(
      fake.steps.map(({ args }) => args.at(-1)),
      ["three"],
    );
    assert.deepEqual(image.config.history?.slice(0, 3), built.image.config.history?.slice(0, 3));
    const warnings = events.flatMap((event) => (event.kind === "warning" ? event.message : []));
    assert.deepEqual(warnings, ["no cache from none:1: manifest for none:1 not found"]);
    fake.records.clear();
    assert.equal((await build(fake, files, { cacheFrom: parseCacheSources(["shop:cache"]) })).id, built.id);
  });
});

describe("cache mounts", () => {
  const sourceOf = (fake: FakeHost, n: number): string | undefined =>
    fake.steps[n]?.mounts.flatMap((mount) => (mount.type === "bind" ? mount.source : []))[0];
  /** Two stages whose RUNs, a and b, have a cache of one id. */
  const both = (sharing: string): string =>
    ["a", "b"]
      .map((name) => `FROM busybox AS ${name}\nRUN --mount=type=cache,id=c,target=/c,sharing=${sharing} ${name}\n`)
      .join("")
      .concat("FROM busybox\nCOPY --from=a / /a\nCOPY --from=b / /b\n");

  /** Most RUNs that went on at the same time. */
  async function most(fake: FakeHost, Dockerfile: string): Promise<number> {
    let [now, most] = [0, 0];
    fake.onRun = async () => {
      most = Math.max(most, ++now);
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      now--;
      return 0;
    };
    await build(fake, { Dockerfile });
    return most;
  }

  it("that are shared are one folder for two at once", async () => {
    const fake = host();
    assert.equal(await most(fake, both("shared")), 2);
    assert.equal(sourceOf(fake, 0), sourceOf(fake, 1));
  });

  it("that are locked are one folder for one at a time", async () => {
    const fake = host();
    assert.equal(await most(fake, both("locked")), 1);
    assert.equal(sourceOf(fake, 0), sourceOf(fake, 1));
  });

  it("that are private are one folder each while both are in use", async () => {
    const fake = host();
    assert.equal(await most(fake, both("private")), 2);
    assert.notEqual(sourceOf(fake, 0), sourceOf(fake, 1));
    const before = sourceOf(fake, 0);
    await build(fake, { Dockerfile: "FROM busybox\nRUN --mount=type=cache,id=c,target=/c,sharing=private alone\n" });
    assert.equal(sourceOf(fake, 2), before, "the first is free again");
  });

  it("begin with what their source holds", async () => {
    const fake = host();
    fake.image("seed:1", { "data/f": "seeded" });
    await build(fake, { Dockerfile: "FROM busybox\nRUN --mount=type=cache,target=/c,from=seed:1,source=/ x\n" });
    assert.equal(fake.tree(sourceOf(fake, 0)!).get("data/f")?.content, "seeded");
    await build(fake, { Dockerfile: "FROM busybox\nRUN --mount=type=cache,target=/c x\n" });
    assert.notEqual(sourceOf(fake, 1), sourceOf(fake, 0), "an empty one is another one");
    assert.equal(filesOf(fake, fake.images.resolve("seed:1")).size, 1);
  });
});
