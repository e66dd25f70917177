import type { Owner } from "../base/id-map.ts";

/** The files Gantry keeps for one container: its OCI bundle below the exec root, its log and etc files below the data root. */
export interface ContainerPaths {
  /** OCI bundle and the monitor's sockets; gone after a reboot, made anew at every start. */
  bundle: string;
  /** Bind-mounted at /etc/hosts, /etc/resolv.conf and /etc/hostname. */
  hosts: string;
  resolvConf: string;
  hostname: string;
  log: string;
  /** Its checkpoints, a folder each; missing while there are none. */
  checkpoints: string;
}

export interface ContainerFiles {
  paths(id: string): ContainerPaths;
  /** Makes the folders; repeatable. */
  prepare(id: string): void;
  /**
   * Writes what a start needs. Existing contents of /etc files are replaced in place, so that running mounts see them.
   * `owner`: whose the /etc files are on the host; else root's.
   */
  write(
    id: string,
    files: { spec?: string; hosts?: string; resolvConf?: string; hostname?: string },
    owner?: Owner,
  ): void;
  /** /etc/hosts as the container has it by now; undefined when it is missing or larger than a megabyte. */
  readHosts(id: string): string | undefined;
  /** The same of /etc/resolv.conf. */
  readResolvConf(id: string): string | undefined;
  /** Those of the /etc files that there are, by where they are mounted. */
  etc(id: string): { source: string; destination: string; readOnly: boolean; folder: boolean }[];
  /** Removes the bundle only (after an exit). Missing is fine. */
  removeBundle(id: string): void;
  /** Removes everything of the container. Missing is fine. */
  remove(id: string): void;
  /** A fresh folder for one exec below the bundle. */
  execFolder(id: string, execId: string): string;
  removeExecFolder(id: string, execId: string): void;
  /** Ids that have files, for the sweep. */
  list(): string[];
}
