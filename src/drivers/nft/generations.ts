import type net from "node:net";
import koffi from "koffi";
import { decodeAttributes, decodeMessages, textOf } from "../netlink/message.ts";
import { NETLINK, NetlinkSocket } from "../netlink/socket.ts";
import { packetStream } from "../syscalls/seqpacket.ts";
import { AF, bindSocket, closeFd, openSocket, setSocketOption, SOCK } from "../syscalls/sockets.ts";

/** <linux/netfilter/nf_tables.h> */
const NFT_MSG_NEWGEN = (10 << 8) | 15;
const NFT_MSG_GETGEN = (10 << 8) | 16;
const NFTA_GEN = { ID: 1, PROC_PID: 2, PROC_NAME: 3 } as const;
const NFGENMSG = 4;
/** NFNLGRP_NFTABLES as a bit. */
const GROUP_NFTABLES = 1 << 6;
const SOCK_NONBLOCK = 0o4000;
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;

/** A change of the machine's nftables rules: one transaction, whatever its size. */
export interface Generation {
  id: number;
  pid: number;
  /** Of the program that did it, as the kernel has it. */
  name: string;
}

const parse = (body: Buffer): Generation => {
  const attributes = decodeAttributes(body.subarray(NFGENMSG));
  return {
    id: attributes.get(NFTA_GEN.ID)?.readUInt32BE(0) ?? 0,
    pid: attributes.get(NFTA_GEN.PROC_PID)?.readUInt32BE(0) ?? 0,
    name: textOf(attributes.get(NFTA_GEN.PROC_NAME)),
  };
};

/**
 * Tells of every change of the rules in the network namespace that the thread is in at first. The kernel sends word;
 * nothing is done while nothing changes.
 */
export class Generations {
  private readonly now = new NetlinkSocket(NETLINK.NETFILTER);
  private stream: net.Socket | undefined;

  /** The latest. */
  latest(): number {
    return parse(this.now.ask(NFT_MSG_GETGEN, Buffer.alloc(NFGENMSG)).body).id;
  }

  /** `undefined`: there were more than the kernel could keep for us. */
  listen(changed: (generation: Generation | undefined) => void): void {
    const fd = openSocket(AF.NETLINK, SOCK.RAW | SOCK_NONBLOCK, NETLINK.NETFILTER);
    try {
      onlyGenerations(fd);
      const address = Buffer.alloc(12);
      address.writeUInt16LE(AF.NETLINK, 0);
      address.writeUInt32LE(GROUP_NFTABLES, 8);
      bindSocket(fd, address);
      this.stream = packetStream(fd);
    } finally {
      closeFd(fd);
    }
    this.stream.on("data", (bytes: Buffer) => {
      for (const { type, body } of decodeMessages(bytes)) if (type === NFT_MSG_NEWGEN) changed(parse(body));
    });
    this.stream.on("error", () => {
      this.stream?.destroy();
      this.listen(changed);
      changed(undefined);
    });
    this.stream.unref();
    this.stream.resume();
  }

  close(): void {
    this.stream
      ?.removeAllListeners("error")
      .on("error", () => {})
      .destroy();
    this.now.close();
  }
}

/** Lets nothing but the word of a new generation through: a change of 10,000 rules is one message, not 10,000. */
function onlyGenerations(fd: number): void {
  const TYPE_OFFSET = 4;
  // filters read numbers of the network's order, and netlink's are the machine's
  const type = Buffer.alloc(2);
  type.writeUInt16LE(NFT_MSG_NEWGEN);
  const program = Buffer.concat([
    instruction(0x28, 0, 0, TYPE_OFFSET), // load half word
    instruction(0x15, 0, 1, type.readUInt16BE()), // equal? else skip one
    instruction(0x06, 0, 0, 0xffff), // take it
    instruction(0x06, 0, 0, 0), // drop it
  ]);
  const header = Buffer.alloc(16);
  header.writeUInt16LE(program.length / 8, 0);
  header.writeBigUInt64LE(koffi.address(program), 8);
  setSocketOption(fd, SOL_SOCKET, SO_ATTACH_FILTER, header);
}

function instruction(code: number, jumpTrue: number, jumpFalse: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes[2] = jumpTrue;
  bytes[3] = jumpFalse;
  bytes.writeUInt32LE(value, 4);
  return bytes;
}
