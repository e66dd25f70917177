import type net from "node:net";
import { decodeAttributes, decodeMessages, textOf } from "../netlink/message.ts";
import { NETLINK, NetlinkSocket } from "../netlink/socket.ts";
import { packetStream } from "../syscalls/seqpacket.ts";
import { AF, bindSocket, closeFd, openSocket, SOCK } from "../syscalls/sockets.ts";

/** <linux/netfilter/nf_tables.h> */
const NFT_MSG_NEWGEN = (10 << 8) | 15;
const NFT_MSG_GETGEN = (10 << 8) | 16;
/** The table's name stands first in all messages, and its part's second. */
const NFTA = { TABLE: 1, PART: 2 } as const;
const NFTA_GEN = { ID: 1, PROC_PID: 2, PROC_NAME: 3 } as const;
const NFGENMSG = 4;
/** NFNLGRP_NFTABLES as a bit. */
const GROUP_NFTABLES = 1 << 6;
const SOCK_NONBLOCK = 0o4000;

/** A change of the machine's nftables rules: one transaction, whatever its size. */
export interface Generation {
  id: number;
  pid: number;
  /** Of the program that did it, as the kernel has it. */
  name: string;
}

/** One thing that a generation has other than the one before. */
export interface Change {
  /** NFT_MSG_… */
  message: number;
  /** NFPROTO_… */
  family: number;
  table: string;
  /** Of a rule: its chain. */
  part: string;
}

const parse = (body: Buffer): Generation => {
  const attributes = decodeAttributes(body.subarray(NFGENMSG));
  return {
    id: attributes.get(NFTA_GEN.ID)?.readUInt32BE(0) ?? 0,
    pid: attributes.get(NFTA_GEN.PROC_PID)?.readUInt32BE(0) ?? 0,
    name: textOf(attributes.get(NFTA_GEN.PROC_NAME)),
  };
};

const changeOf = (type: number, body: Buffer): Change => {
  const attributes = decodeAttributes(body.subarray(NFGENMSG));
  const [table, part] = [NFTA.TABLE, NFTA.PART].map((name) => attributes.get(name));
  return { message: type & 0xff, family: body[0] ?? 0, table: textOf(table), part: textOf(part) };
};

/**
 * Tells of every change of the rules in the network namespace that the thread is in at first. The kernel sends word;
 * nothing is done while nothing changes.
 */
export class Generations {
  private readonly now = new NetlinkSocket(NETLINK.NETFILTER);
  private stream: net.Socket | undefined;
  /** There was a change that matters since the last generation. */
  private matter = false;

  /** The latest. */
  latest(): number {
    return parse(this.now.ask(NFT_MSG_GETGEN, Buffer.alloc(NFGENMSG)).body).id;
  }

  /**
   * `changed` is told of each generation, and whether one of its changes `matters`. No generation: there were more than the
   * kernel could keep for us.
   */
  listen(
    matters: (change: Change) => boolean,
    changed: (generation: Generation | undefined, matters: boolean) => void,
  ): void {
    const fd = openSocket(AF.NETLINK, SOCK.RAW | SOCK_NONBLOCK, NETLINK.NETFILTER);
    try {
      const address = Buffer.alloc(12);
      address.writeUInt16LE(AF.NETLINK, 0);
      address.writeUInt32LE(GROUP_NFTABLES, 8);
      bindSocket(fd, address);
      this.stream = packetStream(fd);
    } finally {
      closeFd(fd);
    }
    this.stream.on("data", (bytes: Buffer) => {
      for (const { type, body } of decodeMessages(bytes)) {
        if (type !== NFT_MSG_NEWGEN) {
          this.matter ||= matters(changeOf(type, body));
          continue;
        }
        const { matter } = this;
        this.matter = false;
        changed(parse(body), matter);
      }
    });
    this.stream.on("error", () => {
      this.stream?.destroy();
      this.listen(matters, changed);
      changed(undefined, true);
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
