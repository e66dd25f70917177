import type { ContainerConfig } from "../../base/container-config.ts";
import type { Descriptor, Digest, ImageConfig, Platform } from "../../base/image-config.ts";

/** One image as the index keeps it (bucket `images`, key: the id). Names are kept apart (bucket `tags`). */
export interface ImageRecord {
  /** The config blob's digest. */
  id: Digest;
  config: ImageConfig;
  /** Chain ids, bottom first; same length as rootfs.diff_ids. Empty for an image without layers. */
  chain: Digest[];
  /** Bytes of all layers' contents. */
  size: number;
  /** Manifests that are known for this image, by digest; present after pull, load or push. */
  manifests: { digest: Digest; mediaType: string; layers: Descriptor[] }[];
}

/** What containers and the builder need of images. */
export interface ImageSource {
  /** By id, unique id prefix, or name. Throws notFound NO_SUCH_IMAGE "No such image: NAME:TAG". */
  resolve(reference: string): ImageRecord;
  /** All names (`repo:tag`, familiar form) of an image. */
  tagsOf(id: Digest): string[];
  /**
   * Stores an image whose layers are already in the layer store and gives it names; durable when it returns
   * (layers synced first). The config's rootfs is filled from `chain`.
   */
  add(
    config: Omit<ImageConfig, "rootfs">,
    chain: Digest[],
    tags: string[],
    options?: { sync?: boolean },
  ): Promise<ImageRecord>;
}

export interface PullTarget {
  reference: string;
  platform?: Platform;
}

/** Applies Dockerfile-like changes (`import --change`, `commit --change`) to a config. Written by the builder. */
export type ApplyChanges = (config: ContainerConfig, changes: string[]) => ContainerConfig;
