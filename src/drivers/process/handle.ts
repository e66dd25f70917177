import fs from "node:fs";

/** Field 22 of /proc/PID/stat; undefined when there is no such process, or only its zombie. */
export function processStartTime(pid: number): number | undefined {
  let text: string;
  try {
    text = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined;
  }
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? undefined : Number(fields[19]);
}

/** Living processes with an argument that begins like this. */
export function processesWith(beginning: string): { pid: number; argv: string[] }[] {
  return fs.readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid)) return [];
    let argv: string[];
    try {
      argv = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    } catch {
      return []; // it ended meanwhile
    }
    return argv.some((word) => word.startsWith(beginning)) ? [{ pid, argv }] : [];
  });
}

/** Pids of a process's children; [] when it is gone. */
export function childrenOf(pid: number): number[] {
  try {
    return fs.readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** SIGKILL; a process that is gone is fine. */
export function killIfThere(pid: number): void {
  try {
    if (pid > 0) process.kill(pid, "SIGKILL");
  } catch {
    // it ended meanwhile
  }
}
