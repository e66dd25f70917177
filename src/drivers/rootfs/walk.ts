import {
  byteString,
  type ByteString,
  chmod,
  chown,
  mkdirAt,
  O,
  openAt2,
  readlinkAt,
  RESOLVE,
  S,
  statIfAny,
  typeOf,
} from "../syscalls/files.ts";
import { closeFd, SyscallError } from "../syscalls/libc.ts";

/** As the kernel's own limit on links in one path. */
const MOST_LINKS = 40;

const INSIDE = RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS;

export interface FolderOwner {
  uid: number;
  gid: number;
  mode: number;
}

/** Runs `body` with a descriptor of `path` inside `root` (links followed, inside), then closes it. */
export function withEntry<T>(root: number, path: ByteString, flags: number, body: (fd: number) => T): T {
  const fd = openAt2(root, path.replace(/^\/+/, "") || ".", flags, INSIDE);
  try {
    return body(fd);
  } finally {
    closeFd(fd);
  }
}

/** As withEntry for a path that holds no links, which fails if one has been put there meanwhile. */
function withRealFolder<T>(root: number, parts: readonly ByteString[], body: (fd: number) => T): T {
  const fd = openAt2(root, parts.join("/") || ".", O.PATH | O.DIRECTORY, INSIDE | RESOLVE.NO_SYMLINKS);
  try {
    return body(fd);
  } finally {
    closeFd(fd);
  }
}

const split = (path: ByteString): ByteString[] => path.split("/").filter((part) => part !== "" && part !== ".");

/**
 * Goes along `path` as a process with this root would, one name at a time, and returns the real names. Where a name is
 * missing: with `make`, a folder is made there; without, the rest of the path is kept as written.
 */
export function walk(root: number, path: string, make?: FolderOwner): ByteString[] {
  let real: ByteString[] = [];
  let pending = split(byteString(path));
  let links = 0;
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    if (name === "..") {
      real.pop();
      continue;
    }
    const step = look(root, real, name, make);
    if (step === "missing") {
      real.push(name);
      for (const rest of pending)
        if (rest === "..") real.pop();
        else real.push(rest);
      return real;
    }
    if (step === "entry") {
      real.push(name);
      continue;
    }
    if (++links > MOST_LINKS) throw new SyscallError("openat2", 40, path); // ELOOP
    if (step.link.startsWith("/")) real = [];
    pending = [...split(step.link), ...pending];
  }
  return real;
}

type Step = "entry" | "missing" | { link: ByteString };

function look(root: number, parent: readonly ByteString[], name: ByteString, make: FolderOwner | undefined): Step {
  return withRealFolder(root, parent, (dir): Step => {
    const found = statIfAny(dir, name);
    if (found === undefined) {
      if (make === undefined) return "missing";
      makeFolder(dir, name, make);
      return "entry";
    }
    return typeOf(found) === S.IFLNK ? { link: readlinkAt(dir, name) } : "entry";
  });
}

function makeFolder(dir: number, name: ByteString, { uid, gid, mode }: FolderOwner): void {
  mkdirAt(dir, name, 0o700);
  const fd = openAt2(dir, name, O.RDONLY | O.DIRECTORY, RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS);
  try {
    chown(fd, uid, gid);
    chmod(fd, mode); // after the owner, which clears set-id bits; and whatever the umask is
  } finally {
    closeFd(fd);
  }
}
