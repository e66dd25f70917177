import fs from "node:fs";
import { once } from "node:events";
import { errnoOf } from "../../base/errors.ts";
import { spawn } from "../process/run.ts";
import { ToolError } from "../process/tool-error.ts";
import { chmod, chown, O, renameAt, setTimes, statOf } from "../syscalls/files.ts";
import { closeFd, openFd } from "../syscalls/libc.ts";

export const emptyFolder = (folder: string): boolean => {
  const dir = fs.opendirSync(folder);
  try {
    return dir.readSync() === null;
  } finally {
    dir.closeSync();
  }
};

/** Where a copy is made before it shows. */
export interface Staging {
  /** A path on the target's file system that does not exist. */
  path: string;
  /** others: a container may hold `target` open, so it must stay the same folder. nobody: it is replaced at once. */
  watchedBy: "others" | "nobody";
}

/**
 * Copies the contents of the open folder `source` into the empty folder `target` and gives it `source`'s owner, mode
 * and time. With `staging` the copy is made where nobody else looks, and moved: a container that writes to `target`
 * meanwhile can neither divert it nor see half of a file.
 */
export async function copyInto(source: number, target: string, staging: Staging | undefined): Promise<void> {
  if (staging === undefined) return withFolder(target, (to) => copyTree(source, to));
  fs.mkdirSync(staging.path, 0o700);
  await withFolder(staging.path, (stage) => copyTree(source, stage));
  if (staging.watchedBy === "nobody") return fs.renameSync(staging.path, target);
  await withFolder(target, async (to) => {
    await withFolder(staging.path, async (stage) => moveEntries(stage, to));
    copyAttributes(source, to);
  });
}

/** The same by paths, without staging: nobody else looks at `target`, which is an empty folder. */
export const copyFolder = (source: string, target: string): Promise<void> =>
  withFolder(source, (from) => copyInto(from, target, undefined));

async function withFolder(path: string, body: (fd: number) => Promise<void>): Promise<void> {
  const fd = openFd(path, O.RDONLY | O.DIRECTORY);
  try {
    await body(fd);
  } finally {
    closeFd(fd);
  }
}

function moveEntries(from: number, to: number): void {
  for (const name of fs.readdirSync(`/proc/self/fd/${from}`, { encoding: "latin1" })) {
    try {
      renameAt(from, name, to, name);
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error; // somebody made it meanwhile: theirs stays
    }
  }
}

function copyAttributes(source: number, target: number): void {
  const status = statOf(source);
  chown(target, status.uid, status.gid);
  chmod(target, status.mode & 0o7777);
  setTimes(target, status.mtime);
}

const STDERR_MOST = 2000;

/**
 * `cp -a` between two open folders: it keeps owners, modes, times, extended attributes, hard links and devices, clones
 * blocks where the file system can, and follows no link below the folders. The folder's own attributes come along.
 */
async function copyTree(from: number, to: number): Promise<void> {
  if (emptyFolder(`/proc/self/fd/${from}`)) return copyAttributes(from, to);
  const argv = ["-a", "--reflink=auto", "--no-target-directory", "/proc/self/fd/3/.", "/proc/self/fd/4/."];
  const child = spawn("cp", argv, {
    stdio: ["ignore", "ignore", "pipe", from, to],
    env: { PATH: process.env["PATH"], LC_ALL: "C" },
  });
  let words = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    if (words.length < STDERR_MOST) words += chunk.toString("utf8");
  });
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new ToolError("cp", argv, code ?? -1, words.slice(0, STDERR_MOST));
}
