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
const moveMountNative = declare(
  "long syscall(long number, long from, const char *fromPath, long to, const char *toPath, unsigned int flags)",
);

// the same on every architecture
const SYS_OPEN_TREE = 428;
const SYS_MOVE_MOUNT = 429;
const SYS_MOUNT_SETATTR = 442;
const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const AT_RECURSIVE = 0x8000;
const OPEN_TREE_CLONE = 1;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const MOVE_MOUNT_T_EMPTY_PATH = 0x40;
const MOUNT_ATTR_IDMAP = 0x0010_0000n;
const MOUNT_ATTR_RDONLY = 1n;
const MOUNT_ATTR_NOSYMFOLLOW = 0x0020_0000n;

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
  UNBINDABLE: 1 << 17,
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
 * A copy of what is mounted at `path`, and (unless told otherwise) below, which belongs to no namespace: it lives as long
 * as the descriptor that is given back, and ends with the process at the latest.
 */
export function cloneMounts(path: string, { below = true } = {}): number {
  const flags = OPEN_TREE_CLONE | O_CLOEXEC | (below ? AT_RECURSIVE : 0);
  return check(openTreeNative(SYS_OPEN_TREE, AT_FDCWD, path, flags), "open_tree", path);
}

/** Mounts what `cloneMounts` has copied, on a path or a descriptor. */
export function attachMounts(clone: number, target: string | number): void {
  const [dir, path] = typeof target === "number" ? [target, ""] : [AT_FDCWD, target];
  const flags = MOVE_MOUNT_F_EMPTY_PATH | (path === "" ? MOVE_MOUNT_T_EMPTY_PATH : 0);
  check(moveMountNative(SYS_MOVE_MOUNT, clone, "", dir, path, flags), "move_mount", path);
}

/**
 * Shows a copied mount with the ids of a user namespace (a descriptor): what the disk gives to an id inside belongs to
 * the host's id for it, both ways. It hears of no other mount any more. Throws EINVAL also for a file system that can't.
 */
export function mapMountIds(clone: number, namespace: number): void {
  const attr = new BigUint64Array([MOUNT_ATTR_IDMAP, 0n, BigInt(MS.PRIVATE), BigInt(namespace)]);
  check(mountSetattrNative(SYS_MOUNT_SETATTR, clone, "", AT_EMPTY_PATH, attr, attr.byteLength), "mount_setattr");
}

/** No symbolic link in a copied mount leads anywhere any more. Throws EINVAL before Linux 5.14, ENOSYS before 5.12. */
export function followNoLinks(clone: number): void {
  const attr = new BigUint64Array([MOUNT_ATTR_NOSYMFOLLOW, 0n, BigInt(MS.PRIVATE), 0n]);
  check(mountSetattrNative(SYS_MOUNT_SETATTR, clone, "", AT_EMPTY_PATH, attr, attr.byteLength), "mount_setattr");
}

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
