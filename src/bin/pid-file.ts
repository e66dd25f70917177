import fs from "node:fs";
import path from "node:path";
import { GantryError } from "../base/errors.ts";
import { processStartTime } from "../drivers/process/handle.ts";

/** Claims the pid file. Throws conflict ENGINE_RUNNING while the process it names is a gantryd that lives. */
export function claimPidFile(file: string): void {
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o711 });
  const holder = readHolder(file);
  if (holder !== undefined && holder !== process.pid && isEngine(holder)) {
    throw new GantryError(
      "conflict",
      "ENGINE_RUNNING",
      `gantryd is running already (pid ${holder}, pid file ${file})`,
      {
        hint: "another engine needs its own --data-root, --exec-root, --bridge, -H and --pidfile",
      },
    );
  }
  fs.writeFileSync(file, `${process.pid}\n`);
}

export function releasePidFile(file: string): void {
  if (readHolder(file) === process.pid) fs.rmSync(file, { force: true });
}

function readHolder(file: string): number | undefined {
  try {
    return Number(fs.readFileSync(file, "utf8").trim()) || undefined;
  } catch {
    return undefined;
  }
}

function isEngine(pid: number): boolean {
  if (processStartTime(pid) === undefined) return false;
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("gantryd");
  } catch {
    return false;
  }
}
