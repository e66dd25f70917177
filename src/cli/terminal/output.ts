import { writeSync } from "node:fs";
import { Exit } from "../exit.ts";

/** Where a command's words go. */
export interface Output {
  readonly isTTY: boolean;
  write(data: string | Uint8Array): void;
}

const PAUSE = 2;

/**
 * Writes straight to a descriptor, whole and in order, so that nothing is lost when the process ends, and without the
 * start-up cost of process.stdout. A reader that has gone away ends the command as SIGPIPE would.
 */
export class DescriptorOutput implements Output {
  private readonly fd: number;
  private tty: boolean | undefined;

  constructor(fd: number) {
    this.fd = fd;
  }

  get isTTY(): boolean {
    // Loaded when it is asked for alone: it takes milliseconds.
    this.tty ??= process.getBuiltinModule("node:tty").isatty(this.fd);
    return this.tty;
  }

  write(data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    for (let at = 0; at < bytes.length; ) {
      try {
        at += writeSync(this.fd, bytes, at);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "EPIPE") throw new Exit(141);
        if (code !== "EAGAIN") throw error;
        // Somebody made the descriptor non-blocking, and its reader is slow.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE);
      }
    }
  }
}
