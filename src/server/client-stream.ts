import type { Duplex } from "node:stream";
import type { ClientStream } from "../engine/containers/attach.ts";
import type { Clock } from "../ports/clock.ts";
import { frameHeader, STREAM } from "../wire/frames.ts";

/** Milliseconds between looks whether a client that sends no more is still there. */
const LOOK = 5000;

/** A hijacked connection as the engine sees it; output is framed unless the container has a terminal. */
export class HijackedStream implements ClientStream {
  private readonly socket: Duplex;
  private readonly framed: boolean;

  constructor(socket: Duplex, framed: boolean, clock: Pick<Clock, "after">) {
    this.socket = socket;
    this.framed = framed;
    this.watch(clock);
  }

  /**
   * One that has closed its side may wait for output, or be gone: only writing tells. Nothing is written, which fails
   * just as well when nobody is there.
   */
  private watch(clock: Pick<Clock, "after">): void {
    let cancel: (() => void) | undefined;
    const look = (): void => {
      if (this.socket.destroyed || this.socket.writableEnded) return;
      this.socket.write("");
      cancel = clock.after(LOOK, look);
    };
    this.socket.once("end", look);
    this.socket.once("close", () => cancel?.());
  }

  write(stream: "stdout" | "stderr", chunk: Buffer): boolean {
    if (this.socket.destroyed || this.socket.writableEnded) return true;
    if (this.framed) this.socket.write(frameHeader(STREAM[stream], chunk.length));
    return this.socket.write(chunk);
  }

  onDrain(listener: () => void): void {
    this.socket.on("drain", listener);
  }

  onInput(listener: (chunk: Buffer) => void): void {
    this.socket.on("data", listener);
  }

  onInputEnd(listener: () => void): void {
    if (this.socket.readableEnded) listener();
    else this.socket.once("end", listener);
    // Without input wanted the end still has to be noticed.
    this.socket.resume();
  }

  onClose(listener: () => void): void {
    if (this.socket.destroyed) listener();
    else this.socket.once("close", listener);
  }

  end(): void {
    if (this.socket.writableEnded) return;
    this.socket.end();
    // What the client still types goes nowhere; reading it lets the connection close.
    this.socket.resume();
  }
}
