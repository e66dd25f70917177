import type { HostConfig } from "../../../base/container-config.ts";
import type { HostFacts } from "../../../ports/host-facts.ts";

/**
 * The limits as they are kept and shown: in Docker's one form for "none", and without what this host can't do, of which
 * `validateResources` warns. A PidsLimit of -1 stays: for null Gantry has a limit of its own.
 */
export function supportedResources(hostConfig: HostConfig, host: HostFacts): HostConfig {
  const { cgroup } = host;
  const has = (controller: string): boolean => cgroup.controllers.includes(controller);
  const v1Memory = has("memory") && cgroup.version !== 2;
  const kept = { ...hostConfig };
  const drop = <K extends keyof HostConfig>(when: boolean, empty: HostConfig[K], ...fields: K[]): void => {
    for (const field of fields) if (when && kept[field]) kept[field] = empty;
  };
  drop(!has("memory"), 0, "Memory", "MemorySwap", "MemoryReservation");
  if (!cgroup.swapLimit && (kept.Memory ?? 0) > 0) kept.MemorySwap = -1;
  drop(!v1Memory || kept.MemorySwappiness === -1, null, "MemorySwappiness");
  drop(!v1Memory, null, "OomKillDisable");
  drop(!v1Memory, 0, "KernelMemoryTCP");
  drop(!has("cpu"), 0, "CpuShares");
  drop(!cgroup.cpuQuota, 0, "CpuPeriod", "CpuQuota");
  drop(!cgroup.cpuRealtime, 0, "CpuRealtimePeriod", "CpuRealtimeRuntime");
  drop(!has("cpuset"), "", "CpusetCpus", "CpusetMems");
  drop(true, 0, "CpuPercent");
  drop(!cgroup.ioWeight, 0, "BlkioWeight");
  drop(!cgroup.ioWeightDevice, [], "BlkioWeightDevice");
  const throttles = [
    "BlkioDeviceReadBps",
    "BlkioDeviceWriteBps",
    "BlkioDeviceReadIOps",
    "BlkioDeviceWriteIOps",
  ] as const;
  drop(!cgroup.ioThrottle, [], ...throttles);
  if (!has("pids") || kept.PidsLimit === 0) kept.PidsLimit = null;
  delete kept.KernelMemory;
  return kept;
}
