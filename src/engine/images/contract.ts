import type { Annotations } from "../../base/annotations.ts";
import type { ContainerConfig } from "../../base/container-config.ts";
import type { Descriptor, Digest, ImageConfig, Platform } from "../../base/image-config.ts";
import type { OnProgress } from "../../base/progress.ts";
import type { RegistryAuth } from "../../ports/remote-registry.ts";

/** A manifest of an image, kept as a blob; its layers are compressed as a registry has them. */
export interface KnownManifest {
  digest: Digest;
  mediaType: string;
  layers: Descriptor[];
}

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
  manifests: KnownManifest[];
  /** The image it was built or committed on, where that is known. */
  parent?: Digest;
  /** RFC 3339; when it last got a name here. */
  lastTagTime?: string;
  /** What its last build wished to go around it. */
  envelope?: KeptEnvelope;
}

/** An envelope as a record keeps it: predicates are blobs. */
export interface KeptEnvelope {
  annotations: Annotations;
  attestations: { predicateType: string; predicate: Digest }[];
}

export interface AddOptions {
  parent?: Digest;
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
  add(config: Omit<ImageConfig, "rootfs">, chain: Digest[], tags: string[], options?: AddOptions): Promise<ImageRecord>;
}

export interface PullTarget {
  reference: string;
  platform?: Platform;
}

/** Who asks, who listens, and when to stop. */
export interface TransferOptions {
  auth?: RegistryAuth;
  onProgress?: OnProgress;
  signal?: AbortSignal;
}

/** Containers that were made from an image. */
export interface ImageUser {
  id: string;
  name: string;
  running: boolean;
}

/** One line of what a removal did: a name that went, or an image or layer that was deleted. */
export interface RemovedItem {
  Untagged?: string;
  Deleted?: string;
}

/** Applies Dockerfile-like changes (`import --change`, `commit --change`) to a config. Written by the builder. */
export type ApplyChanges = (config: ContainerConfig, changes: string[]) => ContainerConfig;
