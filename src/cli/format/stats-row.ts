import { bytesSize, humanSizeWithPrecision } from "../../base/units.ts";
import type { ContainerStats } from "../../wire/types/containers.ts";
import type { Row } from "./listing.ts";
import { shortId } from "./words.ts";

export const statsHeadings: Record<string, string> = {
  Container: "CONTAINER",
  ID: "CONTAINER ID",
  Name: "NAME",
  CPUPerc: "CPU %",
  MemUsage: "MEM USAGE / LIMIT",
  MemPerc: "MEM %",
  NetIO: "NET I/O",
  BlockIO: "BLOCK I/O",
  PIDs: "PIDS",
};

/** `stats` undefined: not heard of yet. */
export function statsRow(given: string, stats: ContainerStats | undefined, whole: boolean): Row {
  if (stats === undefined) {
    const none = { BlockIO: "--", CPUPerc: "--", MemPerc: "--", MemUsage: "-- / --", NetIO: "--", PIDs: "--" };
    return { fields: { ...none, Container: given, ID: whole ? given : shortId(given), Name: "--" } };
  }
  const { memory_stats: memory } = stats;
  const { limit = 0 } = memory;
  const used = memoryUsed(memory);
  const networks = Object.values(stats.networks ?? {});
  const received = networks.reduce((total, network) => total + network.rx_bytes, 0);
  const sent = networks.reduce((total, network) => total + network.tx_bytes, 0);
  const blocks = (operation: string): number =>
    (stats.blkio_stats.io_service_bytes_recursive ?? [])
      .filter(({ op }) => op.toLowerCase() === operation)
      .reduce((total, { value }) => total + value, 0);
  const pair = (a: number, b: number): string => `${humanSizeWithPrecision(a, 3)} / ${humanSizeWithPrecision(b, 3)}`;
  return {
    fields: {
      BlockIO: pair(blocks("read"), blocks("write")),
      CPUPerc: `${cpuPercent(stats).toFixed(2)}%`,
      Container: given,
      ID: whole ? stats.id : shortId(stats.id),
      MemPerc: `${(limit > 0 ? (used / limit) * 100 : 0).toFixed(2)}%`,
      MemUsage: `${bytesSize(used)} / ${bytesSize(limit)}`,
      Name: stats.name.replace(/^\//, ""),
      NetIO: pair(received, sent),
      PIDs: String(stats.pids_stats.current ?? 0),
    },
  };
}

/** Page cache that can be dropped at any time does not count (cgroup v1 and v2 name it differently). */
function memoryUsed({ usage = 0, stats = {} }: ContainerStats["memory_stats"]): number {
  const inactive = stats["total_inactive_file"] ?? stats["inactive_file"] ?? 0;
  return inactive < usage ? usage - inactive : usage;
}

function cpuPercent({ cpu_stats: now, precpu_stats: before }: ContainerStats): number {
  const own = now.cpu_usage.total_usage - before.cpu_usage.total_usage;
  const system = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0);
  const cpus = now.online_cpus || now.cpu_usage.percpu_usage?.length || 1;
  return own > 0 && system > 0 ? (own / system) * cpus * 100 : 0;
}
