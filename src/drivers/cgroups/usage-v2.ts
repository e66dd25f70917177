import path from "node:path";
import type { CgroupUsage, DeviceCount } from "../../ports/cgroups.ts";
import { keyed, limitIn, numberIn, readText } from "./text.ts";

const MICROSECOND = 1000;

export function usageV2(folder: string): CgroupUsage | undefined {
  const text = readText(path.join(folder, "cpu.stat"));
  // Every group has this file, whatever controllers are enabled.
  if (text === "") return undefined;
  const cpu = keyed(text);
  const nanoseconds = (key: string): number => (cpu[key] ?? 0) * MICROSECOND;
  const limit = limitIn(path.join(folder, "memory.max"));
  const pidsLimit = limitIn(path.join(folder, "pids.max"));
  return {
    version: 2,
    cpu: {
      total: nanoseconds("usage_usec"),
      user: nanoseconds("user_usec"),
      system: nanoseconds("system_usec"),
      periods: cpu["nr_periods"] ?? 0,
      throttledPeriods: cpu["nr_throttled"] ?? 0,
      throttledTime: nanoseconds("throttled_usec"),
    },
    memory: {
      usage: numberIn(path.join(folder, "memory.current")),
      failures: keyed(readText(path.join(folder, "memory.events")))["oom"] ?? 0,
      ...(limit !== undefined && { limit }),
      stats: keyed(readText(path.join(folder, "memory.stat"))),
    },
    pids: {
      current: numberIn(path.join(folder, "pids.current")),
      ...(pidsLimit !== undefined && { limit: pidsLimit }),
    },
    io: { serviceBytes: bytesByDevice(readText(path.join(folder, "io.stat"))) },
  };
}

/** Lines `major:minor rbytes=… wbytes=… …`; a device without traffic may have no numbers. */
function bytesByDevice(text: string): DeviceCount[] {
  return text.split("\n").flatMap((line) => {
    const device = /^(\d+):(\d+) (.*)$/.exec(line);
    if (device === null) return [];
    const [major, minor, numbers = ""] = [Number(device[1]), Number(device[2]), device[3]];
    const count = (key: string): number => Number(new RegExp(`\\b${key}=(\\d+)`).exec(numbers)?.[1] ?? 0);
    return [
      { major, minor, op: "read", value: count("rbytes") },
      { major, minor, op: "write", value: count("wbytes") },
    ];
  });
}
