import type { HostConfig, ThrottleDevice } from "../../../base/container-config.ts";
import { GantryError } from "../../../base/errors.ts";
import type { HostFacts } from "../../../ports/host-facts.ts";

const SMALLEST_MEMORY = 6 * 1024 * 1024;

const refuse = (message: string): never => {
  throw new GantryError("invalid", "BAD_RESOURCES", message);
};

/**
 * Memory, CPU, cpuset, block I/O and pids: throws in Docker's words, returns its warnings for what the host lacks.
 * `update`: the limits are changes of what a container has.
 */
export function validateResources(
  hostConfig: HostConfig,
  host: HostFacts,
  options: { update?: boolean } = {},
): string[] {
  const warnings: string[] = [];
  const has = (controller: string): boolean => host.cgroup.controllers.includes(controller);
  validateMemory(hostConfig, host, has("memory"), warnings, options.update ?? false);
  if ((hostConfig.PidsLimit ?? 0) > 0 && !has("pids")) {
    warnings.push(
      "Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.",
    );
  }
  validateCpu(hostConfig, host, has("cpu"), warnings);
  validateRealtime(hostConfig, host, warnings);
  validateCpuset(hostConfig, host, has("cpuset"), warnings);
  validateBlockIo(hostConfig, host, warnings);
  return warnings;
}

function validateBlockIo(hostConfig: HostConfig, { cgroup }: HostFacts, warnings: string[]): void {
  const weight = hostConfig.BlkioWeight ?? 0;
  if (weight > 0 && !cgroup.ioWeight) {
    warnings.push("Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.");
  } else if (weight !== 0 && (weight < 10 || weight > 1000)) refuse("Range of blkio weight is from 10 to 1000");
  if (hostConfig.IOMaximumBandwidth || hostConfig.IOMaximumIOps) {
    refuse("Invalid QoS settings: linux does not support Maximum IO Bandwidth or Maximum IO IOps");
  }
  const weights = hostConfig.BlkioWeightDevice ?? [];
  for (const { Path, Weight } of weights) {
    if (Weight !== 0 && !(Weight >= 10 && Weight <= 1000)) refuse(`invalid weight for device: ${Path}:${Weight}`);
  }
  if (weights.length > 0 && !cgroup.ioWeightDevice) {
    warnings.push(
      "Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.",
    );
  }
  const rates: [ThrottleDevice[] | null | undefined, supported: string, discarded: string][] = [
    [hostConfig.BlkioDeviceReadBps, "BPS Block I/O read limit", "Block I/O BPS read limit"],
    [hostConfig.BlkioDeviceWriteBps, "BPS Block I/O write limit", "Block I/O BPS write limit"],
    [hostConfig.BlkioDeviceReadIOps, "IOPS Block read limit", "Block I/O IOPS read limit"],
    [hostConfig.BlkioDeviceWriteIOps, "IOPS Block write limit", "Block I/O IOPS write limit"],
  ];
  for (const [list, supported, discarded] of rates) {
    if (!list || list.length === 0) continue;
    for (const { Path, Rate } of list) {
      if (!(Number.isSafeInteger(Rate) && Rate >= 0)) refuse(`invalid rate for device: ${Path}:${Rate}`);
    }
    if (!cgroup.ioThrottle) {
      warnings.push(`Your kernel does not support ${supported} or the cgroup is not mounted. ${discarded} discarded.`);
    }
  }
}

function validateMemory(
  hostConfig: HostConfig,
  host: HostFacts,
  supported: boolean,
  warnings: string[],
  update: boolean,
): void {
  const { Memory = 0, MemorySwap = 0, MemoryReservation = 0 } = hostConfig;
  const swappiness = hostConfig.MemorySwappiness ?? -1;
  if (Memory !== 0 && Memory < SMALLEST_MEMORY) refuse("Minimum memory limit allowed is 6MB");
  if (Memory > 0 && !supported) {
    warnings.push(
      "Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.",
    );
  } else if (Memory > 0 && MemorySwap !== -1 && !host.cgroup.swapLimit) {
    warnings.push(
      "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.",
    );
  }
  if (Memory > 0 && MemorySwap > 0 && MemorySwap < Memory) {
    refuse("Minimum memoryswap limit should be larger than memory limit, see usage");
  }
  if (Memory === 0 && MemorySwap > 0 && !update)
    refuse("You should always set the Memory limit when using Memoryswap limit, see usage");
  if (swappiness !== -1) {
    if (host.cgroup.version === 2 || !supported) {
      warnings.push(
        "Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.",
      );
    } else if (swappiness < 0 || swappiness > 100) {
      refuse(`Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
    }
  }
  if (MemoryReservation > 0 && MemoryReservation < SMALLEST_MEMORY) refuse("Minimum memory reservation allowed is 6MB");
  if (Memory > 0 && MemoryReservation > 0 && Memory < MemoryReservation) {
    refuse("Minimum memory limit can not be less than memory reservation limit, see usage");
  }
  if ((hostConfig.KernelMemory ?? 0) > 0) {
    warnings.push(
      "Your kernel does not support kernel memory limit capabilities or the cgroup is not mounted. Limitation discarded.",
    );
  }
  if ((hostConfig.KernelMemoryTCP ?? 0) > 0 && (host.cgroup.version === 2 || !supported)) {
    warnings.push(
      "Your kernel does not support kernel memory TCP limit capabilities or the cgroup is not mounted. Limitation discarded.",
    );
  }
  if (!hostConfig.OomKillDisable) return;
  if (host.cgroup.version === 2 || !supported) {
    warnings.push("Your kernel does not support OomKillDisable. OomKillDisable discarded.");
  } else if (Memory === 0) {
    warnings.push(
      "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.",
    );
  }
}

function validateCpu(hostConfig: HostConfig, host: HostFacts, supported: boolean, warnings: string[]): void {
  const { NanoCpus = 0, CpuPeriod = 0, CpuQuota = 0, CpuShares = 0 } = hostConfig;
  if (NanoCpus > 0 && CpuPeriod > 0) refuse("Conflicting options: Nano CPUs and CPU Period cannot both be set");
  if (NanoCpus > 0 && CpuQuota > 0) refuse("Conflicting options: Nano CPUs and CPU Quota cannot both be set");
  if (NanoCpus > 0 && !host.cgroup.cpuQuota) {
    refuse("NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted");
  }
  if (NanoCpus < 0 || NanoCpus > host.cpus * 1e9) {
    refuse(`range of CPUs is from 0.01 to ${host.cpus}.00, as there are only ${host.cpus} CPUs available`);
  }
  if (CpuShares < 0) refuse(`invalid CPU shares (${CpuShares}): value must be a positive integer`);
  if (CpuShares > 0 && !supported) {
    warnings.push("Your kernel does not support CPU shares or the cgroup is not mounted. Shares discarded.");
  }
  if ((CpuPeriod !== 0 || CpuQuota !== 0) && !host.cgroup.cpuQuota) {
    warnings.push("Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.");
    return;
  }
  if (CpuPeriod !== 0 && (CpuPeriod < 1000 || CpuPeriod > 1_000_000)) {
    refuse("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
  }
  if (CpuQuota > 0 && CpuQuota < 1000) refuse("CPU cfs quota can not be less than 1ms (i.e. 1000)");
}

function validateRealtime(hostConfig: HostConfig, host: HostFacts, warnings: string[]): void {
  const { CpuRealtimePeriod = 0, CpuRealtimeRuntime = 0, CpuPercent = 0 } = hostConfig;
  if (CpuPercent > 0) warnings.push("linux does not support CPU percent. Percent discarded.");
  if (CpuRealtimePeriod === 0 && CpuRealtimeRuntime === 0) return;
  if (CpuRealtimePeriod < 0 || CpuRealtimeRuntime < 0) refuse("cpu real-time period and runtime cannot be negative");
  if (!host.cgroup.cpuRealtime) {
    warnings.push("Your kernel does not support CPU real-time scheduler. CPU real-time period/runtime discarded.");
  } else if (CpuRealtimePeriod !== 0 && CpuRealtimeRuntime > CpuRealtimePeriod) {
    refuse("cpu real-time runtime cannot be higher than cpu real-time period");
  }
}

function validateCpuset(hostConfig: HostConfig, host: HostFacts, supported: boolean, warnings: string[]): void {
  const { CpusetCpus = "", CpusetMems = "" } = hostConfig;
  if (CpusetCpus === "" && CpusetMems === "") return;
  const cpus = kernelList(CpusetCpus);
  const mems = kernelList(CpusetMems);
  if (cpus === undefined) return refuse(`Invalid value ${CpusetCpus} for cpuset cpus: invalid format: ${CpusetCpus}`);
  if (mems === undefined) return refuse(`Invalid value ${CpusetMems} for cpuset mems: invalid format: ${CpusetMems}`);
  if (!supported) {
    warnings.push("Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.");
    return;
  }
  if (!covers(host.cpuList, cpus)) {
    refuse(`Requested CPUs are not available - requested ${CpusetCpus}, available: ${host.cpuList}`);
  }
  if (!covers(host.memoryNodes, mems)) {
    refuse(`Requested memory nodes are not available - requested ${CpusetMems}, available: ${host.memoryNodes}`);
  }
}

/** As the kernel's own limit on CPUs: a range beyond it is nonsense, and cheap to refuse. */
const HIGHEST = 8192;

/** "0-2,7" → [0, 2] and [7, 7]; undefined when it is no such list. */
function kernelList(text: string): [number, number][] | undefined {
  const ranges: [number, number][] = [];
  for (const part of text.split(",").map((piece) => piece.trim())) {
    if (part === "") continue;
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part);
    if (!match) return undefined;
    const low = Number(match[1]);
    const high = match[2] === undefined ? low : Number(match[2]);
    if (high < low || high > HIGHEST) return undefined;
    ranges.push([low, high]);
  }
  return ranges;
}

function covers(available: string, wanted: [number, number][]): boolean {
  const there = new Set<number>();
  for (const [low, high] of kernelList(available) ?? []) for (let i = low; i <= high; i++) there.add(i);
  return wanted.every(([low, high]) => {
    for (let i = low; i <= high; i++) if (!there.has(i)) return false;
    return true;
  });
}
