import type { Owner } from "../base/id-map.ts";
import type { ProcessHandle } from "./monitor.ts";

/** One folder or file of the host as a container sees it. */
export interface ViewMount {
  /** Path on the host. */
  source: string;
  /** Absolute and clean; links in the tree are followed, inside it. */
  destination: string;
  readOnly: boolean;
  /** The source is a folder: so is the mount point, where it has to be made. */
  folder: boolean;
}

/** A container's tree with what is mounted in it. */
export interface ContainerView {
  /**
   * Its root, to be given to Archive and Rootfs; a path for this process alone, good until `close`. What happens in the
   * container goes on to show in it, later mounts excepted.
   */
  root: string;
  /** Repeatable. */
  close(): void;
}

/**
 * Containers' trees as they see them, for copying from outside, without the kernel's file systems (/proc, /sys, /dev).
 * A view is mounted nowhere: nobody else sees it, and it is gone when this process is. Synchronous.
 */
export interface ContainerViews {
  /**
   * What a running container sees: its root and, of what is mounted there, only these destinations.
   * Throws notFound NOT_RUNNING when the process is gone.
   */
  ofProcess(process: ProcessHandle, destinations: readonly string[]): ContainerView;
  /**
   * A mounted root with these mounts in it. Missing mount points are made, as a runtime would; `owner`: who on the host
   * is the container's root; else root.
   * Throws internal VIEW_FAILED with the kernel's reason.
   */
  ofTree(root: string, mounts: readonly ViewMount[], owner?: Owner): ContainerView;
}
