import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { MEDIA } from "../../../../src/base/image-config.ts";
import type { ImageRecord } from "../../../../src/engine/images/contract.ts";
import { Images } from "../../../../src/engine/images/images.ts";
import { collect, sha, tarOf, type World, world } from "./fakes.ts";

async function layer(deps: World, parent: string | undefined, content: string): Promise<string> {
  return (await deps.layers.addFromTar(parent, Readable.from([tarOf({ f: content })]))).chainId;
}

async function image(
  deps: World,
  images: Images,
  contents: string[],
  tags: string[],
  more: object = {},
): Promise<ImageRecord> {
  const chain: string[] = [];
  for (const content of contents) chain.push(await layer(deps, chain.at(-1), content));
  return images.add({ os: "linux", architecture: "amd64", ...more }, chain, tags);
}

const start = (): { deps: World; images: Images } => {
  const deps = world();
  return { deps, images: new Images(deps) };
};

const load = (images: Images, tar: Buffer, lines: string[] = []): Promise<ImageRecord[]> =>
  images.load(Readable.from([tar]), { quiet: true, onProgress: (event) => void lines.push(event.stream ?? "") });

describe("finding an image", () => {
  it("goes by full id, then name, then unique id prefix", async () => {
    const { deps, images } = start();
    const a = await image(deps, images, ["a"], ["a:1"]);
    const b = await image(deps, images, ["b"], [a.id.slice(7, 13)]);
    assert.equal(images.resolve(a.id).id, a.id);
    assert.equal(images.resolve(a.id.slice(7)).id, a.id);
    assert.equal(images.resolve(a.id.slice(7, 13)).id, b.id, "a name wins over a prefix");
    assert.equal(images.resolve(a.id.slice(7, 14)).id, a.id);
    assert.equal(images.resolve(a.id.slice(0, 12)).id, a.id, "sha256: and a few digits");
    assert.equal(images.resolve("docker.io/library/a:1").id, a.id);
    assert.throws(() => images.resolve("foo"), {
      kind: "notFound",
      code: "NO_SUCH_IMAGE",
      message: "No such image: foo:latest",
    });
    assert.throws(() => images.resolve("f".repeat(64)), { message: `No such image: ${"f".repeat(64)}` });
    assert.throws(() => images.resolve("Upper"), { kind: "invalid", code: "BAD_REFERENCE" });
  });
});

describe("removing images", () => {
  it("deletes the layers and blobs that no other image needs, and says so", async () => {
    const { deps, images } = start();
    const a = await image(deps, images, ["base", "a"], ["a:1"]);
    const b = await image(deps, images, ["base", "b"], ["b:1"]);
    assert.equal(a.chain[0], b.chain[0]);
    const { items } = await images.remove("a:1");
    assert.deepEqual(items, [{ Untagged: "a:1" }, { Deleted: a.id }, { Deleted: a.chain[1] }]);
    await images.remove("b:1");
    assert.deepEqual([deps.layers.list(), deps.blobs.list(), deps.state.list("tags")], [[], [], []]);
    assert.deepEqual(
      deps.published.map((line) => line.split(" ")[1]),
      ["create", "tag", "create", "tag", "untag", "delete", "untag", "delete"],
    );
  });

  it("leaves layers that a build cache entry, a container or a running operation needs", async () => {
    const { deps, images } = start();
    const a = await image(deps, images, ["1", "2", "3"], ["a:1"]);
    const [one, two, three] = a.chain as [string, string, string];
    deps.state.commit([{ bucket: "buildCache", key: "k", value: { chainId: one } }]);
    deps.layers.inUse.add(two);
    const hold = await images.holds.take([three]);
    await images.remove("a:1");
    assert.equal(deps.layers.list().length, 3);
    hold.release();
    await images.sweep();
    assert.deepEqual(
      deps.layers.list().map((one) => one.chainId),
      [one, two],
    );
    deps.layers.inUse.clear();
    await images.sweep();
    assert.deepEqual(
      deps.layers.list().map((one) => one.chainId),
      [one],
    );
  });

  it("takes untagged parents along, unless told not to", async () => {
    for (const noPrune of [false, true]) {
      const { deps, images } = start();
      const parent = await image(deps, images, ["1"], []);
      const chain = [...parent.chain, await layer(deps, parent.chain[0], "2")];
      await images.add({ os: "linux", architecture: "amd64" }, chain, ["child:1"], { parent: parent.id });
      assert.equal(images.list().length, 1, "a parent without a name is not listed");
      assert.equal(images.list({ all: true }).length, 2);
      await images.remove("child:1", { noPrune });
      assert.equal(images.list({ all: true }).length, noPrune ? 1 : 0);
    }
  });

  it("prunes what is dangling, or all that no container uses", async () => {
    const { deps, images } = start();
    const old = await image(deps, images, ["old"], ["x:1"]);
    await image(deps, images, ["new"], ["x:1"]);
    const used = await image(deps, images, ["used"], ["y:1"], { config: { Labels: { keep: "no" } } });
    deps.users.set(used.id, [{ id: "c", name: "c", running: false }]);
    const first = await images.prune(new Map());
    assert.deepEqual(first.ImagesDeleted, [{ Deleted: old.id }, { Deleted: old.chain[0] }]);
    assert.ok(first.SpaceReclaimed > 0);
    assert.deepEqual(
      (
        await images.prune(
          new Map([
            ["dangling", ["false"]],
            ["label", ["keep"]],
          ]),
        )
      ).ImagesDeleted,
      null,
    );
    assert.equal((await images.prune(new Map([["dangling", ["false"]]]))).ImagesDeleted?.length, 3);
    assert.deepEqual(
      images.list().map((one) => one.Id),
      [used.id],
    );
    await assert.rejects(images.prune(new Map([["colour", ["red"]]])), { message: "invalid filter 'colour'" });
  });
});

describe("listing and inspecting", () => {
  it("knows Docker's filters", async () => {
    const { deps, images } = start();
    const at = (day: number): object => ({
      created: `2025-01-0${day}T00:00:00Z`,
      config: { Labels: { day: String(day) } },
    });
    for (const day of [1, 2, 3]) await image(deps, images, [String(day)], [`team/app:${day}`], at(day));
    const found = (...filters: [string, string][]): string[] =>
      images
        .list({ filters: new Map(filters.map(([name, value]) => [name, [value]])) })
        .map((one) => one.RepoTags.join());
    assert.deepEqual(found(), ["team/app:3", "team/app:2", "team/app:1"]);
    assert.deepEqual(found(["before", "team/app:2"]), ["team/app:1"]);
    assert.deepEqual(found(["since", "team/app:2"]), ["team/app:3"]);
    assert.deepEqual(found(["until", "2025-01-02T00:00:00Z"]), ["team/app:2", "team/app:1"]);
    assert.deepEqual(found(["label", "day=3"]), ["team/app:3"]);
    assert.deepEqual(found(["label", "night"]), []);
    assert.deepEqual(found(["reference", "team/*:[12]"]), ["team/app:2", "team/app:1"]);
    assert.deepEqual(found(["reference", "*"]), []);
    assert.deepEqual(found(["dangling", "true"]), []);
    assert.throws(() => found(["dangling", "perhaps"]), { message: "invalid filter 'dangling=[perhaps]'" });
    assert.throws(() => found(["x", "y"]), { message: "invalid filter 'x'" });
  });

  it("counts shared bytes and shows history newest first", async () => {
    const { deps, images } = start();
    const history = [
      { created_by: "base" },
      { created_by: "ENV", empty_layer: true },
      { created_by: "RUN", comment: "c" },
    ];
    const a = await image(deps, images, ["base", "a"], ["a:1"], { history });
    await image(deps, images, ["base", "b"], ["b:1"]);
    const shared = deps.layers.get(a.chain[0]!)!.size;
    assert.deepEqual(
      images.list({ sharedSize: true }).map((one) => one.SharedSize),
      [shared, shared],
    );
    const items = images.history("a:1").map(({ Id, CreatedBy, Size, Tags }) => [Id, CreatedBy, Size > 0, Tags]);
    assert.deepEqual(items, [
      [a.id, "RUN", true, ["a:1"]],
      ["<missing>", "ENV", false, null],
      ["<missing>", "base", true, null],
    ]);
    const details = images.inspect("a:1");
    assert.deepEqual(details.RootFS, { Type: "layers", Layers: a.config.rootfs.diff_ids });
    assert.equal(details.GraphDriver.Data["UpperDir"], `/layers/${a.chain[1]!.slice(7, 19)}/diff`);
  });

  it("gives names, moves them, and refuses bad ones", async () => {
    const { deps, images } = start();
    const a = await image(deps, images, ["a"], ["a:1"]);
    const b = await image(deps, images, ["b"], ["b:1"]);
    images.tag("b:1", "a:1");
    assert.deepEqual([images.tagsOf(a.id), images.tagsOf(b.id)], [[], ["a:1", "b:1"]]);
    assert.throws(() => images.tag("b:1", `x@sha256:${"0".repeat(64)}`), {
      message: "refusing to create a tag with a digest reference",
    });
    assert.throws(() => images.tag("b:1", "a:b:c"), { kind: "invalid" });
    assert.throws(() => images.tag("none", "x"), { message: "No such image: none:latest" });
  });
});

describe("saving and loading", () => {
  it("brings several images back with their names, shared layers once", async () => {
    const { deps, images } = start();
    await image(deps, images, ["base", "a"], ["a:1", "a:2"]);
    await image(deps, images, ["base", "b"], ["b:1"]);
    const tar = await collect(await images.save(["a:1", "a:2", "b:1"]));
    assert.ok(tar.equals(await collect(await images.save(["a:1", "a:2", "b:1"]))), "reproducible");
    for (const form of [tar, gzipSync(tar)]) {
      const other = start();
      const lines: string[] = [];
      await load(other.images, form, lines);
      assert.deepEqual(lines, ["Loaded image: a:1\n", "Loaded image: a:2\n", "Loaded image: b:1\n"]);
      assert.equal(other.images.resolve("a:2").id, images.resolve("a:1").id);
      assert.equal(other.deps.layers.list().length, 3);
      assert.equal(other.deps.blobs.list().length, 2, "plain layers don't stay as blobs");
    }
    await assert.rejects(images.save(["none"]), { message: "No such image: none:latest" });
  });

  it("keeps packed layers and the manifest, so that a later push keeps the digest", async () => {
    const tar = tarOf({ f: "x" });
    const packed = gzipSync(tar);
    const config = Buffer.from(
      JSON.stringify({ os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: [sha(tar)] } }),
    );
    const descriptor = (mediaType: string, bytes: Buffer): object => ({
      mediaType,
      digest: sha(bytes),
      size: bytes.length,
    });
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MEDIA.ociManifest,
        config: descriptor(MEDIA.ociConfig, config),
        layers: [descriptor(MEDIA.ociLayerGzip, packed)],
      }),
    );
    const at = (bytes: Buffer): string => `blobs/sha256/${sha(bytes).slice(7)}`;
    const entry = {
      ...descriptor(MEDIA.ociManifest, manifest),
      annotations: { "io.containerd.image.name": "docker.io/library/x:1" },
    };
    const oci = tarOf({
      "index.json": JSON.stringify({ schemaVersion: 2, manifests: [entry] }),
      "oci-layout": '{"imageLayoutVersion":"1.0.0"}',
      [at(config)]: config,
      [at(manifest)]: manifest,
      [at(packed)]: packed,
    });
    const { images } = start();
    const [record] = await load(images, oci);
    assert.deepEqual(
      record!.manifests.map((one) => one.digest),
      [sha(manifest)],
    );
    const again = start();
    const [twin] = await load(again.images, await collect(await images.save(["x:1"])));
    assert.deepEqual(twin!.manifests, record!.manifests);
    await again.images.remove("x:1");
    assert.deepEqual(again.deps.blobs.list(), []);
  });

  it("reads the old layout with links between layers", async () => {
    const tar = tarOf({ f: "x" });
    const config = JSON.stringify({
      os: "linux",
      architecture: "amd64",
      rootfs: { type: "layers", diff_ids: [sha(tar), sha(tar)] },
    });
    const link = Buffer.from(tarOf({ "two/layer.tar": "" }).subarray(0, 512));
    link.write("2", 156);
    link.write("../one/layer.tar", 157);
    link.fill(32, 148, 156);
    let sum = 0;
    for (const byte of link) sum += byte;
    link.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    const manifest = JSON.stringify([{ Config: "c.json", RepoTags: null, Layers: ["one/layer.tar", "two/layer.tar"] }]);
    const { images } = start();
    const lines: string[] = [];
    const archive = Buffer.concat([link, tarOf({ "one/layer.tar": tar, "c.json": config, "manifest.json": manifest })]);
    const [record] = await load(images, archive, lines);
    assert.equal(record!.chain.length, 2);
    assert.deepEqual(lines, [`Loaded image ID: ${record!.id}\n`]);
  });

  it("stores nothing of a broken archive", async () => {
    const tar = tarOf({ f: "x" });
    const wrong = tarOf({ f: "y" });
    const config = JSON.stringify({
      os: "linux",
      architecture: "amd64",
      rootfs: { type: "layers", diff_ids: [sha(tar)] },
    });
    const manifest = (item: object): string =>
      JSON.stringify([{ Config: "c", RepoTags: ["x:1"], Layers: ["l"], ...item }]);
    const cases: [Buffer, RegExp][] = [
      [tarOf({ a: "b" }), /neither manifest.json nor index.json/],
      [tarOf({ "manifest.json": "{" }), /not JSON/],
      [tarOf({ "manifest.json": "[{}]" }), /are expected/],
      [tarOf({ "manifest.json": manifest({}) }), /lacks c/],
      [tarOf({ "manifest.json": manifest({}), c: config }), /lacks l/],
      [tarOf({ "manifest.json": manifest({}), c: config, l: wrong }), /layer is/],
      [tarOf({ "manifest.json": manifest({ Layers: [] }), c: config }), /length mismatch/],
      [tarOf({ "manifest.json": manifest({ Config: "../../etc/passwd" }), c: config }), /leads out/],
      [tarOf({ "manifest.json": manifest({ RepoTags: [`x@${sha("")}`] }), c: config, l: tar }), /by digest/],
      [tarOf({ "manifest.json": manifest({ RepoTags: ["UPPER"] }), c: config, l: tar }), /lowercase/],
      [tarOf({ [`blobs/sha256/${"0".repeat(64)}`]: "x" }), /match its digest/],
      [tarOf({ big: Buffer.alloc(100_000) }).subarray(0, 50_000), /unexpected EOF/],
      [gzipSync(tarOf({ a: "b" })).subarray(0, 30), /can't be read/],
      [Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), Buffer.alloc(100)]), /zstd/],
    ];
    for (const [archive, message] of cases) {
      const { deps, images } = start();
      await assert.rejects(load(images, archive), { kind: "invalid", message });
      assert.deepEqual([deps.blobs.list(), deps.layers.list(), images.list()], [[], [], []]);
    }
  });

  it("says when a loaded image takes a name over", async () => {
    const a = start();
    await image(a.deps, a.images, ["a"], ["x:1"]);
    const b = start();
    const old = await image(b.deps, b.images, ["b"], ["x:1"]);
    const lines: string[] = [];
    await load(b.images, await collect(await a.images.save(["x:1"])), lines);
    assert.equal(lines[0], `The image x:1 already exists, renaming the old one with ID ${old.id} to empty string\n`);
  });
});

describe("importing", () => {
  it("makes an image of one layer with the changes, and refuses a bad name before it reads", async () => {
    const { deps, images } = start();
    const record = await images.import({
      tar: Readable.from([tarOf({ f: "x" })]),
      name: "imported",
      changes: ["CMD"],
      message: "m",
    });
    assert.deepEqual(images.tagsOf(record.id), ["imported:latest"]);
    assert.deepEqual(record.config.config, { Cmd: ["CMD"] });
    assert.equal(record.config.history?.[0]?.comment, "m");
    assert.ok(deps.layers.syncs > 0, "layers are on the disk before the image is listed");
    await assert.rejects(images.import({ tar: Readable.from([]), name: "BAD" }), { code: "BAD_REFERENCE" });
  });
});
