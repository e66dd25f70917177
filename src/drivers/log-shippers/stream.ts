import net from "node:net";
import tls from "node:tls";
import type { StreamEndpoint } from "../../base/logging/addresses.ts";
import { messageOf } from "../../base/errors.ts";
import { dialError, unreachable } from "./dial-error.ts";

const CONNECT_TIMEOUT = 10_000;
const KEEP_ALIVE = 30_000;
/** How long a receiver has for what it was sent before we left. */
const LAST_WORDS = 5000;

/** A stream to a receiver of logs. Once it is broken every write rejects. */
export class LogStreamConnection {
  private readonly socket: net.Socket;
  private readonly waiting = new Set<(error: Error) => void>();
  private broken: Error | undefined;

  private constructor(socket: net.Socket, onData?: (chunk: Buffer) => void) {
    this.socket = socket;
    socket.setKeepAlive(true, KEEP_ALIVE);
    socket.setNoDelay(true);
    socket.on("data", onData ?? (() => {}));
    socket.on("error", (error) => this.fail(unreachable(messageOf(error), error)));
    // A receiver that ends will take no more, though the kernel would let us write once.
    socket.on("end", () => this.fail(unreachable("the receiver closed the connection")));
    socket.on("close", () => this.fail(unreachable("the connection is closed")));
  }

  /** Errors: unavailable LOG_UNREACHABLE, in Go's words. */
  static async open(
    endpoint: StreamEndpoint,
    options: { tls?: tls.ConnectionOptions; onData?: (chunk: Buffer) => void } = {},
  ): Promise<LogStreamConnection> {
    const secure = endpoint.protocol === "tls";
    const socket = connect(endpoint, options.tls);
    try {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(Object.assign(new Error("i/o timeout"), { code: "ETIMEDOUT" })),
          CONNECT_TIMEOUT,
        );
        const settle = (then: () => void): void => {
          clearTimeout(timer);
          then();
        };
        socket.once(secure ? "secureConnect" : "connect", () => settle(resolve));
        socket.once("error", (error) => settle(() => reject(error)));
        socket.once("close", () => settle(() => reject(new Error("EOF"))));
      });
    } catch (error) {
      socket.destroy();
      throw endpoint.protocol === "unix"
        ? dialError("unix", endpoint.path, error)
        : dialError("tcp", `${endpoint.host}:${endpoint.port}`, error);
    }
    return new LogStreamConnection(socket, options.onData);
  }

  /** Resolves when the kernel has it all. */
  write(bytes: Buffer): Promise<void> {
    return this.whileOpen(
      (resolve) =>
        void this.socket.write(bytes, (error) => {
          if (!error) resolve();
        }),
    );
  }

  /** Waits for something else about the connection; rejects if it breaks before. */
  whileOpen(begin: (resolve: () => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.broken) {
        reject(this.broken);
        return;
      }
      this.waiting.add(reject);
      begin(() => {
        this.waiting.delete(reject);
        resolve();
      });
    });
  }

  /** Breaks the connection when a write or an answer takes longer. */
  limit(ms: number): void {
    this.socket.setTimeout(ms, () => {
      if (this.waiting.size > 0) this.socket.destroy(unreachable("i/o timeout"));
    });
  }

  /** What was written is still sent. */
  close(): void {
    this.fail(unreachable("the connection is closed"));
    this.socket.end();
    this.socket.unref();
    setTimeout(() => this.socket.destroy(), LAST_WORDS).unref();
  }

  private fail(error: Error): void {
    this.broken ??= error;
    for (const reject of this.waiting) reject(error);
    this.waiting.clear();
  }
}

function connect(endpoint: StreamEndpoint, options: tls.ConnectionOptions | undefined): net.Socket {
  if (endpoint.protocol === "unix") return net.connect({ path: endpoint.path });
  const { protocol, host, port } = endpoint;
  if (protocol === "tcp") return net.connect({ host, port });
  return tls.connect({ host, port, ...(net.isIP(host) === 0 ? { servername: host } : {}), ...options });
}
