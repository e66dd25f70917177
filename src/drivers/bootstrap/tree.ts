import type { Stats } from "node:fs";
import fs from "node:fs/promises";
import path from "node:path";
import { MNT_DETACH, umount } from "../syscalls/mount.ts";

/** Calls `visit` for everything below `root`, contents before their folder; links are not followed. */
export async function walk(root: string, visit: (file: string, stats: Stats) => Promise<void>): Promise<void> {
  for (const name of await fs.readdir(root)) {
    const file = path.join(root, name);
    const stats = await fs.lstat(file);
    if (stats.isDirectory()) await walk(file, visit);
    await visit(file, stats);
  }
}

/** No time in the tree, its root included, is later than `latest`; all are whole seconds. */
export async function setTimes(root: string, latest: Date): Promise<void> {
  const limit = Math.floor(latest.getTime() / 1000);
  const set = async (file: string, stats: Stats): Promise<void> => {
    // A folder's time is that of its last change, which was just now.
    const time = stats.isDirectory() ? limit : Math.min(Math.floor(stats.mtimeMs / 1000), limit);
    await fs.lutimes(file, time, time);
  };
  await walk(root, set);
  await set(root, await fs.lstat(root));
}

/** Deletes a tree. Whatever a tool left mounted in it is let go first, or the host's own files would go with it. */
export async function removeTree(folder: string): Promise<void> {
  for (const mountPoint of await mountsBelow(folder)) umount(mountPoint, MNT_DETACH);
  await fs.rm(folder, { recursive: true, force: true });
}

async function mountsBelow(folder: string): Promise<string[]> {
  const real = await fs.realpath(folder);
  const table = await fs.readFile("/proc/self/mountinfo", "utf8");
  return table
    .split("\n")
    .map((line) =>
      (line.split(" ")[4] ?? "").replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8))),
    )
    .filter((mountPoint) => mountPoint.startsWith(`${real}/`))
    .toReversed();
}
