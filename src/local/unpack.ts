import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { type ReadEntry, readTar } from "./tar-reader.ts";

export interface UnpackOptions {
  /** Changes a name in the archive to one below the folder; undefined leaves the entry out. */
  rename(name: string): string | undefined;
  /** Give files the owners that the archive names. */
  keepOwner: boolean;
}

/**
 * Unpacks below `folder` and nowhere else: a container's archive may hold `..`, absolute names, and links that lead out
 * with names below them. Devices and FIFOs are left out.
 */
export async function unpack(folder: string, tar: AsyncIterable<Buffer>, options: UnpackOptions): Promise<void> {
  const folderTimes: { path: string; mtime: number }[] = [];
  for await (const entry of readTar(tar)) {
    const name = options.rename(entry.name);
    if (name === undefined || entry.type === "other") continue;
    const path = place(folder, name);
    if (entry.type === "folder") {
      makeFolder(path);
      folderTimes.push({ path, mtime: entry.mtime });
    } else {
      clear(path);
      if (entry.type === "file") await writeFile(path, entry, options.keepOwner);
      else if (entry.type === "symlink") symlinkSync(entry.link, path);
      else linkSync(place(folder, options.rename(entry.link) ?? refuse(entry.link)), path);
    }
    if (entry.type === "symlink") lutimesSync(path, entry.mtime, entry.mtime);
    if (options.keepOwner && entry.type !== "file" && entry.type !== "hardlink") lchownSync(path, entry.uid, entry.gid);
    if (entry.type === "folder") chmodSync(path, entry.mode);
  }
  for (const { path, mtime } of folderTimes.toReversed()) utimesSync(path, mtime, mtime);
}

function refuse(name: string): never {
  throw new Error(`invalid entry in the archive: ${JSON.stringify(name)} leads out of the target`);
}

/** The path of an entry, whose parents are real folders: a link among them would lead out. */
function place(folder: string, name: string): string {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..") || name.includes("\0")) refuse(name);
  let path = folder;
  for (const [index, part] of parts.entries()) {
    path = join(path, part);
    if (index === parts.length - 1) break;
    const known = lstatSync(path, { throwIfNoEntry: false });
    if (known === undefined) mkdirSync(path);
    else if (!known.isDirectory()) refuse(name);
  }
  return path;
}

function makeFolder(path: string): void {
  const known = lstatSync(path, { throwIfNoEntry: false });
  if (known === undefined) mkdirSync(path);
  else if (!known.isDirectory())
    throw new Error(`cannot overwrite non-directory ${JSON.stringify(path)} with directory`);
}

function clear(path: string): void {
  const known = lstatSync(path, { throwIfNoEntry: false });
  if (known?.isDirectory()) throw new Error(`cannot overwrite directory ${JSON.stringify(path)} with non-directory`);
  if (known !== undefined) rmSync(path);
}

async function writeFile(path: string, entry: ReadEntry, keepOwner: boolean): Promise<void> {
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    for await (const chunk of entry.content) {
      for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
    }
    if (keepOwner) fchownSync(fd, entry.uid, entry.gid);
    fchmodSync(fd, entry.mode);
    futimesSync(fd, entry.mtime, entry.mtime);
  } finally {
    closeSync(fd);
  }
}
