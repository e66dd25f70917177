import os from "node:os";
import koffi from "koffi";

const libc = koffi.load("libc.so.6");

// Of two names for one number the first stays, as Node has it: EAGAIN, not EWOULDBLOCK.
const errorNames = new Map<number, string>(
  Object.entries(os.constants.errno)
    .map(([name, value]): [number, string] => [value, name])
    .toReversed(),
);

/** A failed system call: `code` as Node's own (`ENOENT`), `syscall`, and what it was about. */
export class SyscallError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  constructor(syscall: string, errno: number, about?: string) {
    const code = errorNames.get(errno) ?? `E${errno}`;
    super(`${code}: ${syscall}${about ? ` '${about}'` : ""}`);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

type Native = (...args: unknown[]) => number;

/** Declares a libc function that returns an int or long and sets errno at a negative result. */
export function declare(prototype: string): Native {
  return libc.func(prototype) as unknown as Native;
}

/** Throws SyscallError when `result` is negative; call it right after the native call. */
export function check(result: number, syscall: string, about?: string): number {
  if (result < 0) throw new SyscallError(syscall, koffi.errno(), about);
  return result;
}

const closeNative = declare("int close(int fd)");
const openNative = declare("int open(const char *path, int flags, int mode)");
const fcntlNative = declare("int fcntl(int fd, int command, int argument)");
const dup3Native = declare("int dup3(int from, int to, int flags)");

export const O_CLOEXEC = 0o2000000;

export const closeFd = (fd: number): void => void closeNative(fd);

export const openFd = (path: string, flags: number, mode = 0): number =>
  check(openNative(path, flags | O_CLOEXEC, mode), "open", path);

const F_DUPFD_CLOEXEC = 1030;

/** Another descriptor of the same open file. */
export const duplicateFd = (fd: number): number => check(fcntlNative(fd, F_DUPFD_CLOEXEC, 0), "fcntl");

export const dup3 = (from: number, to: number): number => check(dup3Native(from, to, O_CLOEXEC), "dup3");
