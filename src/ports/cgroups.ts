/** Reads a container's control groups, v1 or v2. */
export interface Cgroups {
  /** All pids below the group; [] when it is gone. */
  pids(cgroupsPath: string): number[];
  /** How often the kernel killed for memory in it; 0 when it is gone. Read before the runtime removes the group. */
  oomKills(cgroupsPath: string): number;
  /** The most memory it has had, in bytes; undefined when it is gone or the kernel does not say. Read before removal too. */
  memoryPeak(cgroupsPath: string): number | undefined;
  /** Whether its processes are frozen; false when it is gone. */
  frozen(cgroupsPath: string): boolean;
  /** Kills all that is in the group and removes it. For containers whose monitor or runtime state is lost. */
  destroy(cgroupsPath: string): Promise<void>;
  /** Removes the group's empty folders, in trees too that the runtime does not know: an init inside makes its own there. */
  removeFolders(cgroupsPath: string): void;
  /** Paths (as given to the runtime) of all groups below `parent`, for the sweep. */
  children(parent: string): string[];
}
