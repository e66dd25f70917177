import { Readable } from "node:stream";
import { GantryError, messageOf } from "../../base/errors.ts";
import { type Descriptor, type Digest, MEDIA } from "../../base/image-config.ts";
import { platformOf } from "../../base/platform.ts";
import {
  familiarName,
  type ImageReference,
  normalizedName,
  parseReference,
  withDefaultTag,
} from "../../base/reference.ts";
import type { Catalog } from "./catalog.ts";
import type { ImageRecord } from "./contract.ts";
import type { ImagesDeps } from "./deps.ts";
import type { Hold, Holds } from "./holds.ts";
import { blobsOf, type Envelope, openEnvelope, wrap } from "./envelope.ts";
import { completeManifest } from "./layer-source.ts";
import { blobPath, type LayoutBlob, layoutTar } from "./layout-tar.ts";
import { manifestBytes, sha256 } from "./manifest.ts";
import { tell } from "./tell.ts";

export interface SaveParts {
  deps: ImagesDeps;
  catalog: Catalog;
  holds: Holds;
}

interface Chosen {
  record: ImageRecord;
  /** Tags to write down; an image given by id has none. */
  names: ImageReference[];
  envelope?: Envelope;
}

/**
 * A tar of images with Docker's layout (manifest.json, repositories) and the OCI layout (index.json) over the same
 * blobs. Layers go out packed as they came, or as plain tar. Throws notFound NO_SUCH_IMAGE before the first byte.
 */
export async function save(parts: SaveParts, references: string[], signal?: AbortSignal): Promise<Readable> {
  if (references.length === 0) throw new GantryError("invalid", "NO_IMAGES", "no images to save");
  return pack(parts, choose(parts, references), signal);
}

/** One image under other names than it has here. Throws as `save`, and invalid BAD_REFERENCE. */
export async function saveAs(
  parts: SaveParts,
  id: Digest,
  { names, envelope }: { names: string[]; envelope?: Envelope },
  signal?: AbortSignal,
): Promise<Readable> {
  const chosen: Chosen = {
    record: parts.catalog.resolve(id),
    ...(envelope ? { envelope } : {}),
    names: names.map((name) => withDefaultTag(parseReference(name))),
  };
  return pack(parts, [chosen], signal);
}

async function pack(parts: SaveParts, images: Chosen[], signal?: AbortSignal): Promise<Readable> {
  const held = images.flatMap(({ record }) => [...record.chain, ...blobsOf(record)]);
  const hold = await parts.holds.take(held);
  const stream = Readable.from(write(parts, images, hold, signal), { objectMode: false, highWaterMark: 256 * 1024 });
  // A stream that nobody ever reads never runs its generator, so the hold ends with the stream itself.
  stream.on("close", () => hold.release());
  stream.on("error", (error) => {
    if (!signal?.aborted) {
      const ids = images.map(({ record }) => record.id);
      parts.deps.logger.error("saving images failed", { ids, error: messageOf(error) });
    }
  });
  for (const { record } of images) tell(parts.deps, "save", record);
  return stream;
}

function choose({ catalog, deps }: SaveParts, references: string[]): Chosen[] {
  const chosen = new Map<Digest, Chosen>();
  for (const text of references) {
    const record = catalog.resolve(text);
    const { envelope } = record;
    const kept = envelope ? { envelope: openEnvelope(deps.blobs, envelope) } : {};
    const entry: Chosen = chosen.get(record.id) ?? { record, names: [], ...kept };
    chosen.set(record.id, entry);
    for (const name of namesMeant(catalog, text, record.id)) {
      if (!entry.names.some((known) => normalizedName(known) === normalizedName(name))) entry.names.push(name);
    }
  }
  return [...chosen.values()];
}

/** A name stands for its tag, a bare repository for all its tags, an id for none. */
function namesMeant(catalog: Catalog, text: string, id: Digest): ImageReference[] {
  let reference: ImageReference;
  try {
    reference = parseReference(text);
  } catch {
    return [];
  }
  if (reference.digest !== undefined) return [];
  if (catalog.named(withDefaultTag(reference)) !== id) return [];
  return [withDefaultTag(reference)];
}

async function* write({ deps }: SaveParts, images: Chosen[], hold: Hold, signal?: AbortSignal): AsyncGenerator<Buffer> {
  try {
    const blobs = new Map<Digest, LayoutBlob>();
    const dockerManifest: object[] = [];
    const repositories: Record<string, Record<string, string>> = {};
    const index: Descriptor[] = [];
    for (const { record, names, envelope } of images) {
      const { layers, ...plain } = await describe(deps, record, blobs, signal);
      const config = deps.blobs.read(record.id);
      addBytes(blobs, config);
      const platform = platformOf(record.config);
      const described = { mediaType: MEDIA.ociConfig, digest: record.id, size: config.length };
      const wrapped = envelope && wrap(envelope, { config: described, layers, platform, names });
      for (const bytes of wrapped?.blobs ?? []) addBytes(blobs, bytes);
      for (const one of wrapped ? [wrapped.manifest, ...wrapped.others] : []) addBytes(blobs, one.bytes);
      const { bytes, mediaType } = wrapped?.top ?? plain;
      const digest = addBytes(blobs, bytes);
      dockerManifest.push({
        Config: blobPath(record.id),
        RepoTags: names.length === 0 ? null : names.map(familiarName),
        Layers: layers.map((layer) => blobPath(layer.digest)),
      });
      const said = envelope?.annotations["index-descriptor"];
      const entry: Descriptor = {
        mediaType,
        digest,
        size: bytes.length,
        ...(mediaType === MEDIA.ociIndex ? {} : { platform }),
        ...(said ? { annotations: said } : {}),
      };
      if (names.length === 0) index.push(entry);
      for (const name of names) {
        const annotations = {
          ...said,
          "io.containerd.image.name": normalizedName(name),
          "org.opencontainers.image.ref.name": name.tag!,
        };
        index.push({ ...entry, annotations });
        const repository = familiarName({ ...name, tag: undefined });
        (repositories[repository] ??= {})[name.tag!] = (record.chain.at(-1) ?? record.id).slice("sha256:".length);
      }
    }
    const repositoriesFile = Object.keys(repositories).length > 0 ? { repositories } : {};
    yield* layoutTar(
      blobs.values(),
      {
        "index.json": { schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests: index },
        "manifest.json": dockerManifest,
        ...repositoriesFile,
      },
      signal,
    );
  } finally {
    hold.release();
  }
}

function addBytes(blobs: Map<Digest, LayoutBlob>, bytes: Buffer): Digest {
  const digest = sha256(bytes);
  blobs.set(digest, { digest, size: bytes.length, open: () => Readable.from([bytes]) });
  return digest;
}

/** The manifest that the archive names, with its layers added to `blobs`. */
async function describe(
  deps: ImagesDeps,
  record: ImageRecord,
  blobs: Map<Digest, LayoutBlob>,
  signal: AbortSignal | undefined,
): Promise<{ bytes: Buffer; mediaType: string; layers: Descriptor[] }> {
  const known = completeManifest(deps, record);
  if (known) {
    for (const { digest, size } of known.layers)
      blobs.set(digest, { digest, size, open: () => deps.blobs.open(digest) });
    return { bytes: deps.blobs.read(known.digest), mediaType: known.mediaType, layers: known.layers };
  }
  const layers: Descriptor[] = [];
  for (const [i, chainId] of record.chain.entries()) {
    const digest = record.config.rootfs.diff_ids[i]!;
    const size = blobs.get(digest)?.size ?? (await lengthOf(deps.layers.tar(chainId, signal)));
    blobs.set(digest, { digest, size, open: () => deps.layers.tar(chainId, signal) });
    layers.push({ mediaType: MEDIA.ociLayer, digest, size });
  }
  const config: Descriptor = { mediaType: MEDIA.ociConfig, digest: record.id, size: deps.blobs.size(record.id) };
  return { bytes: manifestBytes(MEDIA.ociManifest, config, layers), mediaType: MEDIA.ociManifest, layers };
}

async function lengthOf(stream: Readable): Promise<number> {
  let length = 0;
  for await (const chunk of stream) length += (chunk as Buffer).length;
  return length;
}
