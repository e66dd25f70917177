/** What gantryd runs on, as far as a container's configuration depends on it. Read once at start. */
export interface HostFacts {
  cgroup: CgroupFacts;
  /** Capabilities in gantryd's bounding set, "CAP_CHOWN" …: more than these nobody below it can have. */
  capabilities: string[];
  /** Hard limits by ulimit name ("nofile"); Infinity for none. Without CAP_SYS_RESOURCE they can only be lowered. */
  hardLimits: Record<string, number>;
  /** CPUs online, their number and the kernel's list ("0-3"). */
  cpus: number;
  cpuList: string;
  /** Memory nodes in the kernel's list form. */
  memoryNodes: string;
  /** Total memory in bytes. */
  memory: number;
  kernel: { release: string; major: number; minor: number };
  /** In Go's names: amd64, arm64 … */
  architecture: string;
  /** Actions the kernel's seccomp knows ("errno", "allow" …); empty: no seccomp. */
  seccomp: string[];
  apparmor: boolean;
  selinux: boolean;
  /** gantryd's own oom_score_adj: without CAP_SYS_RESOURCE nobody below it gets under it. */
  oomScoreAdj: number;
  /** gantryd runs in a user namespace of its own. */
  inUserNamespace: boolean;
}

export interface CgroupFacts {
  /** hybrid: controllers on v1, a v2 tree without controllers beside them. */
  version: 1 | 2 | "hybrid";
  /** Usable ones: memory, cpu, cpuset, pids, blkio or io, devices, freezer … On v2 devices and freezer always work. */
  controllers: string[];
  /** Where each v1 controller, and "unified" for the v2 tree, is mounted. */
  mountpoints: Record<string, string>;
  /** Swap can be limited. */
  swapLimit: boolean;
  /** CPU time can be limited by quota and period. */
  cpuQuota: boolean;
  /** v1's cpu.rt_runtime_us exists; v2 has no such thing. */
  cpuRealtime: boolean;
  /** v1's blkio.weight or v2's io.weight exists; and the same for single devices. */
  ioWeight: boolean;
  ioWeightDevice: boolean;
  /** Bytes and operations a second can be limited for single devices. */
  ioThrottle: boolean;
}

/** A device node on the host. */
export interface HostDevice {
  path: string;
  type: "c" | "b";
  major: number;
  minor: number;
  /** Permission bits. */
  fileMode: number;
  uid: number;
  gid: number;
}

export interface Host {
  facts(): HostFacts;
  /** Whether the kernel hands programs of formats that are not its own to interpreters (binfmt_misc, as QEMU's). */
  runsForeignFormats(): boolean;
  /**
   * The device at `path`, or all devices below a folder (links are followed to a device, not into folders; pts, shm,
   * mqueue and fd are left out). Throws invalid NO_SUCH_DEVICE in Docker's words.
   */
  devices(path: string): HostDevice[];
}
