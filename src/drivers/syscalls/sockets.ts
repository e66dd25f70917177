import { addressBytes, mustParseAddress } from "../../base/ip-address.ts";
import { check, closeFd, declare } from "./libc.ts";

const socketNative = declare("int socket(int domain, int type, int protocol)");
const bindNative = declare("int bind(int fd, const uint8_t *address, unsigned int length)");
const setsockoptNative = declare(
  "int setsockopt(int fd, int level, int name, const uint8_t *value, unsigned int length)",
);
const getsockoptNative = declare("int getsockopt(int fd, int level, int name, uint8_t *value, unsigned int *length)");
const ifNametoindexNative = declare("unsigned int if_nametoindex(const char *name)");
const sendNative = declare("long send(int fd, const uint8_t *bytes, size_t length, int flags)");
const recvNative = declare("long recv(int fd, uint8_t *bytes, size_t length, int flags)");

/** <sys/socket.h>, x86-64 and arm64. */
export const AF = { INET: 2, INET6: 10, NETLINK: 16 } as const;
export const SOCK = { STREAM: 1, DGRAM: 2, RAW: 3, SEQPACKET: 5 } as const;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_RCVTIMEO = 20;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

/** A file descriptor, close-on-exec. Throws SyscallError. */
export const openSocket = (domain: number, type: number, protocol: number): number =>
  check(socketNative(domain, type | SOCK_CLOEXEC, protocol), "socket");

/** `address` is a whole struct sockaddr. */
export const bindSocket = (fd: number, address: Buffer): number =>
  check(bindNative(fd, address, address.length), "bind");

export const sendBytes = (fd: number, bytes: Buffer): number => check(sendNative(fd, bytes, bytes.length, 0), "send");

/** Blocks, up to the socket's time-out; returns the count of bytes (an oversized datagram is cut). */
export const receiveBytes = (fd: number, into: Buffer): number => check(recvNative(fd, into, into.length, 0), "recv");

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};

export const setSocketOption = (fd: number, level: number, name: number, value: Buffer): number =>
  check(setsockoptNative(fd, level, name, value, value.length), "setsockopt");

/** `value` holds what is asked for, and afterwards the answer. */
export function getSocketOption(fd: number, level: number, name: number, value: Buffer): Buffer {
  check(getsockoptNative(fd, level, name, value, [value.length]), "getsockopt");
  return value;
}

/** In the thread's network namespace. */
export const linkExists = (name: string): boolean => ifNametoindexNative(name) > 0;

export const setReuseAddress = (fd: number, on: boolean): number =>
  setSocketOption(fd, SOL_SOCKET, SO_REUSEADDR, int32(on ? 1 : 0));

/** After `ms` without a byte a receive fails with EAGAIN. */
export function setReceiveTimeout(fd: number, ms: number): void {
  const time = Buffer.alloc(16);
  time.writeBigInt64LE(BigInt(Math.floor(ms / 1000)), 0);
  time.writeBigInt64LE(BigInt((ms % 1000) * 1000), 8);
  setSocketOption(fd, SOL_SOCKET, SO_RCVTIMEO, time);
}

/** struct sockaddr_in or sockaddr_in6 from an address of either family and a port. */
export function socketAddress(address: string, port: number): Buffer {
  const { family, value } = mustParseAddress(address);
  const bytes = Buffer.alloc(family === 4 ? 16 : 28);
  bytes.writeUInt16LE(family === 4 ? AF.INET : AF.INET6, 0);
  bytes.writeUInt16BE(port, 2);
  addressBytes({ family, value }).copy(bytes, family === 4 ? 4 : 8);
  return bytes;
}

/** A socket of IPv6 leaves the IPv4 port of the same number to others. */
export const setIpv6Only = (fd: number): number => setSocketOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, int32(1));

export { closeFd };
