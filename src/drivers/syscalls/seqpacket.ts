import net from "node:net";
import { check, closeFd, declare, dup3, O_CLOEXEC, openFd } from "./libc.ts";

const socketNative = declare("int socket(int domain, int type, int protocol)");
const socketpairNative = declare("int socketpair(int domain, int type, int protocol, _Out_ int *fds)");
const connectNative = declare("int connect(int fd, const void *address, unsigned int length)");

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_SEQPACKET = 5;
const O_PATH = 0o10000000;

/**
 * Connects to a SOCK_SEQPACKET unix socket `name` in `folder` and gives it as a stream: one read is one packet, and one
 * awaited write is one packet. The folder's path may be longer than a socket address holds.
 * Node knows no seqpacket: the stream is opened on a socketpair, and the descriptor replaced underneath before first use.
 */
export function connectSeqpacket(folder: string, name: string): net.Socket {
  const folderFd = openFd(folder, O_PATH);
  const fd = check(socketNative(AF_UNIX, SOCK_SEQPACKET | O_CLOEXEC, 0), "socket");
  try {
    const path = Buffer.from(`/proc/self/fd/${folderFd}/${name}\0`);
    const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), path]);
    check(connectNative(fd, address, address.length), "connect", `${folder}/${name}`);
    const pair = [0, 0];
    check(socketpairNative(AF_UNIX, SOCK_STREAM | O_CLOEXEC, 0, pair), "socketpair");
    const [mine, other] = pair as [number, number];
    closeFd(other);
    const socket = new net.Socket({ fd: mine, pauseOnCreate: true, readable: true, writable: true, allowHalfOpen: true } as net.SocketConstructorOpts);
    dup3(fd, mine);
    return socket;
  } finally {
    closeFd(fd);
    closeFd(folderFd);
  }
}
