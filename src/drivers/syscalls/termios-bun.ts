import { dlopen } from "bun:ffi";

const libc = dlopen("libc.so.6", {
  tcgetattr: { args: ["i32", "ptr"], returns: "i32" },
  tcsetattr: { args: ["i32", "i32", "ptr"], returns: "i32" },
  cfmakeraw: { args: ["ptr"], returns: "void" },
}).symbols;

/** glibc's struct termios is 60 bytes. */
const SIZE = 64;
const DRAIN = 1;

/** As in termios.ts, for the single file: koffi's native module can't be a part of it. Throws Error. */
export function rawTerminal(fd: number): () => void {
  const before = Buffer.alloc(SIZE);
  if (libc.tcgetattr(fd, before) !== 0) throw new Error(`tcgetattr: descriptor ${fd} is not a terminal`);
  const raw = Buffer.from(before);
  libc.cfmakeraw(raw);
  if (libc.tcsetattr(fd, DRAIN, raw) !== 0) throw new Error(`tcsetattr: descriptor ${fd} refuses raw mode`);
  return () => void libc.tcsetattr(fd, DRAIN, before);
}
