import type { HostConfig } from "../../../base/container-config.ts";
import { GantryError } from "../../../base/errors.ts";
import type { HostFacts } from "../../../ports/host-facts.ts";
import { planResources } from "./resources.ts";

/** What `docker update` can change; a field that is 0, "" or left out stays as it is. */
const MEMORY = ["Memory", "MemorySwap", "MemoryReservation"] as const;
const CPU = [
  ...(["CpuShares", "NanoCpus", "CpuPeriod", "CpuQuota"] as const),
  ...(["CpuRealtimePeriod", "CpuRealtimeRuntime", "CpusetCpus", "CpusetMems"] as const),
];
const CHANGEABLE = [...MEMORY, ...CPU, "BlkioWeight"] as const;

const conflict = (message: string, hint?: string): never => {
  throw new GantryError("conflict", "UPDATE_CONFLICT", message, hint === undefined ? {} : { hint });
};

/** The configuration after a change that is valid by itself. Throws conflict in Docker's words where they don't go together. */
export function mergeUpdate(current: HostConfig, change: HostConfig): HostConfig {
  const { NanoCpus = 0, CpuPeriod = 0, CpuQuota = 0, Memory = 0, MemorySwap = 0 } = change;
  if (NanoCpus > 0 && (current.CpuPeriod ?? 0) > 0) {
    conflict("Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set");
  }
  if (NanoCpus > 0 && (current.CpuQuota ?? 0) > 0) {
    conflict("Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set");
  }
  if (CpuPeriod > 0 && (current.NanoCpus ?? 0) > 0) {
    conflict("Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set");
  }
  if (CpuQuota > 0 && (current.NanoCpus ?? 0) > 0) {
    conflict("Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set");
  }
  const swap = current.MemorySwap ?? 0;
  if (Memory > 0 && MemorySwap === 0 && swap !== -1 && Memory > swap) {
    conflict(
      "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
      `add --memory-swap ${Memory * 2}, or -1 for no limit on swap`,
    );
  }
  const { Name, MaximumRetryCount = 0 } = change.RestartPolicy ?? {};
  if (current.AutoRemove && Name && Name !== "no") {
    conflict("Restart policy cannot be updated because AutoRemove is enabled for the container");
  }
  const changed = Object.fromEntries(CHANGEABLE.flatMap((key) => (change[key] ? [[key, change[key]]] : [])));
  const merged: HostConfig = {
    ...current,
    ...changed,
    ...(typeof change.PidsLimit === "number" && { PidsLimit: change.PidsLimit > 0 ? change.PidsLimit : -1 }),
    ...(Name && { RestartPolicy: { Name, MaximumRetryCount } }),
  };
  requireSwapBesideMemory(merged);
  return merged;
}

/** Docker leaves this to the runtime, which says "invalid argument", or to the next start. */
function requireSwapBesideMemory({ Memory = 0, MemorySwap = 0 }: HostConfig): void {
  if (MemorySwap <= 0 || (Memory > 0 && MemorySwap >= Memory)) return;
  const message =
    Memory > 0
      ? "Minimum memoryswap limit should be larger than memory limit, see usage"
      : "You should always set the Memory limit when using Memoryswap limit, see usage";
  throw new GantryError("invalid", "BAD_RESOURCES", message);
}

export interface LiveChange {
  /** For the runtime; empty: nothing to tell it. */
  resources: Record<string, unknown>;
  /** Limits that are to be none: the runtime can't say it. */
  lift: ("pids" | "cpuQuota")[];
}

/** What brings a running container's groups from its former configuration to the new one. */
export function planLiveChange(change: HostConfig, merged: HostConfig, host: HostFacts): LiveChange {
  const plan = planResources(merged, host, []) as Record<string, Record<string, unknown>>;
  const part = (name: string, fields: string[]): Record<string, unknown> => {
    const given = Object.entries(plan[name] ?? {}).filter(([field]) => fields.includes(field));
    return given.length > 0 ? { [name]: Object.fromEntries(given) } : {};
  };
  const has = (controller: string): boolean => host.cgroup.controllers.includes(controller);
  const pids = typeof change.PidsLimit === "number" && has("pids");
  return {
    resources: {
      ...(MEMORY.some((key) => change[key]) && part("memory", ["limit", "swap", "reservation"])),
      ...(CPU.some((key) => change[key]) && plan["cpu"] && { cpu: plan["cpu"] }),
      ...(change.BlkioWeight && part("blockIO", ["weight"])),
      ...(pids && plan["pids"] && { pids: plan["pids"] }),
    },
    lift: [
      ...(pids && !plan["pids"] ? ["pids" as const] : []),
      ...((change.CpuQuota ?? 0) < 0 && host.cgroup.cpuQuota ? ["cpuQuota" as const] : []),
    ],
  };
}

/** What takes a change back, as far as limits can be taken back. */
export function planUndo(change: HostConfig, before: HostConfig, host: HostFacts): LiveChange {
  const timed = change.NanoCpus || change.CpuQuota;
  const none: HostConfig = {
    ...(change.Memory && !before.Memory && { Memory: -1, MemorySwap: -1 }),
    ...(timed && !before.NanoCpus && !before.CpuQuota && { CpuQuota: -1 }),
  };
  const undo = Object.fromEntries(CHANGEABLE.flatMap((key) => (change[key] ? [[key, before[key]]] : [])));
  const pids = typeof change.PidsLimit === "number" && { PidsLimit: before.PidsLimit ?? 0 };
  return planLiveChange({ ...undo, ...pids, ...none }, { ...before, ...none }, host);
}

/** Brings all limits of a running container's groups to what its configuration says. */
export const planRefresh = (hostConfig: HostConfig, host: HostFacts): LiveChange =>
  planLiveChange({ ...hostConfig, PidsLimit: hostConfig.PidsLimit ?? 0 }, hostConfig, host);
