import { GantryError, errnoOf, messageOf } from "../base/errors.ts";
import { writable } from "../client/sockets.ts";
import type { Hijacked } from "../client/transport.ts";
import { type Chunk, chunksOf, type Input } from "./output.ts";

/** What a session asks of the API beside its connection. */
export interface SessionOwner {
  resize(rows: number, columns: number): Promise<void>;
  exitCode(): Promise<number>;
}

/** What the kernel says where the other side has closed, and left something unread. */
const CLOSED = new Set(["ECONNRESET", "EPIPE"]);

/**
 * A connection to a running program: its output as it comes, and its stdin. A loop over it may be left and a later one goes
 * on from there; `using`, or an abort of the signal it was made with, closes it. The program itself goes on.
 */
export class Session implements AsyncIterable<Chunk>, Disposable {
  private readonly connection: Hijacked;
  private readonly owner: SessionOwner;
  private readonly output: AsyncGenerator<Chunk>;
  private draining: Promise<void> | undefined;
  private closed = false;

  /** @internal */
  constructor(connection: Hijacked, tty: boolean, owner: SessionOwner) {
    this.connection = connection;
    this.owner = owner;
    this.output = chunksOf(this.bytes(), tty);
  }

  /** Resolves when the connection takes more. Throws conflict SESSION_ENDED when it is closed, or the signal's reason. */
  async write(data: string | Uint8Array): Promise<void> {
    const { socket } = this.connection;
    if (socket.destroyed || socket.writableEnded) throw this.ended();
    if (socket.write(data)) return;
    this.draining ??= writable(this.connection.socket).finally(() => {
      this.draining = undefined;
    });
    await this.draining;
    if (socket.destroyed) throw this.ended();
  }

  /** Closes its stdin; the output goes on. */
  end(): void {
    this.connection.socket.end();
  }

  /** Writes all of it, then closes stdin. */
  async send(input: Input): Promise<void> {
    if (typeof input === "string" || input instanceof Uint8Array) await this.write(input);
    else for await (const chunk of input) await this.write(chunk);
    this.end();
  }

  /** The output until the program closes it. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Chunk> {
    const own: AsyncIterableIterator<Chunk> = {
      next: () => this.output.next(),
      return: () => Promise.resolve({ done: true, value: undefined }),
      [Symbol.asyncIterator]: () => own,
    };
    return own;
  }

  /** Rows and columns of its terminal. */
  resize(rows: number, columns: number): Promise<void> {
    return this.owner.resize(rows, columns);
  }

  /** How the program ended; waits until it has. */
  exitCode(): Promise<number> {
    return this.owner.exitCode();
  }

  [Symbol.dispose](): void {
    this.closed = true;
    this.connection.socket.destroy();
  }

  private async *bytes(): AsyncGenerator<Buffer> {
    const { socket } = this.connection;
    try {
      yield* socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
    } catch (error) {
      if (this.closed || CLOSED.has(errnoOf(error) ?? "")) return;
      if (errnoOf(error) === undefined) throw error; // the signal's reason
      throw new GantryError("unavailable", "CONNECTION_LOST", `error during connect: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  private ended(): unknown {
    const { errored } = this.connection.socket;
    if (errored && errnoOf(errored) === undefined) return errored;
    return new GantryError("conflict", "SESSION_ENDED", "the session takes no more input");
  }
}
