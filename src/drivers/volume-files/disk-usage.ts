import fs from "node:fs";
import path from "node:path";

const SECTOR = 512;

/** What a folder takes on the disk, itself included; files that go away meanwhile don't count. */
export async function bytesOnDisk(folder: string): Promise<number> {
  const linked = new Set<string>();
  let sectors = 0;
  const pending = [folder];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    sectors += (await fs.promises.lstat(next).catch(() => undefined))?.blocks ?? 0;
    const entries = await fs.promises.readdir(next, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const file = path.join(next, entry.name);
      if (entry.isDirectory()) {
        pending.push(file);
        continue;
      }
      const status = await fs.promises.lstat(file).catch(() => undefined);
      if (status === undefined) continue;
      if (status.nlink > 1 && linked.size === linked.add(`${status.dev}:${status.ino}`).size) continue;
      sectors += status.blocks;
    }
  }
  return sectors * SECTOR;
}
