import { check, declare, SyscallError } from "./libc.ts";

const lseekNative = declare("long lseek(int fd, long offset, int whence)");
const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/** Where data begins in an open file, from `offset` on; undefined when only a hole follows. Moves the file's position. */
export function nextData(fd: number, offset: number): number | undefined {
  try {
    return check(lseekNative(fd, offset, SEEK_DATA), "lseek");
  } catch (error) {
    if (error instanceof SyscallError && error.code === "ENXIO") return undefined;
    throw error;
  }
}

/** Where the next hole begins, at the file's end at the latest. Moves the file's position. */
export const nextHole = (fd: number, offset: number): number => check(lseekNative(fd, offset, SEEK_HOLE), "lseek");
