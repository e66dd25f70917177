import type net from "node:net";
import type { AttachStream } from "../../ports/monitor.ts";
import { connectSeqpacket } from "../syscalls/seqpacket.ts";

/** conmon reads at most this much of a packet; the rest would be lost. */
const PACKET = 8192;
const STDERR = 3;

/** conmon's attach socket: every packet is one byte for the stream (2 stdout, 3 stderr), then data. */
export class ConmonAttachStream implements AttachStream {
  private readonly socket: net.Socket;
  private writing: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    this.socket = connectSeqpacket(folder, "attach");
    // A reset is conmon's way of going away with input unread; "close" follows.
    this.socket.on("error", () => {});
  }

  onOutput(listener: (stream: "stdout" | "stderr", chunk: Buffer) => void): void {
    this.socket.on("data", (packet: Buffer) =>
      listener(packet[0] === STDERR ? "stderr" : "stdout", packet.subarray(1)),
    );
    this.socket.on("end", () => this.socket.destroy());
    this.socket.resume();
  }

  onClose(listener: () => void): void {
    if (this.socket.closed) listener();
    else this.socket.once("close", listener);
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
    this.socket.destroy();
  }
}
