import koffi, { type KoffiFunc } from "koffi";
import { closeFd, openFd, SyscallError } from "./libc.ts";

const libc = koffi.load("libc.so.6");
const syncfs = libc.func("int syncfs(int fd)");
const mallocTrim = libc.func("int malloc_trim(size_t keep)");
const mount2 = libc.func(
  "int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)",
);
const umount2 = libc.func("int umount2(const char *target, int flags)");

/** Calls that may take long, made off the main thread. */
function inBackground(
  native: KoffiFunc<(...args: unknown[]) => number>,
  name: string,
  about: string,
  ...args: unknown[]
): Promise<void> {
  return new Promise((resolve, reject) => {
    native.async(...args, (failure: Error | null, result: number) => {
      if (failure) reject(failure);
      else if (result < 0) reject(new SyscallError(name, koffi.errno(), about));
      else resolve();
    });
  });
}

/** syncfs(2): flushes the file system that `path` is on. */
export async function syncFileSystemInBackground(path: string): Promise<void> {
  const fd = openFd(path, 0);
  try {
    await inBackground(syncfs, "syncfs", path, fd);
  } finally {
    closeFd(fd);
  }
}

/** mount(2), which for a file system of another host waits for that host. */
export const mountInBackground = (
  source: string,
  target: string,
  type: string,
  flags: number,
  data: string,
): Promise<void> => inBackground(mount2, "mount", target, source, target, type, flags, data);

/** umount2(2); the unmount of an overlay flushes the file system under it. */
export const umountInBackground = (target: string, flags: number): Promise<void> =>
  inBackground(umount2, "umount2", target, target, flags);

/** Gives memory that the C library keeps for reuse back to the kernel; worth it after much was used and freed. */
export const trimMemoryInBackground = (): Promise<void> => inBackground(mallocTrim, "malloc_trim", "", 0);
