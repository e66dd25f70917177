import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { GantryError, messageOf } from "../../base/errors.ts";
import type { Descriptor, Digest } from "../../base/image-config.ts";
import type { OnProgress } from "../../base/progress.ts";
import { familiarName, type ImageReference, parseReference, withDefaultTag } from "../../base/reference.ts";
import { ArchiveFiles, collectFiles } from "./archive-files.ts";
import { type Catalog, truncateId } from "./catalog.ts";
import type { ImageRecord } from "./contract.ts";
import type { ImagesDeps } from "./deps.ts";
import type { Hold, Holds } from "./holds.ts";
import { blobPath } from "./layout-tar.ts";
import { chainIds, isSha256, parseConfig, parseManifest, sha256 } from "./manifest.ts";
import { pickManifest } from "../../base/platform.ts";
import type { Reclaimer } from "./reclaim.ts";
import { type NewImage, storeImage } from "./store-image.ts";
import { counted, LayerProgress } from "./transfer-progress.ts";
import { tell } from "./tell.ts";

export interface LoadParts {
  deps: ImagesDeps;
  catalog: Catalog;
  holds: Holds;
  reclaimer: Reclaimer;
}

/** One image as an archive has it. */
interface Found {
  config: Buffer;
  /** Paths within the archive, bottom first. */
  layers: string[];
  names: ImageReference[];
  manifest?: { bytes: Buffer; mediaType: string; layers: Descriptor[] };
}

const bad = (message: string, hint?: string): GantryError =>
  new GantryError("invalid", "BAD_ARCHIVE", message, { hint });

/** Loads every image of an archive: Docker's layout, the OCI layout, or both over the same blobs; gzip is fine. */
export async function load(
  parts: LoadParts,
  input: Readable,
  options: { onProgress?: OnProgress; signal?: AbortSignal; quiet?: boolean },
): Promise<ImageRecord[]> {
  const tell = options.onProgress ?? (() => {});
  const hold = await parts.holds.take([]);
  const chains: Digest[] = [];
  const files = new ArchiveFiles(parts.deps.blobs);
  try {
    await collectFiles(files, parts.deps.blobs, await unpacked(input), hold, options.signal);
    const loaded: ImageRecord[] = [];
    const images = readLayout(parts, files);
    for (const image of images)
      loaded.push(await loadImage(parts, files, image, chains, { ...options, onProgress: tell }));
    return loaded;
  } catch (error) {
    input.destroy();
    if (options.signal?.aborted) throw new GantryError("canceled", "CANCELED", "context canceled", { cause: error });
    throw error;
  } finally {
    hold.release();
    // Plain layers and leftovers: only what a record names stays.
    await parts.reclaimer.only(chains, files.stored());
  }
}

async function unpacked(input: Readable): Promise<Readable> {
  const chunks = input[Symbol.asyncIterator]() as AsyncIterableIterator<Buffer>;
  let head = Buffer.alloc(0);
  while (head.length < 4) {
    const next = await chunks.next();
    if (next.done) break;
    head = Buffer.concat([head, next.value]);
  }
  const whole = Readable.from(
    (async function* (): AsyncGenerator<Buffer> {
      yield head;
      yield* chunks;
    })(),
    { objectMode: false },
  );
  if (head[0] === 0x1f && head[1] === 0x8b) {
    const gunzip = createGunzip({ chunkSize: 1024 * 1024 });
    whole.on("error", (error) => gunzip.destroy(error));
    return whole.pipe(gunzip);
  }
  if (
    (head.length >= 4 && head.readUInt32LE(0) === 0xfd2fb528) ||
    head.toString("latin1", 0, 3) === "BZh" ||
    head.toString("latin1", 1, 4) === "7zX"
  ) {
    throw bad(
      "the archive is compressed with zstd, bzip2 or xz, which load does not read",
      "decompress it first: zstd -d < FILE | docker load",
    );
  }
  return whole;
}

function readLayout(parts: LoadParts, files: ArchiveFiles): Found[] {
  const fromIndex = files.has("index.json") ? ociImages(parts, files) : [];
  if (!files.has("manifest.json")) {
    if (fromIndex.length > 0) return fromIndex;
    throw bad(
      "the archive holds neither manifest.json nor index.json: it is no saved image",
      "to make an image of a root file system, use import",
    );
  }
  return dockerImages(files).map((image) => {
    // Both layouts over the same blobs: the index knows the manifest, and with it the digest that a push gives again.
    const same = fromIndex.find((one) => one.config.equals(image.config));
    return same?.manifest ? { ...image, manifest: same.manifest } : image;
  });
}

function dockerImages(files: ArchiveFiles): Found[] {
  const list = files.json("manifest.json");
  if (!Array.isArray(list)) throw bad("manifest.json: a list is expected");
  return list.map((item: unknown) => {
    const { Config: config, RepoTags: tags, Layers: layers } = (item ?? {}) as Record<string, unknown>;
    const texts = (value: unknown): value is string[] =>
      Array.isArray(value) && value.every((one) => typeof one === "string");
    if (
      typeof config !== "string" ||
      !(layers === null || texts(layers)) ||
      !(tags === null || tags === undefined || texts(tags))
    ) {
      throw bad("manifest.json: Config, RepoTags and Layers are expected");
    }
    return {
      config: files.bytes(config),
      layers: layers ?? [],
      names: (tags ?? []).map(archivedName),
    };
  });
}

/** A digest is earned from a registry: an archive can't give an image that name. */
function archivedName(text: string): ImageReference {
  try {
    const name = withDefaultTag(parseReference(text));
    if (name.digest === undefined) return name;
  } catch (error) {
    throw bad(`the archive names an image ${JSON.stringify(text)}: ${messageOf(error)}`);
  }
  throw bad(`the archive names an image by digest: ${text}`);
}

function ociImages({ deps }: LoadParts, files: ArchiveFiles): Found[] {
  const document = parseManifest(files.bytes("index.json"));
  if (document.kind !== "index") throw bad("index.json: an index is expected");
  const found = new Map<Digest, Found>();
  for (const entry of document.index.manifests) {
    const { bytes, mediaType } = follow(files, entry, deps.platform);
    const image = parseManifest(bytes, mediaType);
    if (image.kind !== "image") throw bad("indexes within indexes: refused");
    const { config, layers } = image.manifest;
    const name = nameOf(entry);
    const known = found.get(sha256(bytes));
    if (known) {
      if (name) known.names.push(name);
      continue;
    }
    const configBytes = files.bytes(blobPath(config.digest));
    if (sha256(configBytes) !== config.digest) throw bad(`the bytes of ${config.digest} don't match it`);
    found.set(sha256(bytes), {
      config: configBytes,
      layers: layers.map((layer) => blobPath(layer.digest)),
      names: name ? [name] : [],
      // Plain layers are unpacked and dropped: a later push packs them, with another manifest.
      ...(layers.every((layer) => /[+.](gzip|zstd)$/.test(layer.mediaType))
        ? { manifest: { bytes, mediaType, layers } }
        : {}),
    });
  }
  return [...found.values()];
}

/** From an index entry to the manifest for this machine. */
function follow(
  files: ArchiveFiles,
  entry: Descriptor,
  platform: ImagesDeps["platform"],
): { bytes: Buffer; mediaType: string } {
  const bytes = files.bytes(blobPath(entry.digest));
  if (sha256(bytes) !== entry.digest) throw bad(`the bytes of ${entry.digest} don't match it`);
  const document = parseManifest(bytes, entry.mediaType);
  if (document.kind === "image") return { bytes, mediaType: document.mediaType };
  const picked = pickManifest(document.index.manifests, platform);
  const inner = files.bytes(blobPath(picked.digest));
  if (sha256(inner) !== picked.digest) throw bad(`the bytes of ${picked.digest} don't match it`);
  return { bytes: inner, mediaType: picked.mediaType };
}

function nameOf(entry: Descriptor): ImageReference | undefined {
  const full = entry.annotations?.["io.containerd.image.name"];
  const short = entry.annotations?.["org.opencontainers.image.ref.name"];
  // A bare tag names no repository.
  const text = full ?? (short && /[/:]/.test(short) ? short : undefined);
  return text === undefined ? undefined : archivedName(text);
}

async function loadImage(
  parts: LoadParts,
  files: ArchiveFiles,
  image: Found,
  chains: Digest[],
  options: { onProgress: OnProgress; signal?: AbortSignal; quiet?: boolean },
): Promise<ImageRecord> {
  const { deps, catalog, holds } = parts;
  const config = parseConfig(image.config);
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== image.layers.length)
    throw bad(`invalid manifest, layers length mismatch: expected ${image.layers.length}, got ${diffIds.length}`);
  if (!diffIds.every(isSha256)) throw bad("invalid diff id");
  const chain = chainIds(diffIds);
  const hold: Hold = await holds.take(chain);
  try {
    for (const [i, diffId] of diffIds.entries()) {
      if (deps.layers.get(chain[i]!) !== undefined) continue;
      chains.push(chain[i]!);
      const { stream, size } = files.open(image.layers[i]!);
      const progress = new LayerProgress(options.quiet ? () => {} : options.onProgress, deps.clock, truncateId(diffId));
      const shown = counted(stream, (read) => progress.bytes("Loading layer", read, size));
      await deps.layers.addFromTar(chain[i - 1], shown, { expect: diffId, signal: options.signal });
    }
    for (const packed of image.manifest?.layers ?? []) hold.add(packed.digest);
    const kept = keptManifest(files, image);
    const before = new Map(image.names.map((name) => [familiarName(name), catalog.named(name)]));
    const fresh: NewImage = {
      configBytes: image.config,
      config,
      chain,
      names: image.names,
      ...(kept ? { manifest: kept } : {}),
    };
    const record = await storeImage(deps, catalog, fresh);
    for (const [name, old] of before) {
      if (old === undefined || old === record.id) continue;
      options.onProgress({
        stream: `The image ${name} already exists, renaming the old one with ID ${old} to empty string\n`,
      });
    }
    if (image.names.length === 0) options.onProgress({ stream: `Loaded image ID: ${record.id}\n` });
    for (const name of image.names) options.onProgress({ stream: `Loaded image: ${familiarName(name)}\n` });
    tell(deps, "load", record);
    return record;
  } finally {
    hold.release();
  }
}

/** The archive's manifest, if all that it names has come with the archive or was here. */
function keptManifest(files: ArchiveFiles, image: Found): NewImage["manifest"] | undefined {
  const { manifest } = image;
  if (!manifest || !manifest.layers.every((layer) => files.keepBlob(blobPath(layer.digest), layer.digest)))
    return undefined;
  return { digest: sha256(manifest.bytes), ...manifest };
}
