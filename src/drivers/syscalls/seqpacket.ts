import net from "node:net";
import { check, closeFd, declare, dup3, duplicateFd, O_CLOEXEC, openFd } from "./libc.ts";

const socketNative = declare("int socket(int domain, int type, int protocol)");
const socketpairNative = declare("int socketpair(int domain, int type, int protocol, _Out_ int *fds)");
const recvNative = declare("long recv(int fd, _Out_ uint8_t *buffer, unsigned long length, int flags)");
const connectNative = declare("int connect(int fd, const void *address, unsigned int length)");

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_SEQPACKET = 5;
const SOCK_NONBLOCK = 0o4000;
const O_PATH = 0o10000000;
const MSG_DONTWAIT = 0x40;
const LARGEST_PACKET = 64 * 1024;

export interface SeqpacketConnection {
  socket: net.Socket;
  /**
   * Packets that are still queued, for after the socket's end: libuv takes a short read together with a hang-up for the
   * end of the data, but on this kind of socket every read is short.
   */
  drain(): Buffer[];
  /** Gives the second descriptor back; the socket is closed by itself. */
  close(): void;
}

/**
 * Connects to a SOCK_SEQPACKET unix socket `name` in `folder` and gives it as a stream: one read is one packet, and one
 * awaited write is one packet. The folder's path may be longer than a socket address holds.
 */
export function connectSeqpacket(folder: string, name: string): SeqpacketConnection {
  const folderFd = openFd(folder, O_PATH);
  const fd = check(socketNative(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | O_CLOEXEC, 0), "socket");
  try {
    const path = Buffer.from(`/proc/self/fd/${folderFd}/${name}\0`);
    const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), path]);
    check(connectNative(fd, address, address.length), "connect", `${folder}/${name}`);
    const socket = packetStream(fd);
    const spare = duplicateFd(fd);
    let open = true;
    return {
      socket,
      drain: () => (open ? drainPackets(spare) : []),
      close: () => {
        if (open) closeFd(spare);
        open = false;
      },
    };
  } finally {
    closeFd(fd);
    closeFd(folderFd);
  }
}

/**
 * A non-blocking socket of a kind that Node doesn't know as a stream, paused; one read is one packet. `fd` stays the
 * caller's.
 * The stream is opened on a socketpair, and the descriptor replaced underneath before first use. The flags go with the
 * replacement: it must be non-blocking itself, or a write to a busy peer stops the whole engine.
 */
export function packetStream(fd: number): net.Socket {
  const pair = [0, 0];
  check(socketpairNative(AF_UNIX, SOCK_STREAM | O_CLOEXEC, 0, pair), "socketpair");
  const [mine, other] = pair as [number, number];
  closeFd(other);
  const socket = new net.Socket({
    fd: mine,
    pauseOnCreate: true,
    readable: true,
    writable: true,
    allowHalfOpen: true,
  } as net.SocketConstructorOpts);
  dup3(fd, mine);
  return socket;
}

function drainPackets(fd: number): Buffer[] {
  const packets: Buffer[] = [];
  const buffer = Buffer.alloc(LARGEST_PACKET);
  for (let failures = 0; failures < 2; ) {
    const length = recvNative(fd, buffer, buffer.length, MSG_DONTWAIT);
    if (length > 0) packets.push(Buffer.from(buffer.subarray(0, length)));
    else if (length === 0) break;
    // A reset is told once, and what came before it can be read after that.
    else failures++;
  }
  return packets;
}
