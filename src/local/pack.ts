import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync, type Stats } from "node:fs";
import { join } from "node:path";
import { padding, type TarEntry, tarHeader, trailer } from "./tar-writer.ts";

const CHUNK = 1 << 18;

export interface PackOptions {
  /** True for what stays out; names are relative, folders without a slash at the end. */
  ignores?(name: string): boolean;
  /** Look inside ignored folders too: a rule may take something back in. */
  searchIgnored?: boolean;
  /** Files that are not in the folder, or stand for those that are. They come last. */
  extra?: { name: string; content: Buffer }[];
  /** Keep the owner; otherwise all belongs to root. */
  keepOwner?: boolean;
  /** What the top entry is called; "" leaves the folder itself out. */
  top?: string;
}

/** Something found below the folder. */
export interface Found {
  /** Relative to the folder, with slashes. */
  name: string;
  path: string;
  stat: Stats;
  /** The name that the same file was found by before. */
  link?: string;
}

/**
 * A file or folder as a tar, in the order of names, without crossing links. Names are relative to `root`, or begin with
 * `top`. Throws the file system's errors, and Error if a file shrinks meanwhile.
 */
export function* pack(root: string, options: PackOptions = {}): Generator<Buffer> {
  const { top = "" } = options;
  const stat = lstatSync(root);
  if (top !== "") yield* packed({ name: top, path: root, stat }, options);
  const below = (name: string): string => (top === "" ? name : `${top}/${name}`);
  if (stat.isDirectory()) {
    for (const found of walk(root, options)) {
      const link = found.link === undefined ? {} : { link: below(found.link) };
      yield* packed({ ...found, name: below(found.name), ...link }, options);
    }
  }
  for (const { name, content } of options.extra ?? []) yield* packedText(name, content);
  yield trailer();
}

/** A file that is in no folder, as a tar has it. */
export function* packedText(name: string, content: Buffer): Generator<Buffer> {
  yield tarHeader({ name, type: "file", mode: 0o600, size: content.length, mtime: 0 });
  yield content;
  yield padding(content.length);
}

/** What is in a folder, each after the folder that it is in, as far as the options leave it in. */
export function* walk(root: string, options: PackOptions): Generator<Found> {
  const inodes = new Map<string, string>();
  for (const found of children(root, "", options)) {
    const { name, stat } = found;
    const inode = stat.isFile() && stat.nlink > 1 ? `${stat.dev}:${stat.ino}` : undefined;
    const link = inode === undefined ? undefined : inodes.get(inode);
    if (inode !== undefined && link === undefined) inodes.set(inode, name);
    yield link === undefined ? found : { ...found, link };
  }
}

function* children(root: string, folder: string, options: PackOptions): Generator<Found> {
  for (const child of readdirSync(join(root, folder)).toSorted((a, b) =>
    Buffer.compare(Buffer.from(a), Buffer.from(b)),
  )) {
    const name = folder === "" ? child : `${folder}/${child}`;
    const path = join(root, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    const replaced = options.extra?.some((extra) => extra.name === name) === true;
    const ignored = replaced || options.ignores?.(name) === true;
    if (!ignored) yield { name, path, stat };
    if (stat.isDirectory() && (!ignored || options.searchIgnored === true)) yield* children(root, name, options);
  }
}

/** One entry of a tar. */
export function* packed({ name, path, stat, link }: Found, options: Pick<PackOptions, "keepOwner">): Generator<Buffer> {
  const entry: TarEntry = {
    name,
    type: "file",
    mode: stat.mode & 0o7777,
    size: 0,
    mtime: Math.floor(stat.mtimeMs / 1000),
    ...(options.keepOwner && { uid: stat.uid, gid: stat.gid }),
  };
  if (link !== undefined) yield tarHeader({ ...entry, type: "hardlink", link });
  else if (stat.isSymbolicLink()) yield tarHeader({ ...entry, type: "symlink", link: readlinkSync(path) });
  else if (stat.isDirectory()) yield tarHeader({ ...entry, type: "folder", name: `${name}/` });
  else if (stat.isFIFO()) yield tarHeader({ ...entry, type: "fifo" });
  else if (stat.isCharacterDevice() || stat.isBlockDevice()) {
    const type = stat.isCharacterDevice() ? "character" : "block";
    yield tarHeader({ ...entry, type, major: major(stat.rdev), minor: minor(stat.rdev) });
  } else if (stat.isFile()) yield* content(path, entry, stat.size);
}

/** Header and content leave together when small: one chunk a file, not three. */
function* content(path: string, entry: TarEntry, size: number): Generator<Buffer> {
  const header = tarHeader({ ...entry, size });
  const fd = openSync(path, "r");
  try {
    let left = size;
    let before: Buffer | undefined = header;
    while (left > 0) {
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK, left));
      const got = readSync(fd, buffer, 0, buffer.length, null);
      if (got === 0) throw new Error(`${entry.name}: file shrank while it was read`);
      left -= got;
      const chunk = got === buffer.length ? buffer : buffer.subarray(0, got);
      yield before === undefined ? chunk : Buffer.concat([before, chunk]);
      before = undefined;
    }
    if (before !== undefined) yield before;
    yield padding(size);
  } finally {
    closeSync(fd);
  }
}

const major = (rdev: number): number => ((rdev >> 8) & 0xfff) | (Math.floor(rdev / 2 ** 32) & ~0xfff);
const minor = (rdev: number): number => (rdev & 0xff) | ((rdev >> 12) & 0xfff00);
