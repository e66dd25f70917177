import type { Socket } from "node:net";

const HIGH_WATER = 1 << 20;

/** Pulls bytes off a socket; stops the sender when nobody asks. */
export class SocketReader {
  readonly socket: Socket;
  private readonly queue: Buffer[] = [];
  private queued = 0;
  private ended = false;
  private failure: Error | undefined;
  private wake: (() => void) | undefined;
  private readonly onData = (chunk: Buffer): void => {
    this.queue.push(chunk);
    this.queued += chunk.length;
    if (this.queued > HIGH_WATER) this.socket.pause();
    this.wake?.();
  };
  private readonly onEnd = (): void => {
    this.ended = true;
    this.wake?.();
  };
  private readonly onError = (error: Error): void => {
    this.failure = error;
    this.wake?.();
  };

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", this.onData).on("end", this.onEnd).on("close", this.onEnd).on("error", this.onError);
  }

  /** The next bytes; undefined at the end. Rejects with the socket's error. */
  async read(): Promise<Buffer | undefined> {
    for (;;) {
      const chunk = this.queue.shift();
      if (chunk !== undefined) {
        this.queued -= chunk.length;
        if (this.queued <= HIGH_WATER && this.socket.isPaused()) this.socket.resume();
        return chunk;
      }
      if (this.failure !== undefined) throw this.failure;
      if (this.ended) return undefined;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      this.wake = undefined;
    }
  }

  /** Puts bytes back in front. */
  unread(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.queue.unshift(chunk);
    this.queued += chunk.length;
  }

  /** True if nothing waits and the socket can serve another request. */
  get idle(): boolean {
    return this.queue.length === 0 && !this.ended && this.failure === undefined && !this.socket.destroyed;
  }

  /** Ends the reading and leaves what was read too far on the socket, paused. */
  detach(): void {
    this.socket.pause();
    this.socket.off("data", this.onData).off("end", this.onEnd).off("close", this.onEnd);
    if (this.queue.length > 0) this.socket.unshift(Buffer.concat(this.queue.splice(0)));
  }
}
