import { errnoOf } from "../../base/errors.ts";
import { check, declare, O_CLOEXEC } from "./libc.ts";

const mountNative = declare(
  "int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)",
);
const umountNative = declare("int umount2(const char *target, int flags)");
const openTreeNative = declare("long syscall(long number, long dir, const char *path, unsigned int flags)");
const mountSetattrNative = declare(
  "long syscall(long number, long dir, const char *path, unsigned int flags, const void *attr, size_t size)",
);

// the same on every architecture
const SYS_OPEN_TREE = 428;
const SYS_MOUNT_SETATTR = 442;
const AT_FDCWD = -100;
const AT_RECURSIVE = 0x8000;
const OPEN_TREE_CLONE = 1;
const MOUNT_ATTR_RDONLY = 1n;

/** mount(2) flags, <sys/mount.h>. */
export const MS = {
  RDONLY: 1,
  NOSUID: 2,
  NODEV: 4,
  NOEXEC: 8,
  REMOUNT: 32,
  BIND: 4096,
  MOVE: 8192,
  REC: 16384,
  PRIVATE: 1 << 18,
  SLAVE: 1 << 19,
  SHARED: 1 << 20,
} as const;

export const MNT_DETACH = 2;
export const UMOUNT_NOFOLLOW = 8;

export function mount(source: string, target: string, type: string, flags: number, data = ""): void {
  check(mountNative(source, target, type, flags, data), "mount", target);
}

export function umount(target: string, flags = 0): void {
  check(umountNative(target, flags), "umount2", target);
}

/**
 * A copy of what is mounted at `path` and below, which belongs to no namespace: it lives as long as the descriptor that
 * is given back, and ends with the process at the latest.
 */
export const cloneMounts = (path: string): number =>
  check(openTreeNative(SYS_OPEN_TREE, AT_FDCWD, path, OPEN_TREE_CLONE | O_CLOEXEC | AT_RECURSIVE), "open_tree", path);

/** Makes the mount at `path` read-only, with all below it where the kernel (5.12) can do so at once. */
export function makeReadOnly(path: string): void {
  const attr = new BigUint64Array([MOUNT_ATTR_RDONLY, 0n, 0n, 0n]);
  try {
    check(
      mountSetattrNative(SYS_MOUNT_SETATTR, AT_FDCWD, path, AT_RECURSIVE, attr, attr.byteLength),
      "mount_setattr",
      path,
    );
  } catch (error) {
    if (errnoOf(error) !== "ENOSYS") throw error;
    mount("", path, "", MS.REMOUNT | MS.BIND | MS.RDONLY);
  }
}
