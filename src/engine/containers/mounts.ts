import type { ContainerConfig, HostConfig } from "../../base/container-config.ts";
import type { ContainerRecord, MountPoint } from "./record.ts";
import type { ResolvedMount } from "./spec/facts.ts";

/** A container's own view of volumes, binds and tmpfs. */
export interface ContainerMounts {
  /** At create: reads Binds, Mounts, Volumes and VolumesFrom, makes the volumes that are missing, and gives inspect's rows. */
  create(id: string, config: ContainerConfig, hostConfig: HostConfig): Promise<MountPoint[]>;
  /** At start: sources that must exist do, volumes are filled from the image once. `rootfs` is the mounted root. */
  prepare(record: ContainerRecord, rootfs: string): Promise<ResolvedMount[]>;
  /** After the end: what `prepare` mounted for it goes. */
  release(record: ContainerRecord): Promise<void>;
  /** Removes the container's anonymous volumes that nobody else uses. */
  removeAnonymous(record: ContainerRecord): Promise<void>;
}
