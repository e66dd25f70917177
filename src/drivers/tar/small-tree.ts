import { byteString, O, openAt, openAt2, RESOLVE, S, statIfAny, statOf, typeOf } from "../syscalls/files.ts";
import { closeFd, openFd, SyscallError } from "../syscalls/libc.ts";
import { entriesOf } from "../syscalls/remove-tree.ts";

/** What the main thread may pack itself, about 10 ms. */
const ENTRIES = 400;
const BYTES = 2 << 20;

/** Whether a tree, or one file, is so small that packing it takes no longer than starting a worker. Looks at ENTRIES at most. */
export function isSmallTree(root: string, path = ""): boolean {
  const budget = { entries: ENTRIES, bytes: BYTES };
  try {
    const rootFd = openFd(root, O.RDONLY | O.DIRECTORY);
    try {
      const way = byteString(path).replace(/^\/+/, "") || ".";
      const fd = openAt2(rootFd, way, O.PATH | O.NOFOLLOW, RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS);
      try {
        const status = statOf(fd);
        if (typeOf(status) !== S.IFDIR) return typeOf(status) !== S.IFREG || status.size <= BYTES;
        return fits(fd, budget);
      } finally {
        closeFd(fd);
      }
    } finally {
      closeFd(rootFd);
    }
  } catch (e) {
    if (!(e instanceof SyscallError)) throw e;
    return e.code === "ENOENT" || e.code === "ENOTDIR"; // what is missing fails at once
  }
}

function fits(fd: number, budget: { entries: number; bytes: number }): boolean {
  const entries = entriesOf(fd);
  budget.entries -= entries.length;
  if (budget.entries < 0) return false;
  for (const { name, folder } of entries) {
    if (!folder) {
      const status = statIfAny(fd, name);
      if (status !== undefined && typeOf(status) === S.IFREG) budget.bytes -= status.size;
      if (budget.bytes < 0) return false;
      continue;
    }
    const inner = openAt(fd, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
    try {
      if (!fits(inner, budget)) return false;
    } finally {
      closeFd(inner);
    }
  }
  return true;
}
