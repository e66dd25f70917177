import fs from "node:fs";
import path from "node:path";
import type { CgroupUsage, DeviceCount, IoList } from "../../ports/cgroups.ts";
import { keyed, limitIn, numberIn, readText } from "./text.ts";

/** Nanoseconds in a tick of cpuacct.stat: USER_HZ is 100 on every architecture of today. */
const TICK = 10_000_000;
/** memory.limit_in_bytes of a group without a limit is the largest number of pages. */
const NO_LIMIT = 2 ** 62;

/** blkio's files by who keeps them: CFQ (kernels before 5.0), the throttling layer, BFQ. */
const IO_FILES: { prefix: string; lists: [IoList, string][] }[] = [
  {
    prefix: "blkio.",
    lists: [
      ["serviceBytes", "io_service_bytes_recursive"],
      ["serviced", "io_serviced_recursive"],
      ["queued", "io_queued_recursive"],
      ["serviceTime", "io_service_time_recursive"],
      ["waitTime", "io_wait_time_recursive"],
      ["merged", "io_merged_recursive"],
      ["time", "time_recursive"],
      ["sectors", "sectors_recursive"],
    ],
  },
  ...["blkio.throttle.", "blkio.bfq."].map((prefix) => ({
    prefix,
    lists: [
      ["serviceBytes", "io_service_bytes_recursive"],
      ["serviced", "io_serviced_recursive"],
    ] as [IoList, string][],
  })),
];

/** `folder`: the group's folder below a controller's mount; undefined where that is not mounted. */
export function usageV1(folder: (controller: string) => string | undefined): CgroupUsage | undefined {
  const memory = folder("memory") ?? "";
  const cpuacct = folder("cpuacct") ?? "";
  const pids = folder("pids") ?? "";
  const throttling = keyed(readText(path.join(folder("cpu") ?? "", "cpu.stat")));
  const total = readText(path.join(cpuacct, "cpuacct.usage"));
  const usage = readText(path.join(memory, "memory.usage_in_bytes"));
  if (total === "" && usage === "") return undefined;
  const ticks = keyed(readText(path.join(cpuacct, "cpuacct.stat")));
  const limit = limitIn(path.join(memory, "memory.limit_in_bytes"));
  const pidsLimit = limitIn(path.join(pids, "pids.max"));
  return {
    version: 1,
    cpu: {
      total: Number(total),
      user: (ticks["user"] ?? 0) * TICK,
      system: (ticks["system"] ?? 0) * TICK,
      perCpu: readText(path.join(cpuacct, "cpuacct.usage_percpu")).split(/\s+/).filter(Boolean).map(Number),
      periods: throttling["nr_periods"] ?? 0,
      throttledPeriods: throttling["nr_throttled"] ?? 0,
      throttledTime: throttling["throttled_time"] ?? 0,
    },
    memory: {
      usage: Number(usage),
      peak: numberIn(path.join(memory, "memory.max_usage_in_bytes")),
      failures: numberIn(path.join(memory, "memory.failcnt")),
      ...(limit !== undefined && limit < NO_LIMIT && { limit }),
      stats: keyed(readText(path.join(memory, "memory.stat"))),
    },
    pids: {
      current: numberIn(path.join(pids, "pids.current")),
      ...(pidsLimit !== undefined && { limit: pidsLimit }),
    },
    io: io(folder("blkio")),
  };
}

function io(folder: string | undefined): CgroupUsage["io"] {
  if (folder === undefined) return {};
  for (const { prefix, lists } of IO_FILES) {
    // Asking first is cheaper than an error, and most kernels have one of the three.
    if (!fs.existsSync(path.join(folder, `${prefix}io_service_bytes_recursive`))) continue;
    const counts = lists.map(
      ([name, file]) => [name, deviceCounts(readText(path.join(folder, `${prefix}${file}`)))] as const,
    );
    if (counts.some(([, list]) => list.length > 0)) return Object.fromEntries(counts);
  }
  return {};
}

/** Lines `major:minor op value` or `major:minor value`; the line of the grand total is left out. */
export function deviceCounts(text: string): DeviceCount[] {
  const counts: DeviceCount[] = [];
  for (const line of text.split("\n")) {
    const match = /^(\d+):(\d+) (?:(\S+) )?(\d+)$/.exec(line);
    if (match === null) continue;
    const [, major, minor, op = "", value] = match;
    counts.push({ major: Number(major), minor: Number(minor), op, value: Number(value) });
  }
  return counts;
}
