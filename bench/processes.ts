import fs from "node:fs";
import type { Side } from "./side.ts";

/** The kernel tells in ticks of USER_HZ. */
const MS_PER_TICK = 10;

export const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);

/** Pids: the engine's own with all below it (containerd, proxies), and the monitors of its containers. */
export function processesOf(side: Side): { engine: number[]; monitors: number[] } {
  const parents = new Map<number, number>();
  for (const name of fs.readdirSync("/proc")) {
    if (/^\d+$/.test(name)) parents.set(Number(name), parentOf(Number(name)));
  }
  const below = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at)) {
      if (at === side.pid) return true;
    }
    return false;
  };
  const engine = [...parents.keys()].filter(below);
  return { engine, monitors: [...parents.keys()].filter((pid) => !below(pid) && isMonitor(pid, side.folder)) };
}

/** Milliseconds on a CPU so far, of all threads, also those that have ended. */
export function cpuOf(pid: number): number {
  const [user = 0, system = 0] = read(pid, "stat").split(") ")[1]?.split(" ").slice(11, 13).map(Number) ?? [];
  return (user + system) * MS_PER_TICK;
}

/** Empty when the process has gone. */
export function read(pid: number, file: string): string {
  try {
    return fs.readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

/** conmon and containerd-shim name the engine's folder in their arguments. */
const isMonitor = (pid: number, folder: string): boolean => {
  const words = read(pid, "cmdline").split("\0");
  return /conmon|containerd-shim/.test(words[0] ?? "") && words.some((word) => word.includes(`${folder}/`));
};

const parentOf = (pid: number): number => Number(/^PPid:\s+(\d+)/m.exec(read(pid, "status"))?.[1] ?? 0);
