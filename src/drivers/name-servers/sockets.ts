import { check, closeFd, declare, SyscallError } from "../syscalls/libc.ts";
import { AF, bindSocket, openSocket, SOCK, setReuseAddress, socketAddress } from "../syscalls/sockets.ts";

const getsocknameNative = declare("int getsockname(int fd, _Out_ uint8_t *address, _Inout_ unsigned int *length)");

/** In the thread's network namespace: a socket on `port` of an IPv4 address, or on any port if that is taken. */
export function boundSocket(type: "udp" | "tcp", address: string, port: number): { fd: number; port: number } {
  const fd = openSocket(AF.INET, type === "udp" ? SOCK.DGRAM : SOCK.STREAM, 0);
  try {
    // after a restart of the engine its old connections may still be there
    if (type === "tcp") setReuseAddress(fd, true);
    try {
      bindSocket(fd, socketAddress(address, port));
    } catch (error) {
      if (!(error instanceof SyscallError) || error.code !== "EADDRINUSE") throw error;
      bindSocket(fd, socketAddress(address, 0));
    }
    return { fd, port: portOf(fd) };
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

function portOf(fd: number): number {
  const address = Buffer.alloc(16);
  check(getsocknameNative(fd, address, [address.length]), "getsockname");
  return address.readUInt16BE(2);
}
