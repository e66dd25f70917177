import { closeFd, check, declare, SyscallError } from "./libc.ts";

const openNative = declare("long syscall(long number, long pid, unsigned int flags)");
const sendNative = declare("long syscall(long number, long fd, long signal, const void *info, unsigned int flags)");

// the same on every architecture
const SYS_PIDFD_SEND_SIGNAL = 424;
const SYS_PIDFD_OPEN = 434;

/**
 * Sends a signal to a process held by a descriptor, if `isIt` says that the process is the one that is meant: its pid may
 * have been given to another, but not while the descriptor is open. False: it is gone.
 */
export function signalProcess(pid: number, signal: number, isIt: () => boolean): boolean {
  try {
    const fd = check(openNative(SYS_PIDFD_OPEN, pid, 0), "pidfd_open", String(pid));
    try {
      if (!isIt()) return false;
      check(sendNative(SYS_PIDFD_SEND_SIGNAL, fd, signal, null, 0), "pidfd_send_signal", String(pid));
      return true;
    } finally {
      closeFd(fd);
    }
  } catch (error) {
    if (error instanceof SyscallError && (error.code === "ESRCH" || error.code === "EINVAL")) return false;
    throw error;
  }
}
