import type { Readable } from "node:stream";
import type { Digest } from "../base/image-config.ts";

/** A stored, read-only layer: one folder that holds a difference to its parent. */
export interface Layer {
  /** sha256 over parent chain id and diff id (OCI image-spec); for a bottom layer the diff id. */
  chainId: Digest;
  diffId: Digest;
  parent?: Digest;
  /** Bytes of file contents. */
  size: number;
  /** Short folder name below the layers' root, unique, stable. */
  dir: string;
}

/** A writable folder on top of a chain of layers (a container's, or a build step's). */
export interface Workspace {
  id: string;
  /** Where the whole tree is mounted. Only while mounted. */
  mountPoint: string;
  /** The overlay's upper folder: what changed. */
  upper: string;
}

/** Absolute paths on the host. */
export interface WorkspaceFolders {
  /** The layers below, topmost first. */
  lower: string[];
  upper: string;
  work: string;
  /** Where the whole tree is to be seen while it is mounted. */
  merged: string;
}

export interface MountOptions {
  /**
   * For a container in a user namespace: the tree shows the host's ids for the namespace's. What is stored keeps the
   * image's. The host's root makes files in it that belong to nobody there: it has to give them an owner at once.
   */
  remapped?: boolean;
}

export interface DiskUse {
  /** Bytes in the writable layer. */
  rw: number;
  /** Bytes of the whole tree. */
  rootFs: number;
}

/**
 * Layers by chain id, shared by all images and containers, and the overlay mounts on top of them.
 * All methods can be repeated. A layer is visible only when it is complete and its commit durable.
 */
export interface LayerStore {
  get(chainId: Digest): Layer | undefined;
  list(): Layer[];
  /**
   * Adds a layer from a tar (plain, gzip, zstd). Verifies `expect` (the diff id) if given: invalid DIGEST_MISMATCH.
   * Adding a layer that exists consumes the stream and returns it. Two adds of the same chain at once: one wins, both get it.
   */
  addFromTar(
    parent: Digest | undefined,
    tar: Readable,
    options?: { expect?: Digest; signal?: AbortSignal },
  ): Promise<Layer>;
  /** Turns a workspace's upper folder into a layer (moved, not copied) and ends the workspace. The workspace must be unmounted or is unmounted first. */
  addFromWorkspace(workspaceId: string): Promise<Layer>;
  /**
   * What a workspace changed so far as a layer of its own; the workspace stays as it is, in use or not. `stubs` as with
   * `changes`. undefined when nothing was changed.
   */
  addCopy(workspaceId: string, options: { stubs: readonly string[]; signal?: AbortSignal }): Promise<Layer | undefined>;
  /** The layer as an uncompressed tar that hashes to its diff id. */
  tar(chainId: Digest, signal?: AbortSignal): Readable;
  /** Deletes the layer's folder. Throws conflict LAYER_IN_USE while a child layer or workspace stands on it. */
  remove(chainId: Digest): Promise<void>;
  /** Flushes what was added so far to the disk (syncfs); call before the commit that names the layers. */
  sync(): Promise<void>;

  /**
   * Makes (if missing) the workspace `id` on `parent` (undefined: empty) and mounts it, in place of an earlier mount
   * with other options. Up to 127 layers.
   */
  mount(id: string, parent: Digest | undefined, options?: MountOptions): Promise<Workspace>;
  /** Mounts a workspace that exists. Throws notFound NO_SUCH_WORKSPACE. */
  remount(id: string, options: MountOptions): Promise<Workspace>;
  /** A file of a view, or one that the engine keeps for builds, as a remapped mount shows it; any other as it is. */
  remapped(file: string): string;
  /** Mounts a chain read-only at a private place; for reading an image's files (COPY --from, volume copy-up). */
  view(id: string, chainId: Digest): Promise<{ path: string; close(): Promise<void> }>;
  unmount(id: string): Promise<void>;
  /** Where the workspace is mounted, by whomever; undefined: nowhere. */
  mountedAt(id: string): string | undefined;
  /** Where the workspace `id` on `parent` lies, or will once it is made. */
  folders(id: string, parent: Digest | undefined): WorkspaceFolders;
  /** Unmounts and deletes the workspace's files. Missing is fine. */
  removeWorkspace(id: string): Promise<void>;
  listWorkspaces(): string[];
  /**
   * Changed paths of the workspace against its layers, as `docker diff`: 0 modified, 1 added, 2 deleted. `stubs`: paths
   * that a runtime makes to mount upon; they count for nothing while nothing is in them.
   */
  changes(id: string, stubs?: readonly string[]): Promise<{ path: string; kind: 0 | 1 | 2 }[]>;
  diskUse(id: string): Promise<DiskUse>;
}

/** Workspaces whose changes are replaced as a whole. */
export interface StagedWorkspaces extends Pick<LayerStore, "listWorkspaces" | "mount" | "removeWorkspace" | "unmount"> {
  /** An empty folder for a workspace's next changes, in place of one staged before. Throws notFound NO_SUCH_WORKSPACE. */
  stageUpper(id: string): string;
  /** What is staged takes the place of the workspace's changes, if anything is. The workspace must be unmounted. Repeatable. */
  acceptUpper(id: string): void;
  /** Deletes what is staged. */
  discardUpper(id: string): void;
}
