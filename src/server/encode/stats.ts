import { type ContainerRecord, NEVER } from "../../engine/containers/record.ts";
import type { Sample } from "../../engine/containers/stats/feed.ts";
import type { Reading } from "../../engine/containers/stats/reading.ts";
import type { CgroupUsage, IoList } from "../../ports/cgroups.ts";
import type { BlkioStats, ContainerStats, CpuStats, MemoryStats, NetworkStats } from "../../wire/types/containers.ts";

/** GET /containers/{id}/stats. Without a reading it is the document of zeros that Docker sends for what doesn't run. */
export function encodeStats(record: ContainerRecord, { now, before }: Sample, hostMemory: number): ContainerStats {
  return {
    read: now?.at ?? NEVER,
    preread: before?.at ?? NEVER,
    pids_stats: now ? pids(now.usage) : {},
    blkio_stats: blockIo(now?.usage),
    num_procs: 0,
    storage_stats: {},
    cpu_stats: cpu(now),
    precpu_stats: cpu(before),
    memory_stats: now ? memory(now.usage, hostMemory) : {},
    name: `/${record.name}`,
    id: record.id,
    ...(now && Object.keys(now.interfaces).length > 0 && { networks: networks(now.interfaces) }),
  };
}

const pids = ({ pids: { current, limit } }: CgroupUsage): ContainerStats["pids_stats"] => ({
  current,
  ...(limit !== undefined && { limit }),
});

function cpu(reading: Reading | undefined): CpuStats {
  const used = reading?.usage.cpu;
  return {
    cpu_usage: {
      total_usage: used?.total ?? 0,
      ...(used?.perCpu && { percpu_usage: used.perCpu }),
      usage_in_kernelmode: used?.system ?? 0,
      usage_in_usermode: used?.user ?? 0,
    },
    ...(reading && { system_cpu_usage: reading.cpu.total, online_cpus: reading.cpu.online }),
    throttling_data: {
      periods: used?.periods ?? 0,
      throttled_periods: used?.throttledPeriods ?? 0,
      throttled_time: used?.throttledTime ?? 0,
    },
  };
}

function memory({ memory: used }: CgroupUsage, hostMemory: number): MemoryStats {
  return {
    usage: used.usage,
    ...(used.peak !== undefined && { max_usage: used.peak }),
    stats: used.stats,
    ...(used.failures > 0 && { failcnt: used.failures }),
    limit: Math.min(used.limit ?? hostMemory, hostMemory),
  };
}

/** What v1 doesn't count is an empty list, what v2 has no count for is null. */
function blockIo(usage: CgroupUsage | undefined): BlkioStats {
  const list = (name: IoList): BlkioStats["sectors_recursive"] => usage?.io[name] ?? (usage?.version === 1 ? [] : null);
  return {
    io_service_bytes_recursive: list("serviceBytes"),
    io_serviced_recursive: list("serviced"),
    io_queue_recursive: list("queued"),
    io_service_time_recursive: list("serviceTime"),
    io_wait_time_recursive: list("waitTime"),
    io_merged_recursive: list("merged"),
    io_time_recursive: list("time"),
    sectors_recursive: list("sectors"),
  };
}

const networks = (interfaces: Reading["interfaces"]): Record<string, NetworkStats> =>
  Object.fromEntries(
    Object.entries(interfaces).map(([name, { received, sent }]) => [
      name,
      {
        rx_bytes: received.bytes,
        rx_packets: received.packets,
        rx_errors: received.errors,
        rx_dropped: received.dropped,
        tx_bytes: sent.bytes,
        tx_packets: sent.packets,
        tx_errors: sent.errors,
        tx_dropped: sent.dropped,
      },
    ]),
  );
