import {
  type ByteString,
  byteString,
  O,
  openAt2,
  readlinkAt,
  RESOLVE,
  S,
  type Status,
  statIfAny,
  typeOf,
} from "../syscalls/files.ts";
import { closeFd, SyscallError } from "../syscalls/libc.ts";
import { entriesOf } from "../syscalls/remove-tree.ts";

/**
 * Which of the paths in an upper folder are there for nothing but to be mounted upon: empty files and links to the
 * kernel's tables (below /proc) that the layers below do not have, and folders with nothing else in them that are as the layers below have them, if they do. From the root,
 * without a leading slash.
 */
export function idleStubs(upper: number, lower: number | undefined, paths: readonly string[]): Set<ByteString> {
  const idle = new Set<ByteString>();
  const deepestFirst = paths
    .map((path) => byteString(path).replace(/^\/+/, ""))
    .toSorted((a, b) => depth(b) - depth(a));
  for (const path of deepestFirst) if (isIdle(upper, lower, path, idle)) idle.add(path);
  return idle;
}

const depth = (path: ByteString): number => path.split("/").length;

function isIdle(upper: number, lower: number | undefined, path: ByteString, idle: ReadonlySet<ByteString>): boolean {
  const status = statusOf(upper, path);
  if (status === undefined) return false;
  const before = lower === undefined ? undefined : statusOf(lower, path);
  if (typeOf(status) === S.IFREG) return before === undefined && status.size === 0;
  if (typeOf(status) === S.IFLNK) return before === undefined && targetOf(upper, path).startsWith("/proc/");
  if (typeOf(status) !== S.IFDIR) return false;
  if (before !== undefined && !sameFolder(status, before)) return false;
  return inFolder(upper, path, (fd) => entriesOf(fd).every(({ name }) => idle.has(`${path}/${name}`))) ?? false;
}

const sameFolder = (a: Status, b: Status): boolean => a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;

const statusOf = (root: number, path: ByteString): Status | undefined => beside(root, path, statIfAny);

const targetOf = (root: number, path: ByteString): ByteString => beside(root, path, readlinkAt) ?? "";

/** What `body` gives for the folder that the path is in and its name there; undefined: there is no such folder. */
function beside<T>(root: number, path: ByteString, body: (fd: number, name: ByteString) => T): T | undefined {
  const cut = path.lastIndexOf("/");
  return inFolder(root, path.slice(0, Math.max(cut, 0)) || ".", (fd) => body(fd, path.slice(cut + 1)));
}

function inFolder<T>(root: number, path: ByteString, body: (fd: number) => T): T | undefined {
  let fd: number;
  try {
    fd = openAt2(root, path, O.RDONLY | O.DIRECTORY, RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS);
  } catch (error) {
    if (error instanceof SyscallError && ["ENOENT", "ENOTDIR", "ELOOP"].includes(error.code)) return undefined;
    throw error;
  }
  try {
    return body(fd);
  } finally {
    closeFd(fd);
  }
}
