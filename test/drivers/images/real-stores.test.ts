import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, it } from "node:test";
import { collect, tarOf } from "../../unit/engine/images/fakes.ts";
import { startRegistry } from "../registry-http/docker-registry.ts";
import { digestOf, honestImage, serveImage, startLiar } from "../registry-http/lying-registry.ts";
import { openImages, type RealImages } from "./real-engine.ts";

describe("images over the real stores", () => {
  let root: string;
  const open: RealImages[] = [];
  const engine = (name: string): RealImages => {
    const made = openImages(path.join(root, name));
    open.push(made);
    return made;
  };
  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-images-"));
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
    fs.rmSync(root, { recursive: true, force: true });
  });

  it("imports, pushes, pulls, saves, loads and removes, and nothing is left", async () => {
    const server = await startRegistry();
    try {
      const name = `${server.host}/app:1`;
      const [a, b, c] = [engine("a"), engine("b"), engine("c")] as const;
      const tar = tarOf({ "bin/tool": Buffer.alloc(700_000, "tool\n"), "etc/conf": "conf" });
      const { id } = await a.images.import({ tar: Readable.from([tar]), name });
      const [pushed] = await a.images.push({ reference: name });
      assert.equal((await b.images.pull({ reference: name })).id, id);
      const folder = b.images.inspect(name).GraphDriver.Data["UpperDir"]!;
      assert.equal(fs.readFileSync(path.join(folder, "etc/conf"), "utf8"), "conf");
      const saved = await collect(await b.images.save([name]));
      await c.images.load(Readable.from([saved]));
      assert.equal(
        (await c.images.push({ reference: name }))[0]!.digest,
        pushed!.digest,
        "the digest comes through save and load",
      );
      for (const { images, blobs, layers } of [a, b, c]) {
        await images.remove(name);
        assert.deepEqual([blobs.list(), layers.list(), images.list()], [[], [], []]);
      }
    } finally {
      await server.stop();
    }
  });

  it("survive kill -9 in the middle of a pull: no image, no stray layer, and the next pull resumes", async () => {
    const image = honestImage(3_000_000);
    const digest = digestOf(image.layer);
    let hang = true;
    const liar = await startLiar(
      serveImage(image, (what, request, response) => {
        if (what !== "layer") return false;
        const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
        const rest = image.layer.subarray(start);
        response.writeHead(start > 0 ? 206 : 200, {
          "Content-Length": rest.length,
          ...(start > 0 ? { "Content-Range": `bytes ${start}-${image.layer.length - 1}/${image.layer.length}` } : {}),
        });
        if (hang) response.write(rest.subarray(0, 2_000_000));
        else response.end(rest);
        return true;
      }),
    );
    try {
      const reference = `${liar.host}/x:y`;
      const store = path.join(root, "store");
      const script = fileURLToPath(new URL("pull-child.ts", import.meta.url));
      const child = spawn(process.execPath, ["--import", "tsx", script, store, reference], { stdio: "inherit" });
      const partial = path.join(store, "blobs", "partial", digest.slice("sha256:".length));
      for (let tries = 0; tries < 1000; tries += 1) {
        if ((fs.statSync(partial, { throwIfNoEntry: false })?.size ?? 0) > 1_000_000) break;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      child.kill("SIGKILL");
      await once(child, "close");
      hang = false;

      const { images, blobs, layers } = engine("store");
      await images.sweep();
      assert.deepEqual([images.list(), layers.list(), blobs.list()], [[], [], []]);
      assert.ok(blobs.partialSize(digest) > 1_000_000);
      await images.pull({ reference });
      assert.match(liar.seen.at(-1)?.range ?? "", /^bytes=\d{7}-$/);
      assert.equal(images.list().length, 1);
    } finally {
      await liar.stop();
    }
  });
});
