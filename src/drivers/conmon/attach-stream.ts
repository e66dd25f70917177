import type net from "node:net";
import type { AttachStream } from "../../ports/monitor.ts";
import { connectSeqpacket, type SeqpacketConnection } from "../syscalls/seqpacket.ts";

/** conmon reads at most this much of a packet; the rest would be lost. */
const PACKET = 8192;
const STDERR = 3;

/** conmon's attach socket: every packet is one byte for the stream (2 stdout, 3 stderr), then data. */
export class ConmonAttachStream implements AttachStream {
  private readonly connection: SeqpacketConnection;
  private readonly socket: net.Socket;
  private writing: Promise<void> = Promise.resolve();
  private deliver: ((packet: Buffer) => void) | undefined;
  private readonly onEnd: (() => void)[] = [];
  private over = false;

  constructor(folder: string) {
    this.connection = connectSeqpacket(folder, "attach");
    this.socket = this.connection.socket;
    // A reset is conmon's way of going away with input unread; "close" follows.
    this.socket.on("error", () => {});
    this.socket.once("close", () => this.finish());
  }

  onOutput(listener: (stream: "stdout" | "stderr", chunk: Buffer) => void): void {
    this.deliver = (packet) => listener(packet[0] === STDERR ? "stderr" : "stdout", packet.subarray(1));
    this.socket.on("data", this.deliver);
    this.socket.on("end", () => this.socket.destroy());
    this.socket.resume();
  }

  private finish(): void {
    for (const packet of this.connection.drain()) this.deliver?.(packet);
    this.connection.close();
    this.over = true;
    for (const listener of this.onEnd.splice(0)) listener();
  }

  onClose(listener: () => void): void {
    if (this.over) listener();
    else this.onEnd.push(listener);
  }

  /** One packet at a time: queued writes would be joined into a packet that is too long. */
  write(chunk: Buffer): Promise<void> {
    const next = async (): Promise<void> => {
      for (let at = 0; at < chunk.length && !this.socket.destroyed; at += PACKET) {
        await new Promise<void>((resolve) => this.socket.write(chunk.subarray(at, at + PACKET), () => resolve()));
      }
    };
    this.writing = this.writing.then(next);
    return this.writing;
  }

  endInput(): void {
    void this.writing.then(() => this.socket.end());
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  destroy(): void {
    this.deliver = undefined;
    this.socket.destroy();
  }
}
