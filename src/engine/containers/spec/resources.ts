import type { HostConfig } from "../../../base/container-config.ts";
import type { HostDevice, HostFacts } from "../../../ports/host-facts.ts";
import { planBlockIo } from "./block-io.ts";
import type { DeviceRule } from "./devices.ts";

/** Processes and threads a container may have when nothing is said: enough for any service, an end to a fork bomb. */
export const DEFAULT_PIDS_LIMIT = 2048;

const PERIOD = 100_000; // µs, the kernel's own default

/**
 * `linux.resources` of config.json, what the host cannot do left out (`validateHostConfig` has warned). `blockDevices`:
 * what the host has at the paths that limits of block I/O name.
 */
export function planResources(
  hostConfig: HostConfig,
  host: Pick<HostFacts, "cgroup">,
  devices: readonly DeviceRule[],
  blockDevices: Readonly<Record<string, readonly HostDevice[]>> = {},
): Record<string, unknown> {
  const has = (controller: string): boolean => host.cgroup.controllers.includes(controller);
  const result: Record<string, unknown> = { devices };
  const put = (name: string, value: object): void => {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    if (entries.length > 0) result[name] = Object.fromEntries(entries);
  };
  if (has("memory")) put("memory", memory(hostConfig, host.cgroup));
  put("cpu", {
    ...(has("cpu") && cpuTime(hostConfig, host.cgroup)),
    ...(has("cpuset") && { cpus: hostConfig.CpusetCpus || undefined, mems: hostConfig.CpusetMems || undefined }),
  });
  if (has("pids")) put("pids", { limit: pidsLimit(hostConfig.PidsLimit) });
  put("blockIO", planBlockIo(hostConfig, host.cgroup, blockDevices));
  return result;
}

/** Absent or 0 (what the docker CLI sends when nothing was said): Gantry's default. Below 0: none. */
export function pidsLimit(wanted: number | null | undefined): number | undefined {
  return wanted ? positive(wanted) : DEFAULT_PIDS_LIMIT;
}

/** -1 is no limit, which is a new group's state, and which crun can't write. */
const positive = (limit: number | undefined): number | undefined => (limit && limit > 0 ? limit : undefined);

/** Docker's rule: memory alone allows as much swap again; -1 is unlimited. In bytes, memory and swap together. */
export function memorySwap(hostConfig: HostConfig): number {
  const { Memory = 0, MemorySwap = 0 } = hostConfig;
  return Memory > 0 && MemorySwap === 0 ? Memory * 2 : MemorySwap;
}

function memory(hostConfig: HostConfig, cgroup: HostFacts["cgroup"]): Record<string, unknown> {
  const v1 = cgroup.version !== 2;
  const swappiness = hostConfig.MemorySwappiness ?? -1;
  return {
    limit: hostConfig.Memory || undefined,
    reservation: hostConfig.MemoryReservation || undefined,
    swap: cgroup.swapLimit ? memorySwap(hostConfig) || undefined : undefined,
    swappiness: v1 && swappiness >= 0 ? swappiness : undefined,
    disableOOMKiller: v1 && hostConfig.OomKillDisable ? true : undefined,
    kernelTCP: v1 ? hostConfig.KernelMemoryTCP || undefined : undefined,
  };
}

function cpuTime(hostConfig: HostConfig, cgroup: HostFacts["cgroup"]): Record<string, unknown> {
  const nano = hostConfig.NanoCpus ?? 0;
  const timed = cgroup.cpuQuota;
  return {
    shares: hostConfig.CpuShares || undefined,
    quota: timed ? (nano > 0 ? Math.round((nano * PERIOD) / 1e9) : positive(hostConfig.CpuQuota)) : undefined,
    period: timed ? (nano > 0 ? PERIOD : hostConfig.CpuPeriod || undefined) : undefined,
    realtimePeriod: cgroup.cpuRealtime ? hostConfig.CpuRealtimePeriod || undefined : undefined,
    realtimeRuntime: cgroup.cpuRealtime ? hostConfig.CpuRealtimeRuntime || undefined : undefined,
  };
}

/** Below `/gantry` or the user's parent. The runtime makes it; both trees of a hybrid host use the same path. */
export function cgroupsPath(id: string, parent: string | undefined): string {
  const segments = (parent || "gantry").split("/").filter((part) => part !== "" && part !== "." && part !== "..");
  return `/${[...segments, id].join("/")}`;
}
