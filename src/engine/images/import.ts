import type { Readable } from "node:stream";
import { GantryError } from "../../base/errors.ts";
import type { ContainerConfig } from "../../base/container-config.ts";
import type { ImageConfig, Platform } from "../../base/image-config.ts";
import { familiarName, type ImageReference, parseReference, withDefaultTag } from "../../base/reference.ts";
import type { Catalog } from "./catalog.ts";
import type { ImageRecord } from "./contract.ts";
import type { ImagesDeps } from "./deps.ts";
import type { Holds } from "./holds.ts";
import type { Reclaimer } from "./reclaim.ts";
import { storeImage } from "./store-image.ts";
import { tell } from "./tell.ts";

export interface ImportRequest {
  tar: Readable;
  /** `repo[:tag]`; none makes an untagged image. */
  name?: string;
  /** Dockerfile instructions. */
  changes?: string[];
  message?: string;
  platform?: Platform;
  signal?: AbortSignal;
}

/** The name that a new image may get. Throws invalid BAD_REFERENCE. */
export function newName(text: string): ImageReference {
  const name = withDefaultTag(parseReference(text));
  if (name.digest !== undefined) throw new GantryError("invalid", "BAD_REFERENCE", "cannot import digest reference");
  return name;
}

/** Makes an image of one layer from a root file system's tar (plain, gzip or zstd). */
export async function importTar(
  parts: { deps: ImagesDeps; catalog: Catalog; holds: Holds; reclaimer: Reclaimer },
  request: ImportRequest,
): Promise<ImageRecord> {
  const { deps, catalog } = parts;
  // What can be wrong without the tar is said before a byte of it is read.
  const names = request.name ? [newName(request.name)] : [];
  const run: ContainerConfig = deps.applyChanges({}, request.changes ?? []);
  const layer = await deps.layers.addFromTar(undefined, request.tar, { signal: request.signal });
  const hold = await parts.holds.take([layer.chainId]);
  try {
    const created = deps.clock.stamp();
    const { os, architecture, variant } = request.platform ?? deps.platform;
    const config: ImageConfig = {
      architecture,
      os,
      ...(variant ? { variant } : {}),
      created,
      config: run,
      rootfs: { type: "layers", diff_ids: [layer.diffId] },
      history: [{ created, comment: request.message || "Imported from -" }],
    };
    const configBytes = Buffer.from(JSON.stringify(config));
    const record = await storeImage(deps, catalog, { configBytes, config, chain: [layer.chainId], names });
    for (const name of names) tell(deps, "tag", record, { name: familiarName(name) });
    tell(deps, "import", record);
    return record;
  } finally {
    hold.release();
    await parts.reclaimer.only([layer.chainId], []);
  }
}
