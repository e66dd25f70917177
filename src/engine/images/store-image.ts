import { GantryError } from "../../base/errors.ts";
import type { Descriptor, Digest, ImageConfig } from "../../base/image-config.ts";
import { familiarRepository, type ImageReference, normalizedName } from "../../base/reference.ts";
import type { StateChange } from "../../ports/state-store.ts";
import { type Catalog, IMAGES, LAYER_BLOBS, type LayerBlob, TAGS } from "./catalog.ts";
import type { ImageRecord, KnownManifest } from "./contract.ts";
import type { ImagesDeps } from "./deps.ts";

export interface NewImage {
  /** The config blob's bytes: their digest is the id. */
  configBytes: Buffer;
  config: ImageConfig;
  chain: Digest[];
  names: ImageReference[];
  manifest?: KnownManifest & { bytes: Buffer };
  parent?: Digest;
  /** Where the manifest's layers are: `registry/repository`. */
  repository?: string;
  /** false: the layers are not flushed first. */
  sync?: boolean;
}

const MOST_REPOSITORIES = 5;

/** `found` with one more place where it is, latest first. */
export function seenAt(found: Descriptor, repository: string | undefined, before: LayerBlob | undefined): LayerBlob {
  const elsewhere = before?.digest === found.digest ? before.repositories : [];
  const repositories = [repository, ...elsewhere.filter((one) => one !== repository)].filter(
    (one) => one !== undefined,
  );
  const { digest, size, mediaType } = found;
  return { digest, size, mediaType, repositories: repositories.slice(0, MOST_REPOSITORIES) };
}

/** The changes that give an image a name. Throws invalid BAD_REFERENCE for one that would read as a digest. */
export const nameChanges = (names: ImageReference[], id: Digest): StateChange[] =>
  names.map((name) => {
    if (familiarRepository(name) === "sha256") {
      const words = "refusing to create an ambiguous tag using digest algorithm as name";
      throw new GantryError("invalid", "BAD_REFERENCE", words);
    }
    return { bucket: TAGS, key: normalizedName(name), value: id };
  });

/**
 * Layers flushed to the disk, then blobs (each is durable when stored), then the one commit that makes the image visible: whatever is listed
 * survives a power cut.
 */
export async function storeImage(
  deps: Pick<ImagesDeps, "blobs" | "layers" | "state" | "clock">,
  catalog: Catalog,
  image: NewImage,
): Promise<ImageRecord> {
  if (image.sync !== false) await deps.layers.sync();
  // From here on nothing waits: no reclaim sees the blobs before the record that names them.
  const id = deps.blobs.put(image.configBytes);
  if (image.manifest) deps.blobs.put(image.manifest.bytes);
  const lost = image.chain.find((chainId) => deps.layers.get(chainId) === undefined);
  if (lost) throw new GantryError("internal", "NO_SUCH_LAYER", `layer ${lost} is gone`);
  const before = catalog.get(id);
  const size = image.chain.reduce((sum, chainId) => sum + (deps.layers.get(chainId)?.size ?? 0), 0);
  const manifests = (before?.manifests ?? []).filter((one) => one.digest !== image.manifest?.digest);
  if (image.manifest) {
    const { digest, mediaType, layers } = image.manifest;
    manifests.unshift({ digest, mediaType, layers });
  }
  const record: ImageRecord = { ...before, id, config: image.config, chain: image.chain, size, manifests };
  const parent = image.parent ?? before?.parent;
  if (parent !== undefined) record.parent = parent;
  if (image.names.length > 0) record.lastTagTime = deps.clock.stamp();
  const changes: StateChange[] = [{ bucket: IMAGES, key: id, value: record }, ...nameChanges(image.names, id)];
  image.manifest?.layers.forEach((layer, i) => {
    const diffId = image.config.rootfs.diff_ids[i]!;
    changes.push({
      bucket: LAYER_BLOBS,
      key: diffId,
      value: seenAt(layer, image.repository, catalog.layerBlob(diffId)),
    });
  });
  deps.state.commit(changes);
  return record;
}
