import fs from "node:fs";
import type { HostCounters, TrafficCounters } from "../../ports/host-counters.ts";

/** Nanoseconds in a tick of /proc/stat: USER_HZ is 100 on every architecture of today. */
const TICK = 10_000_000;
/** user, nice, system, idle, iowait, irq, softirq: what Docker adds up, too. Guests' time is in user already. */
const FIELDS = 7;

/** The counters of /proc. */
export class ProcCounters implements HostCounters {
  private readonly root: string;

  /** `root`: where proc is mounted. */
  constructor(root = "/proc") {
    this.root = root;
  }

  cpu(): { total: number; online: number } {
    const text = fs.readFileSync(`${this.root}/stat`, "utf8");
    const [, ...times] = text.slice(0, text.indexOf("\n")).split(/\s+/);
    const ticks = times.slice(0, FIELDS).reduce((sum, time) => sum + Number(time), 0);
    return { total: ticks * TICK, online: text.match(/^cpu\d/gm)?.length ?? 1 };
  }

  interfaces(pid: number): ReturnType<HostCounters["interfaces"]> {
    let text: string;
    try {
      text = fs.readFileSync(`${this.root}/${pid}/net/dev`, "utf8");
    } catch {
      return {};
    }
    const result: ReturnType<HostCounters["interfaces"]> = {};
    for (const line of text.split("\n").slice(2)) {
      const [name = "", numbers] = line.trim().split(/:\s*/);
      if (numbers === undefined || name === "lo") continue;
      const counts = numbers.split(/\s+/).map(Number);
      result[name] = { received: traffic(counts), sent: traffic(counts.slice(8)) };
    }
    return result;
  }
}

const traffic = ([bytes = 0, packets = 0, errors = 0, dropped = 0]: number[]): TrafficCounters => ({
  bytes,
  packets,
  errors,
  dropped,
});
