import fs from "node:fs";
import { errnoOf, GantryError, messageOf } from "../../base/errors.ts";
import type { EntryType, FileStatus, FileType, NewOwner, Rootfs, RootfsEntry } from "../../ports/rootfs.ts";
import {
  byteString,
  chownAt,
  O,
  openAt,
  readable,
  S,
  statIfAny,
  statOf,
  symlinkAt,
  typeOf,
} from "../syscalls/files.ts";
import { closeFd, openFd } from "../syscalls/libc.ts";
import { walk, withEntry } from "./walk.ts";

const MISSING = new Set(["ENOENT", "ENOTDIR"]);

/** The folders that a runtime mounts the kernel's file systems on. */
const SPECIAL = ["dev", "proc", "sys"];

const TYPES = new Map<number, EntryType>([
  [S.IFREG, "file"],
  [S.IFDIR, "directory"],
  [S.IFLNK, "link"],
]);

const FILE_TYPES = new Map<number, FileType>([
  ...[...TYPES].map(([type, name]) => [type, name as FileType] as const),
  [S.IFIFO, "fifo"],
  [S.IFSOCK, "socket"],
  [S.IFBLK, "block"],
  [S.IFCHR, "char"],
]);

const WORDS: Record<string, string> = {
  ENOTDIR: "not a directory",
  ELOOP: "too many levels of symbolic links",
  ENAMETOOLONG: "file name too long",
};

/** Rootfs by openat2(2): the kernel itself keeps every look-up inside the root, also while a container changes it. */
export class ConfinedRootfs implements Rootfs {
  readFile(root: string, path: string, maxBytes: number): Buffer | undefined {
    return this.inRoot(root, path, (fd) => this.read(fd, path, maxBytes, "all"));
  }

  readHead(root: string, path: string, bytes: number): Buffer | undefined {
    return this.inRoot(root, path, (fd) => this.read(fd, path, bytes, "head"));
  }

  stat(root: string, path: string): RootfsEntry | undefined {
    return this.inRoot(root, path, (rootFd) =>
      withEntry(rootFd, byteString(path), O.PATH, (fd) => {
        const { mode, uid, gid, size } = statOf(fd);
        return { type: TYPES.get(typeOf({ mode })) ?? "other", mode: mode & 0o7777, uid, gid, size };
      }),
    );
  }

  lstat(root: string, path: string): FileStatus | undefined {
    return this.guarded(root, path, (rootFd) => {
      try {
        return withEntry(rootFd, byteString(path), O.PATH | O.NOFOLLOW, (fd) => {
          const { mode, size, mtime } = statOf(fd);
          const type = FILE_TYPES.get(typeOf({ mode })) ?? "file";
          const time = BigInt(mtime.seconds) * 1_000_000_000n + BigInt(mtime.nanoseconds);
          return { type, mode: mode & 0o7777, size, mtime: time };
        });
      } catch (error) {
        if (errnoOf(error) === "ENOENT") return undefined;
        throw error;
      }
    });
  }

  resolve(root: string, path: string): string {
    return readable(`/${this.guarded(root, path, (fd) => walk(fd, path)).join("/")}`);
  }

  ensureDirectory(root: string, path: string, owner: NewOwner): string {
    return this.guarded(root, path, (fd) => {
      const real = walk(fd, path, owner).join("/");
      // what was there already may be a file
      withEntry(fd, real, O.PATH | O.DIRECTORY, () => {});
      return readable(`/${real}`);
    });
  }

  ensureTopFile(root: string, name: string): void {
    this.guarded(root, `/${name}`, (folder) => {
      if (statIfAny(folder, byteString(name)) !== undefined) return;
      closeFd(openAt(folder, byteString(name), O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW, 0o755));
    });
  }

  ensureLink(root: string, path: string, target: string, owner: NewOwner): void {
    this.guarded(root, path, (fd) => {
      const cut = path.lastIndexOf("/");
      const folder = walk(fd, path.slice(0, cut), owner).join("/");
      const name = byteString(path.slice(cut + 1));
      withEntry(fd, folder, O.RDONLY | O.DIRECTORY, (parent) => {
        if (statIfAny(parent, name) !== undefined) return;
        symlinkAt(byteString(target), parent, name);
        chownAt(parent, name, owner.uid, owner.gid);
      });
    });
  }

  checkSpecialFolders(root: string): void {
    this.guarded(root, "/", (fd) => {
      for (const name of SPECIAL) {
        const found = statIfAny(fd, name);
        if (found === undefined || typeOf(found) === S.IFDIR) continue;
        const what = typeOf(found) === S.IFLNK ? "a symbolic link" : "not a folder";
        throw new GantryError(
          "invalid",
          "UNSAFE_IMAGE",
          `unsafe image: its /${name} is ${what}, a real folder is needed`,
          {
            hint: `the container was not started, since its runtime would mount the kernel's files through it; rebuild the image with a plain /${name}`,
            details: { path: `/${name}` },
          },
        );
      }
    });
  }

  /** Looks at what is there before opening it for real: a device or a FIFO must not be opened at all. */
  private read(rootFd: number, path: string, limit: number, part: "all" | "head"): Buffer | undefined {
    return withEntry(rootFd, byteString(path), O.PATH, (entry) => {
      const status = statOf(entry);
      if (typeOf(status) !== S.IFREG) return undefined;
      if (part === "all" && status.size > limit) {
        throw new GantryError(
          "invalid",
          "FILE_TOO_LARGE",
          `${path} in the container has ${status.size} bytes: ${limit} at most`,
        );
      }
      const fd = openFd(`/proc/self/fd/${entry}`, O.RDONLY);
      try {
        const buffer = Buffer.alloc(Math.min(status.size, limit));
        let filled = 0;
        while (filled < buffer.length) {
          const count = fs.readSync(fd, buffer, filled, buffer.length - filled, filled);
          if (count === 0) break;
          filled += count;
        }
        return buffer.subarray(0, filled);
      } finally {
        closeFd(fd);
      }
    });
  }

  /** As guarded; what is missing gives undefined. */
  private inRoot<T>(root: string, path: string, body: (rootFd: number) => T): T | undefined {
    return this.guarded(root, path, (fd) => {
      try {
        return body(fd);
      } catch (error) {
        if (MISSING.has(errnoOf(error) ?? "")) return undefined;
        throw error;
      }
    });
  }

  private guarded<T>(root: string, path: string, body: (rootFd: number) => T): T {
    if (path.includes("\0"))
      throw new GantryError("invalid", "BAD_ROOTFS_PATH", "a path in the container holds a NUL byte");
    const fd = openFd(root, O.PATH | O.DIRECTORY);
    try {
      return body(fd);
    } catch (cause) {
      if (cause instanceof GantryError || errnoOf(cause) === undefined) throw cause;
      const why = WORDS[errnoOf(cause) ?? ""] ?? messageOf(cause);
      throw new GantryError("invalid", "BAD_ROOTFS_PATH", `${path} in the container: ${why}`, { cause });
    } finally {
      closeFd(fd);
    }
  }
}
