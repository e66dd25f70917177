import { Readable } from "node:stream";
import { type Descriptor, type Digest, MEDIA } from "../../base/image-config.ts";
import { type Catalog, LAYER_BLOBS } from "./catalog.ts";
import type { ImageRecord, KnownManifest } from "./contract.ts";
import type { ImagesDeps } from "./deps.ts";
import { gzip } from "./gzip.ts";
import type { Hold } from "./holds.ts";
import { seenAt } from "./store-image.ts";

type Deps = Pick<ImagesDeps, "layers" | "blobs" | "state">;

/** The image's manifest whose layers are all here, packed; undefined if there is none. */
export const completeManifest = ({ blobs }: Deps, record: ImageRecord): KnownManifest | undefined =>
  record.manifests.find((one) => blobs.has(one.digest) && one.layers.every((layer) => blobs.has(layer.digest)));

/** The layer's packed form, if it is here. */
export function packedLayer({ blobs }: Deps, catalog: Catalog, diffId: Digest): Descriptor | undefined {
  const known = catalog.layerBlob(diffId);
  if (known === undefined || !blobs.has(known.digest)) return undefined;
  return { mediaType: known.mediaType, digest: known.digest, size: known.size };
}

/** Packs a layer that was made here, into the blob store, and remembers the result so that it is packed once. */
export async function packLayer(
  deps: Deps,
  catalog: Catalog,
  layer: { diffId: Digest; chainId: Digest },
  hold: Hold,
  options: { signal?: AbortSignal | undefined; onBytes?: (read: number) => void },
): Promise<Descriptor> {
  const writer = deps.blobs.writer();
  const tar = deps.layers.tar(layer.chainId, options.signal);
  try {
    for await (const chunk of gzip(countedBytes(tar, options.onBytes))) await writer.write(chunk);
  } catch (error) {
    tar.destroy();
    await writer.abort(false);
    throw error;
  }
  const committed = await hold.keep(() => writer.commit());
  const blob: Descriptor = { mediaType: MEDIA.dockerLayerGzip, ...committed };
  const entry = seenAt(blob, undefined, catalog.layerBlob(layer.diffId));
  deps.state.commit([{ bucket: LAYER_BLOBS, key: layer.diffId, value: entry }]);
  return blob;
}

async function* countedBytes(tar: Readable, onBytes: ((read: number) => void) | undefined): AsyncGenerator<Buffer> {
  let read = 0;
  for await (const chunk of tar) {
    read += (chunk as Buffer).length;
    onBytes?.(read);
    yield chunk as Buffer;
  }
}
