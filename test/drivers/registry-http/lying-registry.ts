import { createHash } from "node:crypto";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { MEDIA } from "../../../src/base/image-config.ts";
import { tarOf } from "../../unit/engine/images/fakes.ts";

export const digestOf = (bytes: Buffer): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** An image as a registry has it, to be told truly or not. */
export function honestImage(size = 200_000): { config: Buffer; layer: Buffer; manifest: Buffer } {
  const noise = Buffer.alloc(size);
  for (let i = 0, x = 1; i < size; i += 1) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    noise[i] = x >>> 24;
  }
  const tar = tarOf({ data: noise });
  const layer = gzipSync(tar);
  const config = Buffer.from(
    JSON.stringify({ os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: [digestOf(tar)] } }),
  );
  return { config, layer, manifest: manifestOf(config, layer) };
}

export const manifestOf = (config: Buffer, layer: Buffer, more: object = {}): Buffer =>
  Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA.ociManifest,
      config: { mediaType: MEDIA.ociConfig, digest: digestOf(config), size: config.length },
      layers: [{ mediaType: MEDIA.ociLayerGzip, digest: digestOf(layer), size: layer.length }],
      ...more,
    }),
  );

export interface Seen {
  method: string;
  url: string;
  authorization: string | undefined;
  range: string | undefined;
}

export interface Liar {
  host: string;
  seen: Seen[];
  stop(): Promise<void>;
}

/** A registry whose answers the test writes; `/v2/` is answered with 200 unless the handler does. */
export async function startLiar(
  answer: (request: IncomingMessage, response: ServerResponse) => boolean | void,
): Promise<Liar> {
  const seen: Seen[] = [];
  const server = http.createServer((request, response) => {
    const { authorization, range } = request.headers;
    seen.push({ method: request.method ?? "", url: request.url ?? "", authorization, range });
    if (answer(request, response) === false || response.headersSent || response.destroyed) return;
    if (request.url === "/v2/") response.end("{}");
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Serves an honest image, except where `lie` answers itself (true). */
export function serveImage(
  image: { config: Buffer; layer: Buffer; manifest: Buffer },
  lie: (what: "manifest" | "config" | "layer", request: IncomingMessage, response: ServerResponse) => boolean = () =>
    false,
): (request: IncomingMessage, response: ServerResponse) => boolean | void {
  return (request, response) => {
    const url = request.url ?? "";
    if (url.includes("/manifests/")) {
      if (!lie("manifest", request, response))
        response.setHeader("Content-Type", MEDIA.ociManifest).end(image.manifest);
    } else if (url.endsWith(digestOf(image.config))) {
      if (!lie("config", request, response)) response.end(image.config);
    } else if (url.includes("/blobs/")) {
      if (!lie("layer", request, response)) response.end(image.layer);
    } else return;
    return false;
  };
}
