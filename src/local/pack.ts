import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync, type Stats } from "node:fs";
import { isUtf8 } from "node:buffer";
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
  /** The name where it is no UTF-8: `name` is then the best that text can do. */
  bytes?: Buffer;
  path: string | Buffer;
  stat: Stats;
  /** The name that the same file was found by before. */
  link?: string | Buffer;
}

/**
 * A file or folder as a tar, in the order of names, without crossing links. Names are relative to `root`, or begin with
 * `top`. Throws the file system's errors, and Error if a file shrinks meanwhile.
 */
export function* pack(root: string, options: PackOptions = {}): Generator<Buffer> {
  const { top = "" } = options;
  const stat = lstatSync(root);
  if (top !== "") yield* packed({ name: top, path: root, stat }, options);
  if (stat.isDirectory()) {
    for (const found of walk(root, options)) {
      const { name, bytes, link } = found;
      const names = { ...(bytes && { bytes: joined(top, bytes) }), ...(link && { link: joined(top, link) }) };
      yield* packed({ ...found, name: joined(top, name), ...names }, options);
    }
  }
  for (const { name, content } of options.extra ?? []) yield* packedText(name, content);
  yield trailer();
}

function joined<T extends string | Buffer>(folder: string | Buffer, name: T): T;
function joined(folder: string | Buffer, name: string | Buffer): string | Buffer {
  if (folder.length === 0) return name;
  if (typeof folder === "string" && typeof name === "string") return `${folder}/${name}`;
  return Buffer.concat([Buffer.from(folder as string), Buffer.from("/"), Buffer.from(name as string)]);
}

/** A file that is in no folder, as a tar has it. */
export function* packedText(name: string, content: Buffer): Generator<Buffer> {
  yield tarHeader({ name, type: "file", mode: 0o600, size: content.length, mtime: 0 });
  yield content;
  yield padding(content.length);
}

/** What is in a folder, each after the folder that it is in, as far as the options leave it in. */
export function* walk(root: string, options: PackOptions): Generator<Found> {
  const inodes = new Map<string, string | Buffer>();
  for (const found of children(root, { name: "", path: root }, options)) {
    const { name, bytes, stat } = found;
    const inode = stat.isFile() && stat.nlink > 1 ? `${stat.dev}:${stat.ino}` : undefined;
    const link = inode === undefined ? undefined : inodes.get(inode);
    if (inode !== undefined && link === undefined) inodes.set(inode, bytes ?? name);
    yield link === undefined ? found : { ...found, link };
  }
}

function* children(
  root: string,
  folder: Pick<Found, "name" | "bytes" | "path">,
  options: PackOptions,
): Generator<Found> {
  for (const child of namesIn(folder.path)) {
    const name = joined(folder.name, child.toString());
    const bytes =
      typeof child === "string" && folder.bytes === undefined
        ? undefined
        : joined(folder.bytes ?? folder.name, Buffer.from(child as string));
    const path = bytes === undefined ? join(root, name) : joined(root, bytes);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    const found: Found = { name, path, stat, ...(bytes && { bytes }) };
    const replaced = options.extra?.some((extra) => extra.name === name) === true;
    const ignored = replaced || options.ignores?.(name) === true;
    if (!ignored) yield found;
    if (stat.isDirectory() && (!ignored || options.searchIgnored === true)) yield* children(root, found, options);
  }
}

/** Sorted by their bytes; what is no UTF-8 as bytes. */
function namesIn(folder: string | Buffer): (string | Buffer)[] {
  let names: (string | Buffer)[] = readdirSync(folder, "utf8");
  if (names.some((name) => name.includes("\ufffd"))) {
    names = readdirSync(folder, "buffer").map((name) => (isUtf8(name) ? name.toString() : name));
  }
  return names.toSorted((a, b) => Buffer.compare(Buffer.from(a as string), Buffer.from(b as string)));
}

/** One entry of a tar. */
export function* packed(found: Found, options: Pick<PackOptions, "keepOwner">): Generator<Buffer> {
  const { bytes, path, stat, link } = found;
  const name = bytes ?? found.name;
  const entry: TarEntry = {
    name,
    type: "file",
    mode: stat.mode & 0o7777,
    size: 0,
    mtime: Math.floor(stat.mtimeMs / 1000),
    ...(options.keepOwner && { uid: stat.uid, gid: stat.gid }),
  };
  if (link !== undefined) yield tarHeader({ ...entry, type: "hardlink", link });
  else if (stat.isSymbolicLink()) yield tarHeader({ ...entry, type: "symlink", link: readlinkSync(path, "buffer") });
  else if (stat.isDirectory()) yield tarHeader({ ...entry, type: "folder", name: joined(name, "") });
  else if (stat.isFIFO()) yield tarHeader({ ...entry, type: "fifo" });
  else if (stat.isCharacterDevice() || stat.isBlockDevice()) {
    const type = stat.isCharacterDevice() ? "character" : "block";
    yield tarHeader({ ...entry, type, major: major(stat.rdev), minor: minor(stat.rdev) });
  } else if (stat.isFile()) yield* content(path, entry, stat.size);
}

/** Header and content leave together when small: one chunk a file, not three. */
function* content(path: string | Buffer, entry: TarEntry, size: number): Generator<Buffer> {
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
