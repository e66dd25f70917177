import type { Owner } from "../base/id-map.ts";

/** A container's /dev/shm as a tmpfs of the host, so that other containers can join it (`--ipc shareable`). */
export interface SharedMemory {
  /** Mounts it, owned by `owner` or else root, unless it is mounted; returns its path. Size in bytes. Throws internal SHM_MOUNT_FAILED. */
  create(id: string, size: number, owner?: Owner): string;
  path(id: string): string;
  /** Missing is fine; containers that joined keep what they have. */
  remove(id: string): void;
  /** Ids that have one, for the sweep. */
  list(): string[];
}
