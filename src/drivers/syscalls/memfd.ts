import fs from "node:fs";
import { check, closeFd, declare, SyscallError } from "./libc.ts";

const memfdNative = declare("int memfd_create(const char *name, unsigned int flags)");
const fcntlNative = declare("int fcntl(int fd, int command, int argument)");

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const MFD_EXEC = 16; // Linux 6.3
const F_ADD_SEALS = 1033;
const ALL_SEALS = 15; // of the seals, of growing, of shrinking, of writing

/** A copy in memory of a program, which nobody can change any more; gives its descriptor. Throws SyscallError. */
export function sealedCopy(file: string): number {
  const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  const fd = (() => {
    try {
      return check(memfdNative(file, flags | MFD_EXEC), "memfd_create", file);
    } catch (error) {
      if (!(error instanceof SyscallError) || error.code !== "EINVAL") throw error;
      return check(memfdNative(file, flags), "memfd_create", file);
    }
  })();
  try {
    fs.writeFileSync(fd, fs.readFileSync(file));
    fs.fchmodSync(fd, 0o755);
    check(fcntlNative(fd, F_ADD_SEALS, ALL_SEALS), "fcntl", file);
    return fd;
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}
