/** Traffic of a network interface in one direction, since it was made. */
export interface TrafficCounters {
  bytes: number;
  packets: number;
  errors: number;
  dropped: number;
}

/** What the kernel counts outside of control groups. */
export interface HostCounters {
  /** Time of all CPUs together since boot, idle or not, in nanoseconds; and how many are online. */
  cpu(): { total: number; online: number };
  /** The interfaces in a process's network namespace by name, the loopback left out; {} when the process is gone. */
  interfaces(pid: number): Record<string, { received: TrafficCounters; sent: TrafficCounters }>;
}
