import type { Owner } from "../base/id-map.ts";

/** How a volume's folder is mounted, when it is not an ordinary one: local driver options `type`, `device`, `o`. */
export interface VolumeMountOptions {
  type: string;
  device: string;
  /** Comma-separated mount options. */
  o?: string;
}

/** The folders of volumes, `<data-root>/volumes/<name>/_data`. Names are checked by the caller. All can be repeated. */
export interface VolumeFiles {
  /** Where the data is, whether it exists or not. */
  dataPath(name: string): string;
  /** Makes the folder, owned by the containers' root, 0755. */
  create(name: string): void;
  /** Unmounts if need be and deletes everything. Missing is fine. */
  remove(name: string): Promise<void>;
  /** Names that have a folder. */
  list(): string[];
  /** Sum of its files' sizes, as Docker counts; 0 for what is mounted from elsewhere. */
  size(name: string): Promise<number>;
  /** Mounts over the data folder unless that is done already. Throws invalid VOLUME_MOUNT_FAILED with the kernel's reason. */
  mount(name: string, options: VolumeMountOptions): Promise<void>;
  unmount(name: string): void;
  /**
   * If the volume, whose `folder` may be a plugin's, is empty and `path` is a folder of the tree at `rootfs`: copies its
   * contents, then its own owner and mode. Links in the image lead nowhere: `path` is resolved inside `rootfs`, and below it
   * links are copied as links.
   * All or nothing, also over a crash; but when `shared` (another container may use the volume already) entry by entry,
   * each complete when it shows, and what that container does cannot divert the copy.
   * Throws internal COPY_UP_FAILED.
   */
  copyUp(volume: { name: string; folder: string }, rootfs: string, path: string, shared: boolean): Promise<void>;
  /** The real path of a folder or file below a volume's folder; throws invalid NO_SUCH_SUBPATH. */
  subpath(folder: string, subpath: string): string;
}

/** Paths of the host that users mount. */
export interface HostPaths {
  /** Follows links; undefined when there is nothing. */
  typeOf(path: string): "directory" | "other" | undefined;
  /** How mounts travel from and to the mount that holds the path. */
  propagationOf(path: string): { mountPoint: string; peers: "shared" | "slave" | "none" };
  /** With parents, 0755, owned by `owner` or else root; those that are there stay as they are. Throws invalid BAD_BIND_SOURCE with the kernel's reason. */
  makeDirectory(path: string, owner?: Owner): void;
}
