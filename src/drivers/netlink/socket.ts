import { SyscallError } from "../syscalls/libc.ts";
import {
  AF,
  bindSocket,
  closeFd,
  openSocket,
  receiveBytes,
  SOCK,
  sendBytes,
  setReceiveTimeout,
} from "../syscalls/sockets.ts";
import { decodeMessages, encodeMessage, type Message, type Received } from "./message.ts";

/** <linux/netlink.h> */
export const NETLINK = { ROUTE: 0, NETFILTER: 12 } as const;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_DUMP = 0x300;
const TIMEOUT = 5000;
/** The kernel fills a dump's datagrams up to 32 KiB. */
const BUFFER = 64 * 1024;

/** A request and what it is about, for the error's text. */
export interface Request extends Message {
  about: string;
  /** Errors that are no error: the wanted state is there already. */
  ignore?: string[];
  /** The kernel confirms it with nothing; it may still refuse it, and with it all the others. */
  quiet?: boolean;
}

/**
 * A netlink socket (of links and routes unless another family is named). It belongs to the network namespace in which it was opened, whichever the thread is in
 * later. Synchronous: the kernel answers within the send.
 */
export class NetlinkSocket {
  private readonly fd: number;
  private readonly buffer = Buffer.allocUnsafe(BUFFER);
  private sequence = 1;

  constructor(family: number = NETLINK.ROUTE) {
    this.fd = openSocket(AF.NETLINK, SOCK.RAW, family);
    try {
      const address = Buffer.alloc(12);
      address.writeUInt16LE(AF.NETLINK, 0);
      bindSocket(this.fd, address);
      setReceiveTimeout(this.fd, TIMEOUT);
    } catch (error) {
      closeFd(this.fd);
      throw error;
    }
  }

  close(): void {
    closeFd(this.fd);
  }

  /**
   * Sends all requests in one datagram; the kernel runs them in order, each on its own (a failed one doesn't stop the
   * next). Throws the first error after all were answered.
   */
  batch(requests: Request[]): void {
    if (requests.length === 0) return;
    const first = this.sequence;
    this.sequence += requests.length;
    sendBytes(
      this.fd,
      Buffer.concat(
        requests.map((request, index) =>
          encodeMessage(
            { ...request, flags: request.flags | NLM_F_REQUEST | (request.quiet ? 0 : NLM_F_ACK) },
            first + index,
          ),
        ),
      ),
    );
    let failure: SyscallError | undefined;
    for (let open = requests.filter(({ quiet }) => !quiet).length; open > 0; ) {
      for (const answer of this.receive()) {
        const request = requests[answer.sequence - first];
        if (answer.type !== NLMSG_ERROR || request === undefined) continue;
        open--;
        const errno = -answer.body.readInt32LE(0);
        if (errno === 0) continue;
        const error = new SyscallError("netlink", errno, request.about);
        if (request.quiet) throw error;
        if (!request.ignore?.includes(error.code)) failure ??= error;
      }
    }
    if (failure) throw failure;
  }

  /** The one object that a request asks for. */
  ask(type: number, body: Buffer): Received {
    const sequence = this.sequence++;
    sendBytes(this.fd, encodeMessage({ type, flags: NLM_F_REQUEST, body, attributes: [] }, sequence));
    for (;;) {
      for (const message of this.receive()) {
        if (message.sequence !== sequence) continue;
        if (message.type === NLMSG_ERROR) throw new SyscallError("netlink", -message.body.readInt32LE(0), "ask");
        return message;
      }
    }
  }

  /** All objects of a kind; `body` is the fixed part that the kind asks for. */
  dump(type: number, body: Buffer): Received[] {
    const sequence = this.sequence++;
    sendBytes(this.fd, encodeMessage({ type, flags: NLM_F_REQUEST | NLM_F_DUMP, body, attributes: [] }, sequence));
    const result: Received[] = [];
    for (;;) {
      for (const message of this.receive()) {
        if (message.sequence !== sequence) continue;
        if (message.type === NLMSG_DONE) return result;
        if (message.type === NLMSG_ERROR) throw new SyscallError("netlink", -message.body.readInt32LE(0), "dump");
        result.push(message);
      }
    }
  }

  private receive(): Received[] {
    const size = receiveBytes(this.fd, this.buffer);
    return decodeMessages(Buffer.from(this.buffer.subarray(0, size)));
  }
}

/** One of links and routes, for the network namespace that the thread is in. */
export function withSocket<T>(body: (socket: NetlinkSocket) => T): T {
  const socket = new NetlinkSocket();
  try {
    return body(socket);
  } finally {
    socket.close();
  }
}
