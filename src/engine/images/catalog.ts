import { GantryError } from "../../base/errors.ts";
import type { Digest } from "../../base/image-config.ts";
import {
  familiarName,
  type ImageReference,
  normalizedName,
  parseReference,
  withDefaultTag,
} from "../../base/reference.ts";
import type { StateStore } from "../../ports/state-store.ts";
import type { ImageRecord } from "./contract.ts";

export const IMAGES = "images";
export const TAGS = "tags";
export const LAYER_BLOBS = "layerBlobs";

/** A compressed form of a layer and where it is known to be (bucket `layerBlobs`, key: the diff id). */
export interface LayerBlob {
  digest: Digest;
  size: number;
  mediaType: string;
  /** `registry/repository`, latest first. */
  repositories: string[];
}

const ID = /^(?:sha256:)?([0-9a-f]{1,64})$/;

export const noSuchImage = (reference: string, hint?: string): GantryError => {
  let name = reference;
  try {
    name = familiarName(withDefaultTag(parseReference(reference)));
  } catch {
    // an id, or no name at all: shown as it came
  }
  return new GantryError("notFound", "NO_SUCH_IMAGE", `No such image: ${name}`, { hint, details: { image: name } });
};

export const truncateId = (id: string): string => id.replace(/^sha256:/, "").slice(0, 12);

/** The names and records of images: reading only. */
export class Catalog {
  private readonly state: StateStore;

  constructor(state: StateStore) {
    this.state = state;
  }

  get(id: Digest): ImageRecord | undefined {
    return this.state.get<ImageRecord>(IMAGES, id);
  }

  all(): ImageRecord[] {
    return this.state.list<ImageRecord>(IMAGES).map(([, record]) => record);
  }

  layerBlob(diffId: Digest): LayerBlob | undefined {
    return this.state.get<LayerBlob>(LAYER_BLOBS, diffId);
  }

  layerBlobs(): [diffId: Digest, blob: LayerBlob][] {
    return this.state.list<LayerBlob>(LAYER_BLOBS);
  }

  /** The id that a name (tag or digest) stands for. */
  named(reference: ImageReference): Digest | undefined {
    // A name with both is pinned by its digest.
    const key = reference.digest === undefined ? reference : { ...reference, tag: undefined };
    return this.state.get<Digest>(TAGS, normalizedName(key));
  }

  /** All names of all images, by image. */
  names(): Map<Digest, ImageReference[]> {
    const names = new Map<Digest, ImageReference[]>();
    for (const [name, id] of this.state.list<Digest>(TAGS)) {
      const known = names.get(id);
      const reference = parseReference(name);
      if (known) known.push(reference);
      else names.set(id, [reference]);
    }
    return names;
  }

  namesOf(id: Digest): ImageReference[] {
    return this.names().get(id) ?? [];
  }

  /**
   * Docker's look-up order: a full id, a name, then an id prefix. Throws notFound NO_SUCH_IMAGE;
   * an ambiguous prefix is none, with a hint.
   */
  resolve(reference: string): ImageRecord {
    const full = /^(?:sha256:)?([0-9a-f]{64})$/.exec(reference);
    const direct = full ? this.get(`sha256:${full[1]}`) : (this.byName(reference) ?? undefined);
    if (direct) return direct;
    const prefix = ID.exec(reference)?.[1];
    if (prefix === undefined || full) throw noSuchImage(reference);
    const matching = this.state.list<ImageRecord>(IMAGES).filter(([id]) => id.startsWith(`sha256:${prefix}`));
    if (matching.length > 1)
      throw noSuchImage(reference, `${matching.length} ids begin with ${prefix}: give more digits`);
    const found = matching[0]?.[1];
    if (found === undefined) throw noSuchImage(reference);
    return found;
  }

  private byName(text: string): ImageRecord | undefined {
    let reference: ImageReference;
    try {
      reference = withDefaultTag(parseReference(text));
    } catch (error) {
      if (ID.test(text)) return undefined;
      throw error;
    }
    const id = this.named(reference);
    return id === undefined ? undefined : this.get(id);
  }
}
