import { check, declare } from "./libc.ts";

const getAttributes = declare("int tcgetattr(int fd, void *termios)");
const setAttributes = declare("int tcsetattr(int fd, int when, const void *termios)");
const makeRaw = declare("void cfmakeraw(void *termios)");

/** glibc's struct termios is 60 bytes. */
const SIZE = 64;
const DRAIN = 1;

/**
 * Hands every key to the program, and the program's output to the terminal untouched: Node's own raw mode still turns
 * \n into \r\n, which breaks full-screen programs behind a second TTY. The result restores; it can be called again.
 * Throws SyscallError ENOTTY.
 */
export function rawTerminal(fd: number): () => void {
  const before = Buffer.alloc(SIZE);
  check(getAttributes(fd, before), "tcgetattr", String(fd));
  const raw = Buffer.from(before);
  makeRaw(raw);
  check(setAttributes(fd, DRAIN, raw), "tcsetattr", String(fd));
  return () => void setAttributes(fd, DRAIN, before);
}
