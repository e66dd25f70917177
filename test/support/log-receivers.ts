import { once } from "node:events";
import net from "node:net";

/** A receiver of logs on loopback that can go away and come back on the same port. */
export class LogReceiver {
  /** All bytes that came, of all connections in turn. */
  readonly chunks: Buffer[] = [];
  port = 0;
  private server: net.Server | undefined;
  private readonly sockets = new Set<net.Socket>();
  private readonly onChunk: ((chunk: Buffer, socket: net.Socket) => void) | undefined;

  constructor(onChunk?: (chunk: Buffer, socket: net.Socket) => void) {
    this.onChunk = onChunk;
  }

  async up(): Promise<void> {
    this.server = net.createServer((socket) => {
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
      socket.on("error", () => {});
      socket.on("data", (chunk: Buffer) => {
        this.chunks.push(chunk);
        this.onChunk?.(chunk, socket);
      });
    });
    this.server.listen(this.port, "127.0.0.1");
    await once(this.server, "listening");
    this.port = (this.server.address() as net.AddressInfo).port;
  }

  async down(): Promise<void> {
    const { server } = this;
    if (!server?.listening) return;
    for (const socket of this.sockets) socket.destroy();
    server.close();
    await once(server, "close");
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString("latin1");
  }
}

export interface ForwardEntry {
  tag: string;
  time: unknown;
  record: Record<string, string>;
}

/** A receiver of fluentd's forward protocol, which acknowledges what asks for it while `acknowledges` holds. */
export class ForwardReceiver {
  readonly entries: ForwardEntry[] = [];
  acknowledges = true;
  readonly receiver: LogReceiver;
  private readonly rests = new WeakMap<net.Socket, Buffer>();

  constructor() {
    this.receiver = new LogReceiver((chunk, socket) => {
      this.receiver.chunks.length = 0;
      let bytes = Buffer.concat([this.rests.get(socket) ?? Buffer.alloc(0), chunk]);
      for (;;) {
        const reader = new Unpacker(bytes);
        const [tag, time, record, option] = (reader.value() ?? []) as [string, unknown, object, object?];
        if (reader.short) break;
        bytes = bytes.subarray(reader.at);
        const chunkId = option && (option as Record<string, string>)["chunk"];
        if (chunkId && !this.acknowledges) continue; // a receiver that loses what it got
        this.entries.push({ tag, time, record: record as Record<string, string> });
        if (chunkId) {
          socket.write(
            Buffer.concat([
              Buffer.from([0x81, 0xa3]),
              Buffer.from("ack"),
              Buffer.from([0xd9, chunkId.length]),
              Buffer.from(chunkId),
            ]),
          );
        }
      }
      this.rests.set(socket, bytes);
    });
  }
}

/** MessagePack, as much of it as comes here. */
class Unpacker {
  at = 0;
  short = false;
  private readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  value(): unknown {
    const tag = this.number(1);
    if (this.short) return undefined;
    if (tag < 0x80) return tag;
    if (tag < 0x90) return this.map(tag & 15);
    if (tag < 0xa0) return this.list(tag & 15);
    if (tag < 0xc0) return this.text(tag & 31);
    switch (tag) {
      case 0xce:
        return this.number(4);
      case 0xd7:
        return { type: this.number(1), seconds: this.number(4), nanoseconds: this.number(4) };
      case 0xd9:
        return this.text(this.number(1));
      case 0xda:
        return this.text(this.number(2));
      case 0xdb:
        return this.text(this.number(4));
      default:
        throw new Error(`tag ${tag.toString(16)}`);
    }
  }

  private take(length: number): Buffer {
    if (this.at + length > this.bytes.length) this.short = true;
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  private number(width: number): number {
    const bytes = this.take(width);
    return this.short ? 0 : bytes.readUIntBE(0, width);
  }

  private text(length: number): string {
    return this.take(length).toString("latin1");
  }

  private list(count: number): unknown[] {
    return Array.from({ length: count }, () => (this.short ? undefined : this.value()));
  }

  private map(count: number): object {
    return Object.fromEntries(
      Array.from({ length: count }, () => [this.short ? "" : this.value(), this.short ? "" : this.value()]),
    );
  }
}
