import fs from "node:fs";
import { GantryError } from "../../base/errors.ts";
import type { Owner } from "../../ports/build-files.ts";
import {
  type ByteString,
  byteString,
  chownAt,
  mkdirAt,
  O,
  openAt2,
  RESOLVE,
  readlinkAt,
  S,
  statIfAny,
  statOf,
  typeOf,
} from "../syscalls/files.ts";
import { closeFd, openFd, SyscallError } from "../syscalls/libc.ts";

const LINKS_MAX = 40;
const FOLDER_MODE = 0o755;

export const noSuchFile = (path: string): GantryError =>
  new GantryError("notFound", "NO_SUCH_FILE", `stat ${path}: file does not exist`);

export const badCopy = (why: string): GantryError => new GantryError("invalid", "BAD_COPY", why);

const MISSING = new Set(["ENOENT", "ENOTDIR"]);

export const isMissing = (error: unknown): boolean => error instanceof SyscallError && MISSING.has(error.code);

/** Runs `work` with an open descriptor and closes it after. */
export function withFd<T>(fd: number, work: (fd: number) => T): T {
  try {
    return work(fd);
  } finally {
    closeFd(fd);
  }
}

/** As withFd, for work that takes time. */
export async function holdingFd<T>(fd: number, work: (fd: number) => Promise<T>): Promise<T> {
  try {
    return await work(fd);
  } finally {
    closeFd(fd);
  }
}

export const openRoot = (root: string): number => openFd(root, O.RDONLY | O.DIRECTORY);

/** Opens a path with all links, the last one too, resolved inside the root. */
export const openInside = (root: number, path: ByteString, flags: number): number =>
  openAt2(root, path === "" ? "." : path, flags, RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS);

/** The host's real path of an open descriptor. */
export const pathOfFd = (fd: number): string => fs.readlinkSync(`/proc/self/fd/${fd}`);

/**
 * Opens the folder, making what is missing (0755, with `owner`). A link on the way that leads nowhere gets its target
 * made, inside the root. Throws BAD_COPY where a file is in the way.
 */
export function ensureFolder(root: number, path: ByteString, owner: Owner | undefined, links = 0): number {
  if (links > LINKS_MAX) throw badCopy(`too many links: ${path}`);
  try {
    return openInside(root, path, O.RDONLY | O.DIRECTORY);
  } catch (error) {
    if (error instanceof SyscallError && error.code === "ENOTDIR")
      throw badCopy(`cannot copy to non-directory: ${path}`);
    if (!(error instanceof SyscallError) || error.code !== "ENOENT") throw error;
  }
  const { parent, name } = split(path);
  const next = withFd(ensureFolder(root, parent, owner, links), (up) => {
    const there = statIfAny(up, name);
    if (there === undefined) {
      mkdirAt(up, name, FOLDER_MODE);
      if (owner && (owner.uid !== 0 || owner.gid !== 0)) chownAt(up, name, owner.uid, owner.gid);
    } else if (typeOf(there) === S.IFLNK) {
      const target = readlinkAt(up, name);
      return clean(target.startsWith("/") ? target : `${parent}/${target}`);
    }
    return path;
  });
  return next === path ? openInside(root, path, O.RDONLY | O.DIRECTORY) : ensureFolder(root, next, owner, links + 1);
}

/** The folder and the last name of a path; "" has no name. */
export function split(path: ByteString): { parent: ByteString; name: ByteString } {
  const trimmed = path.replace(/\/+$/, "");
  const cut = trimmed.lastIndexOf("/");
  return { parent: trimmed.slice(0, Math.max(0, cut)), name: trimmed.slice(cut + 1) };
}

/** A path from the root with `.` and `..` worked out; `..` at the root stays there. */
export function clean(path: ByteString): ByteString {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/** A path as given by users (UTF-8) as a clean byte string; NUL is refused. */
export function inner(path: string): ByteString {
  if (path.includes("\0")) throw badCopy("a path cannot hold a NUL byte");
  return clean(byteString(path));
}

/** Type and size of what the path leads to, inside the root; undefined when there is nothing. */
export function statInside(root: number, path: ByteString): ReturnType<typeof statOf> | undefined {
  try {
    return withFd(openInside(root, path, O.PATH), statOf);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
