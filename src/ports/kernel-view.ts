/** A process as the kernel shows it. */
export interface ProcessView {
  /** In the engine's pid namespace. */
  pid: number;
  /** In its own: the innermost. */
  inside: number;
  parent: number;
  name: string;
  /** Empty for a zombie. */
  command: string[];
  /** Effective. */
  uid: number;
  /** R, S, D, T, Z … */
  state: string;
  threads: number;
}

export interface Credentials {
  /** Effective, as the engine's user namespace counts. */
  uid: number;
  gid: number;
  groups: number[];
  /** 16 hex digits each. */
  capabilities: Record<"bounding" | "permitted" | "effective" | "inheritable" | "ambient", string>;
  noNewPrivileges: boolean;
  /** 0: none, 1: strict, 2: filters; undefined: a kernel without it. */
  seccomp?: 0 | 1 | 2;
  /** How many filters; undefined where the kernel doesn't say (before 5.9). */
  filters?: number;
  /** AppArmor's or SELinux' label; "" for none. */
  label: string;
  oomScoreAdj: number;
  uidMap: IdRow[];
  gidMap: IdRow[];
}

export interface IdRow {
  inside: number;
  outside: number;
  size: number;
}

/** A line of /proc/PID/mountinfo, unescaped. */
export interface MountView {
  id: number;
  parent: number;
  /** major:minor */
  device: string;
  /** What of the file system is mounted. */
  root: string;
  target: string;
  options: string;
  /** "shared:1 master:2"; "" for private. */
  propagation: string;
  type: string;
  source: string;
  superOptions: string;
}

/** A line of /proc/PID/cgroup. */
export interface CgroupPlace {
  hierarchy: number;
  controllers: string[];
  path: string;
}

/** Processes as /proc shows them. What is gone is undefined or left out: it may end at any moment. */
export interface KernelView {
  /** Gives other work its turn in between. */
  processes(pids: readonly number[]): Promise<ProcessView[]>;
  /** Inode by name ("net"); "self": the engine's own. */
  namespaces(pid: number | "self"): Record<string, number> | undefined;
  credentials(pid: number): Credentials | undefined;
  mounts(pid: number): MountView[] | undefined;
  cgroups(pid: number): CgroupPlace[] | undefined;
  /** Names in a folder that no container can change; [] where it is missing. */
  namesIn(folder: string): string[];
}
