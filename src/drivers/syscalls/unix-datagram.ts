import { check, closeFd, declare, SyscallError } from "./libc.ts";
import { openSocket, SOCK } from "./sockets.ts";

const connectNative = declare("int connect(int fd, const uint8_t *address, unsigned int length)");
const sendNative = declare("long send(int fd, const uint8_t *bytes, size_t length, int flags)");

const AF_UNIX = 1;
const LONGEST_PATH = 107;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

export interface UnixDatagrams {
  /** False: the receiver's queue is full, try later. Throws SyscallError. */
  send(bytes: Buffer): boolean;
  close(): void;
}

/** A SOCK_DGRAM unix socket connected to `path`; Node knows none. Throws SyscallError. */
export function connectUnixDatagrams(path: string): UnixDatagrams {
  const name = Buffer.from(path);
  if (name.length > LONGEST_PATH) throw new Error(`a socket's path may have ${LONGEST_PATH} bytes: ${path}`);
  const fd = openSocket(AF_UNIX, SOCK.DGRAM, 0);
  try {
    const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), name, Buffer.alloc(1)]);
    check(connectNative(fd, address, address.length), "connect", path);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  return {
    send(bytes) {
      try {
        check(sendNative(fd, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL), "send", path);
        return true;
      } catch (error) {
        if (error instanceof SyscallError && ["EAGAIN", "ENOBUFS"].includes(error.code)) return false;
        throw error;
      }
    },
    close: () => closeFd(fd),
  };
}
