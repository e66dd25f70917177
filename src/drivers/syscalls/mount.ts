import { check, declare } from "./libc.ts";

const mountNative = declare(
  "int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)",
);
const umountNative = declare("int umount2(const char *target, int flags)");

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

export function mount(source: string, target: string, type: string, flags: number, data = ""): void {
  check(mountNative(source, target, type, flags, data), "mount", target);
}

export function umount(target: string, flags = 0): void {
  check(umountNative(target, flags), "umount2", target);
}
