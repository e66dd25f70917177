/** One count of a block device; `op` in the kernel's words ("Read", "read"), "" where there is but one. */
export interface DeviceCount {
  major: number;
  minor: number;
  op: string;
  value: number;
}

/** Lists that a v1 kernel keeps for block devices; which of them depends on the I/O scheduler. */
export type IoList =
  | "serviceBytes"
  | "serviced"
  | "queued"
  | "serviceTime"
  | "waitTime"
  | "merged"
  | "time"
  | "sectors";

/** What a group and all below it have used. Times in nanoseconds, sizes in bytes; what the kernel doesn't count is 0. */
export interface CgroupUsage {
  version: 1 | 2;
  cpu: {
    total: number;
    user: number;
    system: number;
    /** v1 only. */
    perCpu?: number[];
    periods: number;
    throttledPeriods: number;
    throttledTime: number;
  };
  memory: {
    usage: number;
    /** v1 only. */
    peak?: number;
    /** v1: how often the limit was hit; v2: how often no memory was left. */
    failures: number;
    /** undefined: none. */
    limit?: number;
    /** memory.stat, by the kernel's names: v1's and v2's differ. */
    stats: Record<string, number>;
  };
  /** `limit` undefined: none. */
  pids: { current: number; limit?: number };
  /** v2: only serviceBytes. */
  io: Partial<Record<IoList, DeviceCount[]>>;
}

/** A file of a group. */
export interface CgroupText {
  controller: string;
  /** Whole path. */
  file: string;
  /** Without the last newline. */
  text: string;
}

/** Reads a container's control groups, v1 or v2. */
export interface Cgroups {
  /** All pids below the group; [] when it is gone. */
  pids(cgroupsPath: string): number[];
  /** What it has used so far; undefined when it is gone. */
  usage(cgroupsPath: string): CgroupUsage | undefined;
  /** The kernel's text of files by controller and name ("memory", "memory.max"); those that are missing are left out. */
  texts(
    cgroupsPath: string,
    files: (version: 1 | 2) => readonly (readonly [controller: string, name: string])[],
  ): { version: 1 | 2; texts: CgroupText[] };
  /** Takes a limit away, which not every runtime can; a group that is gone is fine. */
  lift(cgroupsPath: string, limit: "pids" | "cpuQuota"): void;
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
