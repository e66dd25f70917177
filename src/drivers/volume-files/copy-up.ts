import fs from "node:fs";
import { once } from "node:events";
import path from "node:path";
import { errnoOf } from "../../base/errors.ts";
import { spawn } from "../process/run.ts";
import { ToolError } from "../process/tool-error.ts";
import { chmod, chown, mkdirAt, O, openAt2, RESOLVE, renameAt, setTimes, statOf } from "../syscalls/files.ts";
import { closeFd, openFd } from "../syscalls/libc.ts";
import { cloneMounts, followNoLinks } from "../syscalls/mount.ts";
import { removeTree } from "../syscalls/remove-tree.ts";

/** Where a copy is made before it shows. */
export interface Staging {
  /** A folder; the next three are below it and on its file system. */
  folder: string;
  /** Where the copy is to be: a folder, "." for `folder` itself. */
  target: string;
  /** What a crash leaves here is nothing yet. */
  filling: string;
  /** What a crash leaves here is complete. */
  filled: string;
}

export async function isEmpty(folder: string): Promise<boolean> {
  const dir = await fs.promises.opendir(folder);
  try {
    return (await dir.read()) === null;
  } finally {
    await dir.close();
  }
}

const isThere = (file: string): Promise<boolean> =>
  fs.promises.lstat(file).then(
    () => true,
    () => false,
  );

export const emptyFolder = (folder: string): boolean => {
  const dir = fs.opendirSync(folder);
  try {
    return dir.readSync() === null;
  } finally {
    dir.closeSync();
  }
};

/** Ends what a crash has left of a copy: half of one goes, a complete one goes on into the target. */
export async function settle(staging: Staging): Promise<void> {
  const { folder, filling, filled } = staging;
  // most volumes have neither, and those of other hosts may keep one waiting
  if (await isThere(path.join(folder, filling))) await removeTree(folder, filling);
  if (await isThere(path.join(folder, filled))) await holding(folder, async (parent) => show(parent, staging));
}

/** Copies the contents of the open folder `source`, with its own owner, mode and time, in place of the empty target. */
export async function replaceByCopy(source: number, { folder, target, filling }: Staging): Promise<void> {
  await holding(folder, async (parent) => {
    mkdirAt(parent, filling, 0o700);
    await inside(parent, filling, (stage) => copyTree(source, stage));
  });
  fs.renameSync(path.join(folder, filling), path.join(folder, target));
}

/**
 * The same for a target that others hold open, so that it must stay the same folder: entry by entry, each complete when
 * it shows. What is in their way stays. They may see and change the copy while it is made, but not divert it with links.
 */
export async function fillByCopy(source: number, staging: Staging): Promise<void> {
  const { folder, filling, filled } = staging;
  await holding(folder, async (parent) => {
    mkdirAt(parent, filling, 0o700);
    await inside(parent, filling, (stage) => copyTree(source, stage));
    renameAt(parent, filling, parent, filled);
    await show(parent, staging);
  });
}

/** The same by paths, without staging: nobody else looks at `target`, which is an empty folder. */
export const copyFolder = (source: string, target: string): Promise<void> =>
  holding(source, (from) => holding(target, (to) => copyTree(from, to)));

async function show(parent: number, { target, filled }: Staging): Promise<void> {
  await inside(parent, filled, (stage) =>
    inside(parent, target, async (to) => {
      const status = statOf(stage);
      for (const name of fs.readdirSync(`/proc/self/fd/${stage}`, { encoding: "latin1" })) {
        try {
          renameAt(stage, name, to, name);
        } catch (error) {
          if (errnoOf(error) !== "EEXIST") throw error; // somebody made it meanwhile: theirs stays
        }
      }
      give(to, status);
    }),
  );
  await removeTree(`/proc/self/fd/${parent}`, filled);
}

/** Works in a folder of which, where the kernel can do that, no link leads away. */
async function holding(folder: string, work: (fd: number) => Promise<void>): Promise<void> {
  const clone = cloneWithoutLinks(folder);
  const fd = clone === undefined ? openFd(folder, O.RDONLY | O.DIRECTORY) : openBelow(clone, ".");
  try {
    await work(fd);
  } finally {
    closeFd(fd);
    if (clone !== undefined) closeFd(clone);
  }
}

function cloneWithoutLinks(folder: string): number | undefined {
  let clone: number | undefined;
  try {
    clone = cloneMounts(folder, { below: false });
    followNoLinks(clone);
    return clone;
  } catch (error) {
    if (clone !== undefined) closeFd(clone);
    if (["EINVAL", "ENOSYS"].includes(errnoOf(error) ?? "")) return undefined;
    throw error;
  }
}

const openBelow = (parent: number, name: string): number =>
  openAt2(parent, name, O.RDONLY | O.DIRECTORY, RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS);

async function inside(parent: number, name: string, work: (fd: number) => Promise<void>): Promise<void> {
  const fd = openBelow(parent, name);
  try {
    await work(fd);
  } finally {
    closeFd(fd);
  }
}

function give(target: number, { uid, gid, mode, mtime }: ReturnType<typeof statOf>): void {
  chown(target, uid, gid);
  chmod(target, mode & 0o7777);
  setTimes(target, mtime);
}

const STDERR_MOST = 2000;

/**
 * `cp -a` between two open folders: it keeps owners, modes, times, extended attributes, hard links, holes and devices,
 * clones blocks where the file system can, and follows no link below the source. The folder's own attributes come along.
 */
async function copyTree(from: number, to: number): Promise<void> {
  if (emptyFolder(`/proc/self/fd/${from}`)) return give(to, statOf(from));
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
