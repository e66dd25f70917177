import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { afterEach, describe, it } from "node:test";
import { MEDIA } from "../../../src/base/image-config.ts";
import type { ProgressEvent } from "../../../src/base/progress.ts";
import { HttpRegistry } from "../../../src/drivers/registry-http/registry.ts";
import { Images } from "../../../src/engine/images/images.ts";
import { type World, world } from "../../unit/engine/images/fakes.ts";
import { systemClock } from "../registry-http/clock.ts";
import {
  digestOf,
  honestImage,
  type Liar,
  manifestOf,
  serveImage,
  startLiar,
} from "../registry-http/lying-registry.ts";

const IDLE = 300;

describe("a registry that lies or breaks", () => {
  const open: { stop(): Promise<void> }[] = [];
  const clients: HttpRegistry[] = [];
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    for (const server of open.splice(0)) await server.stop();
  });

  async function setUp(
    answer: Parameters<typeof startLiar>[0],
  ): Promise<{ liar: Liar; deps: World; images: Images; name: string }> {
    const liar = await startLiar(answer);
    const registry = new HttpRegistry({ clock: systemClock, idleTimeoutMs: IDLE, retryPauseMs: 2 });
    open.push(liar);
    clients.push(registry);
    const deps = world(registry);
    return { liar, deps, images: new Images(deps), name: `${liar.host}/x:y` };
  }

  async function refused(answer: Parameters<typeof startLiar>[0], message: RegExp): Promise<void> {
    const { deps, images, name } = await setUp(answer);
    await assert.rejects(images.pull({ reference: name }), { name: "GantryError", kind: "invalid", message });
    assert.deepEqual(
      [deps.blobs.list(), deps.layers.list(), [...deps.blobs.partials.keys()], images.list(), deps.state.list("tags")],
      [[], [], [], [], []],
      "nothing is stored",
    );
  }

  const image = honestImage();
  const withManifest = (manifest: Buffer, type: string = MEDIA.ociManifest): ReturnType<typeof serveImage> =>
    serveImage({ ...image, manifest }, (what, _request, response) => {
      if (what === "manifest") response.setHeader("Content-Type", type).end(manifest);
      return what === "manifest";
    });

  it("is refused when a layer's bytes don't match their digest", () =>
    refused(
      serveImage(image, (what, _request, response) => {
        if (what === "layer") response.end(Buffer.concat([Buffer.from("?"), image.layer.subarray(1)]));
        return what === "layer";
      }),
      /digest|match/,
    ));

  it("is refused when a layer has another length, announced or not", async () => {
    const longer = Buffer.concat([image.layer, Buffer.from("more")]);
    for (const body of [longer, image.layer.subarray(0, -3)]) {
      await refused(
        serveImage(image, (what, _request, response) => {
          if (what === "layer") response.end(body);
          return what === "layer";
        }),
        /has \d+ bytes instead of \d+/,
      );
      await refused(
        serveImage(image, (what, _request, response) => {
          if (what === "layer") {
            response.flushHeaders();
            response.end(body);
          }
          return what === "layer";
        }),
        /is longer than its|ends after/,
      );
    }
  });

  it("is refused when a layer never ends", () =>
    refused(
      serveImage(image, (what, _request, response) => {
        if (what !== "layer") return false;
        const chunk = Buffer.alloc(64 * 1024);
        const more = (): void => {
          while (!response.destroyed && response.write(chunk));
        };
        response.on("drain", more);
        more();
        return true;
      }),
      /is longer than its/,
    ));

  it("is refused when the layer's tar is not the one that the config names", () => {
    const other = honestImage(1000);
    return refused(
      serveImage({ ...image, layer: other.layer, manifest: manifestOf(image.config, other.layer) }),
      /layer is|digest/,
    );
  });

  it("is refused when a manifest is an image and an index at once, too large, mislabelled or no manifest", async () => {
    await refused(withManifest(manifestOf(image.config, image.layer, { manifests: [] })), /both an image and an index/);
    await refused(withManifest(Buffer.alloc(4 * 1024 * 1024 + 1, " ")), /larger than 4194304 bytes/);
    await refused(withManifest(image.manifest, "text/html"), /unsupported manifest media type/);
    await refused(withManifest(image.manifest, MEDIA.ociIndex), /calls itself/);
    await refused(withManifest(Buffer.from("<html>")), /not JSON/);
    await refused(withManifest(Buffer.from("[]")), /object is expected/);
  });

  it("is refused when a digest is a path, of another algorithm or of another shape", async () => {
    for (const digest of [
      "sha256:../x",
      "sha256:../../../../etc/passwd",
      "md5:d41d8cd98f00b204e9800998ecf8427e",
      `sha512:${"0".repeat(128)}`,
      "",
      7,
    ]) {
      const layers = [{ mediaType: MEDIA.ociLayerGzip, digest, size: 3 }];
      await refused(withManifest(manifestOf(image.config, image.layer, { layers })), /invalid digest/);
    }
  });

  it("is refused when it announces another digest than the manifest has", async () => {
    await refused(
      serveImage(image, (what, _request, response) => {
        if (what !== "manifest") return false;
        response
          .setHeader("Content-Type", MEDIA.ociManifest)
          .setHeader("Docker-Content-Digest", `sha256:${"0".repeat(64)}`)
          .end(image.manifest);
        return true;
      }),
      /manifest verification failed/,
    );
    const { images, liar } = await setUp(serveImage(image));
    await assert.rejects(
      images.pull({ reference: `${liar.host}/x@sha256:${"1".repeat(64)}` }),
      /manifest verification failed/,
    );
  });

  it("is refused when the config is not one, or counts other layers", async () => {
    for (const [config, message] of [
      ["[]", /object/],
      [
        '{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}',
        /names 0 layers, the manifest 1/,
      ],
      ['{"os":"linux","architecture":"amd64","rootfs":{"diff_ids":["sha256:../x"]}}', /diff_ids/],
      [`{"os":"linux","architecture":"amd64","config":{"Env":"A=1"},"rootfs":{"diff_ids":[]}}`, /Env is no list/],
    ] as const) {
      const bytes = Buffer.from(config);
      await refused(serveImage({ ...image, config: bytes, manifest: manifestOf(bytes, image.layer) }), message);
    }
  });

  it("is asked for the rest when it cuts the connection again and again", async () => {
    const { liar, images, name } = await setUp(
      serveImage(image, (what, request, response) => {
        if (what !== "layer") return false;
        cutAfter(image.layer, 70_000, request, response);
        return true;
      }),
    );
    const record = await images.pull({ reference: name });
    assert.equal(images.resolve(name).id, record.id);
    const ranges = liar.seen.filter((one) => one.url.endsWith(digestOf(image.layer))).map((one) => one.range);
    assert.equal(ranges[0], undefined);
    assert.ok(ranges.length >= 3 && ranges.slice(1).every((range) => /^bytes=\d+-$/.test(range ?? "")), String(ranges));
  });

  it("may ignore the range: what is known already is skipped", async () => {
    let asked = 0;
    const { images, name } = await setUp(
      serveImage(image, (what, _request, response) => {
        if (what !== "layer") return false;
        asked += 1;
        if (asked > 1) return false;
        response.writeHead(200, { "Content-Length": image.layer.length });
        response.write(image.layer.subarray(0, 90_000), () => setTimeout(() => response.destroy(), 20));
        return true;
      }),
    );
    await images.pull({ reference: name });
    assert.equal(asked, 2);
  });

  it("is given up when it drips or says nothing, and what came is kept for a retry", async () => {
    let drip = true;
    const { images, deps, name } = await setUp(
      serveImage(image, (what, request, response) => {
        if (what !== "layer" || !drip) return false;
        const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
        if (start > 0)
          response.writeHead(206, {
            "Content-Range": `bytes ${start}-${image.layer.length - 1}/${image.layer.length}`,
          });
        let at = start;
        const timer = setInterval(() => response.write(image.layer.subarray(at, ++at)), 20);
        response.on("close", () => clearInterval(timer));
        // Some bytes come each time, so it takes until it says nothing at all.
        if (start > 5) clearInterval(timer);
        return true;
      }),
    );
    await assert.rejects(images.pull({ reference: name }), { kind: "unavailable", message: /Client.Timeout/ });
    assert.deepEqual(images.list(), []);
    assert.ok(deps.blobs.partialSize(digestOf(image.layer)) > 5);
    drip = false;
    await images.pull({ reference: name });
  });

  it("leaves a resumable rest and no image when the caller gives up", async () => {
    let hang = true;
    const aborter = new AbortController();
    const { images, deps, name } = await setUp(
      serveImage(image, (what, request, response) => {
        if (what !== "layer" || !hang) return false;
        response.writeHead(200, { "Content-Length": image.layer.length });
        response.write(image.layer.subarray(0, 50_000));
        void request;
        return true;
      }),
    );
    const onProgress = (event: ProgressEvent): void => {
      if ((event.progressDetail?.current ?? 0) > 0) aborter.abort();
    };
    await assert.rejects(images.pull({ reference: name }, { signal: aborter.signal, onProgress }), {
      kind: "canceled",
    });
    assert.deepEqual([images.list(), deps.layers.list()], [[], []]);
    assert.ok(deps.blobs.partialSize(digestOf(image.layer)) > 0);
    hang = false;
    await images.pull({ reference: name });
  });
});

/** Serves from the asked byte on and breaks off after `most` bytes. */
function cutAfter(bytes: Buffer, most: number, request: IncomingMessage, response: ServerResponse): void {
  const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const headers = { "Content-Length": bytes.length - start };
  if (start > 0)
    response.writeHead(206, { ...headers, "Content-Range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` });
  else response.writeHead(200, headers);
  const piece = bytes.subarray(start, start + most);
  if (start + most >= bytes.length) response.end(piece);
  else response.write(piece, () => setTimeout(() => response.destroy(), 20));
}
