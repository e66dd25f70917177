import fs from "node:fs";
import { closeFd } from "../syscalls/libc.ts";
import { sealedCopy } from "../syscalls/memfd.ts";

/** Another text after an upgrade of the program. */
export function identityOf(file: string): string {
  const { ino, size, mtimeMs } = fs.statSync(file);
  return `${ino} ${size} ${mtimeMs}`;
}

/**
 * crun, started from a sealed copy of itself. At every start it makes sure that a container cannot write to its
 * program: it copies itself and begins again, unless it runs from such a copy already. That takes as long as the rest
 * of a `crun start`, so the copy is made once.
 */
export class SealedProgram {
  private readonly file: string;
  private fd: number | undefined;
  private madeOf = "";

  constructor(file: string) {
    this.file = file;
  }

  /** Where to start it; a new copy after an upgrade, the file itself where the kernel permits no programs in memory. */
  path(): string {
    const now = identityOf(this.file);
    if (now !== this.madeOf) {
      if (this.fd !== undefined) closeFd(this.fd);
      this.fd = undefined;
      this.madeOf = now;
      try {
        this.fd = sealedCopy(this.file);
      } catch {
        // vm.memfd_noexec, or a very old kernel
      }
    }
    return this.fd === undefined ? this.file : `/proc/${process.pid}/fd/${this.fd}`;
  }
}
