import fs from "node:fs";
import type { LogKeeping } from "../../base/logging/keeping.ts";
import { Mutex } from "../../base/mutex.ts";
import { compressTo, copyEndTo, fileOf, type LogFile, oldestFirst } from "./files.ts";

/** Looks for the monitor's new file after a rotation. */
const PATIENCE = 100;
const PAUSE = 10;

/** A file that is larger than this, and than twice what was asked for, is cut. */
const CUT = 16 * 1024 * 1024;

/** Bytes that all older files should take together. */
const allowance = ({ maxSize, maxFiles }: LogKeeping): number => maxSize * (maxFiles - 1);

/**
 * Ages by one: path → path.1 → path.2 …; the oldest go while they are too many or too much. The file that was current
 * stays in any case: the monitor may still write to it.
 */
export function rotateFiles(path: string, keeping: LogKeeping): void {
  const oldest = Math.max(1, keeping.maxFiles - 1);
  const files = oldestFirst(path);
  for (const file of files.filter(({ age }) => age >= oldest)) discard(path, file.age);
  for (const file of files.filter(({ age }) => age < oldest)) {
    discard(path, file.age + 1);
    fs.renameSync(file.path, `${path}.${file.age + 1}${file.compressed ? ".gz" : ""}`);
  }
  let newer = 0;
  for (const file of oldestFirst(path).toReversed()) {
    if (file.age > 1 && newer >= allowance(keeping)) discard(path, file.age);
    else newer += fs.statSync(file.path).size;
  }
}

function discard(path: string, age: number): void {
  for (const name of [`${path}.${age}`, `${path}.${age}.gz`]) fs.rmSync(name, { force: true });
}

/** Compresses older files and cuts those that grew while nobody looked; one file of all logs at a time. */
export class LogSettler {
  private readonly turn = new Mutex();
  private readonly waiting = new Set<string>();

  /** Repeatable; one call does what others that wait ask for too. */
  async settle(path: string, keeping: LogKeeping): Promise<void> {
    if (this.waiting.has(path)) return;
    this.waiting.add(path);
    const more = await this.turn.run(async () => {
      this.waiting.delete(path);
      return this.settleOne(path, keeping);
    });
    // In a flood there is always one more: others have their turn first.
    if (more) await this.settle(path, keeping);
  }

  /** True if there is more to do. */
  private async settleOne(path: string, keeping: LogKeeping): Promise<boolean> {
    // Until the monitor has a new file it writes to the one that was moved.
    for (let look = 0; !fs.existsSync(path); look++) {
      if (look === PATIENCE || !fs.existsSync(`${path}.1`)) return false;
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
    if (keeping.maxFiles <= 1) discard(path, 1);
    const newest = fileOf(path, 1);
    const most = Math.max(CUT, 2 * allowance(keeping));
    if (newest && !newest.compressed && fs.statSync(newest.path).size > most) {
      await replace(path, newest, "", (to, from) => copyEndTo(to, from, allowance(keeping)));
    }
    const file = keeping.compress && oldestFirst(path).find(({ age, compressed }) => age > 0 && !compressed);
    if (!file) return false;
    await replace(path, file, ".gz", compressTo);
    return true;
  }
}

/** Puts what `make` makes of a file in its place, whatever its age has become meanwhile. */
async function replace(
  path: string,
  file: LogFile,
  ending: string,
  make: (to: string, from: number) => Promise<void>,
): Promise<void> {
  const made = `${path}.made`;
  const fd = fs.openSync(file.path, "r");
  try {
    await make(made, fd);
    const { ino } = fs.fstatSync(fd);
    const now = oldestFirst(path).find(({ path: name, compressed }) => !compressed && fs.statSync(name).ino === ino);
    if (!now) return;
    fs.renameSync(made, `${now.path}${ending}`);
    if (ending !== "") fs.rmSync(now.path);
  } finally {
    fs.closeSync(fd);
    fs.rmSync(made, { force: true });
  }
}
