import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { abandonable } from "../base/abort.ts";
import { errnoOf, GantryError } from "../base/errors.ts";
import { TextLines } from "../base/text-lines.ts";
import { drain, gather } from "./bodies.ts";
import { type Endpoint, parseHost } from "./endpoint.ts";
import { errorOf, failureOf } from "./failures.ts";
import { type ResponseHead, readBody, readHead, requestHead, staysOpen } from "./http.ts";
import { type Query, queryText } from "./query.ts";
import { SocketReader } from "./socket-reader.ts";
import { writable } from "./sockets.ts";

/** The newest API version this client speaks, and the oldest. */
export const CLIENT_API = "1.51";
const OLDEST_API = "1.24";

export interface TransportOptions {
  /** unix:///path or tcp://host:port */
  host: string;
  /** Pins the API version ("1.41"); otherwise the newest that both sides speak is found by one `_ping`. */
  apiVersion?: string;
  userAgent?: string;
  /** Headers for every request. */
  headers?: Record<string, string>;
  /** For tcp hosts: speak TLS. */
  tls?: TlsOptions;
  /** For ssh hosts: opens a connection to the engine over there. */
  dial?: () => Promise<Socket>;
}

/** PEM texts. `verify` false takes any certificate of the engine's. */
export interface TlsOptions {
  ca?: string | Buffer;
  cert?: string | Buffer;
  key?: string | Buffer;
  verify: boolean;
}

const minorOf = (version: string): number => Number(version.split(".")[1]);

export interface RequestOptions {
  query?: Query;
  headers?: Record<string, string>;
  /** An object goes out as JSON; bytes and streams as they are. */
  body?: object | Buffer | AsyncIterable<Uint8Array>;
  contentType?: string;
  signal?: AbortSignal;
}

export interface Answer {
  status: number;
  headers: Map<string, string>;
  body: AsyncGenerator<Buffer>;
}

/** A connection taken over: write stdin, `end()` closes it alone, read the output. */
export interface Hijacked {
  socket: Socket;
  contentType: string;
}

const NOTHING = Buffer.alloc(0);

const isStream = (body: unknown): body is AsyncIterable<Uint8Array> =>
  typeof body === "object" && body !== null && Symbol.asyncIterator in body;

/** HTTP/1.1 over plain sockets, with connections kept for reuse. Smaller and quicker to load than node:http. */
export class Transport {
  readonly endpoint: Endpoint;
  private readonly options: TransportOptions;
  private readonly idle = new Set<SocketReader>();
  private version: Promise<string> | undefined;

  constructor(options: TransportOptions) {
    this.options = options;
    this.endpoint = parseHost(options.host);
    if (options.apiVersion !== undefined) this.version = Promise.resolve(options.apiVersion);
  }

  /** The API version in use, e.g. "1.41". The first call may ask the engine. */
  apiVersion(): Promise<string> {
    this.version ??= this.negotiate().catch((error: unknown) => {
      this.version = undefined;
      throw error;
    });
    return this.version;
  }

  /** True if both sides speak at least 1.`minor`. */
  async atLeast(minor: number): Promise<boolean> {
    return minorOf(await this.apiVersion()) >= minor;
  }

  private async negotiate(): Promise<string> {
    const { headers } = await this.ping("HEAD");
    const server = headers.get("api-version") ?? OLDEST_API;
    return minorOf(server) < minorOf(CLIENT_API) ? server : CLIENT_API;
  }

  /** `/_ping` stands above the versions. */
  async ping(method: "GET" | "HEAD", signal?: AbortSignal): Promise<Answer> {
    const answer = await this.raw(method, "/_ping", { signal });
    if (answer.status >= 400) throw await errorOf(answer);
    await drain(answer.body);
    return answer;
  }

  /** Sends a request below the version prefix. Statuses from 400 on become GantryErrors with `details.status`. */
  async request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const version = await abandonable(this.apiVersion(), options.signal);
    const answer = await this.raw(method, `/v${version}${path}`, options);
    if (answer.status >= 400) throw await errorOf(answer);
    return answer;
  }

  async json<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    const answer = await this.request(method, path, options);
    const text = (await gather(answer.body)).toString("utf8");
    return (text.trim() === "" ? undefined : JSON.parse(text)) as T;
  }

  /** A GET's answer as it came, for those who show it untouched. */
  async text(path: string, query?: Query): Promise<string> {
    const answer = await this.request("GET", path, { query });
    return (await gather(answer.body)).toString("utf8");
  }

  /** For calls whose answer says nothing; gives the status (204 against 304). */
  async send(method: string, path: string, options: RequestOptions = {}): Promise<number> {
    const answer = await this.request(method, path, options);
    await drain(answer.body);
    return answer.status;
  }

  /** JSON values, one a line, as they come. */
  async *lines<T>(method: string, path: string, options: RequestOptions = {}): AsyncGenerator<T> {
    for await (const line of this.textLines(method, path, options)) yield JSON.parse(line) as T;
  }

  /** The same, still as text. */
  async *textLines(method: string, path: string, options: RequestOptions = {}): AsyncGenerator<string> {
    const answer = await this.request(method, path, options);
    const lines = new TextLines();
    for await (const chunk of answer.body) yield* lines.push(chunk);
    yield* lines.end();
  }

  /** Takes a connection over for raw bytes both ways. */
  async hijack(path: string, options: RequestOptions = {}): Promise<Hijacked> {
    const target = `/v${await abandonable(this.apiVersion(), options.signal)}${path}`;
    const { reader, head, finish } = await this.exchange("POST", target, {
      ...options,
      headers: { Connection: "Upgrade", Upgrade: "tcp", ...options.headers },
    });
    if (head.status >= 400) {
      const body = this.body(reader, head, finish, options.signal);
      throw await errorOf({ status: head.status, body });
    }
    reader.detach();
    reader.socket.once("close", finish);
    return { socket: reader.socket, contentType: head.headers.get("content-type") ?? "" };
  }

  /** Closes the idle connections. */
  close(): void {
    for (const reader of this.idle) reader.socket.destroy();
    this.idle.clear();
  }

  private async raw(method: string, target: string, options: RequestOptions): Promise<Answer> {
    const { reader, head, finish } = await this.exchange(method, target, options);
    if (method === "HEAD") {
      for (const name of ["content-length", "transfer-encoding"]) head.headers.delete(name);
      head.headers.set("content-length", "0");
    }
    return { status: head.status, headers: head.headers, body: this.body(reader, head, finish, options.signal) };
  }

  private async exchange(
    method: string,
    path: string,
    options: RequestOptions,
  ): Promise<{ reader: SocketReader; head: ResponseHead; finish: () => void }> {
    const { signal, body } = options;
    signal?.throwIfAborted();
    const reused = [...this.idle].find((reader) => reader.idle);
    const reader = reused ?? (await abandonable(this.connect(), signal, ({ socket }) => socket.destroy()));
    this.idle.delete(reader);
    const { socket } = reader;
    socket.ref();
    const abort = (): void => void socket.destroy(signal?.reason as Error);
    signal?.addEventListener("abort", abort, { once: true });
    const finish = (): void => signal?.removeEventListener("abort", abort);
    try {
      let sending = true;
      void this.write(socket, method, path + queryText(options.query), options)
        .catch((error: unknown) => socket.destroy(error as Error))
        .finally(() => {
          sending = false;
        });
      const head = await readHead(reader);
      if (head === undefined) {
        // A kept connection may have been closed by the other side at this very moment; a fresh one tells the truth.
        if (reused !== undefined && !isStream(body)) {
          finish();
          socket.destroy();
          return await this.exchange(method, path, options);
        }
        throw new Error("the connection was closed without an answer");
      }
      // An answer before the body has gone out whole: the rest would be read as the next request.
      if (sending && isStream(body)) head.headers.set("connection", "close");
      return { reader, head, finish };
    } catch (error) {
      finish();
      socket.destroy();
      if (reused !== undefined && !isStream(body) && (errnoOf(error) === "EPIPE" || errnoOf(error) === "ECONNRESET")) {
        return await this.exchange(method, path, options);
      }
      throw failureOf(error, this.endpoint, signal);
    }
  }

  private async connect(): Promise<SocketReader> {
    const reader = new SocketReader(await this.open());
    reader.socket.once("close", () => this.idle.delete(reader));
    return reader;
  }

  /** A connection of its own to the engine, for raw bytes. */
  async connection(): Promise<Socket> {
    try {
      const socket = await this.open();
      // Not `connecting`: in Bun a connection may have failed before anybody was told.
      if (socket.pending) await once(socket, "connect");
      return socket;
    } catch (error) {
      throw failureOf(error, this.endpoint);
    }
  }

  private async open(): Promise<Socket> {
    const to = this.endpoint;
    const { tls, dial } = this.options;
    if (to.kind === "ssh") {
      if (dial !== undefined) return dial();
      throw new GantryError("invalid", "NO_SSH", `nothing here can connect to ${to.text}`);
    }
    if (to.kind === "unix") return connect({ path: to.path, allowHalfOpen: true });
    if (tls === undefined) return connect({ host: to.host, port: to.port, allowHalfOpen: true });
    const { connect: connectSecurely } = await import("node:tls");
    const { verify: rejectUnauthorized, ...pems } = tls;
    // Node has the option for both; its types know it for plain sockets alone.
    const options = { host: to.host, port: to.port, allowHalfOpen: true, rejectUnauthorized, ...pems };
    return connectSecurely(options);
  }

  private async write(socket: Socket, method: string, target: string, options: RequestOptions): Promise<void> {
    const { body } = options;
    const headers: Record<string, string> = {
      Host: this.endpoint.kind === "tcp" ? `${this.endpoint.host}:${this.endpoint.port}` : "api.moby.localhost",
      "User-Agent": this.options.userAgent ?? "gantry",
      ...this.options.headers,
      ...options.headers,
    };
    if (body === undefined) {
      if (method === "POST") headers["Content-Length"] = "0";
      socket.write(requestHead(method, target, headers));
      return;
    }
    if (!isStream(body)) {
      const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
      headers["Content-Type"] = options.contentType ?? "application/json";
      headers["Content-Length"] = String(bytes.length);
      socket.write(Buffer.concat([Buffer.from(requestHead(method, target, headers)), bytes]));
      return;
    }
    headers["Content-Type"] = options.contentType ?? "application/x-tar";
    headers["Transfer-Encoding"] = "chunked";
    socket.write(requestHead(method, target, headers));
    for await (const chunk of body) {
      if (socket.destroyed) return;
      if (chunk.length === 0) continue;
      socket.write(`${chunk.length.toString(16)}\r\n`);
      socket.write(chunk);
      if (!socket.write("\r\n")) await writable(socket);
    }
    socket.write("0\r\n\r\n");
  }

  /** Whoever leaves it, even before the first byte, gives the connection up. */
  private body(
    reader: SocketReader,
    head: ResponseHead,
    finish: () => void,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Buffer> {
    const body = this.contents(reader, head, finish, signal);
    void body.next(); // a generator that never began would run no `finally`
    return body;
  }

  private async *contents(
    reader: SocketReader,
    head: ResponseHead,
    finish: () => void,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Buffer> {
    let whole = false;
    try {
      yield NOTHING; // taken by body()
      yield* readBody(reader, head);
      whole = true;
    } catch (error) {
      throw failureOf(error, this.endpoint, signal);
    } finally {
      finish();
      if (whole && staysOpen(head) && reader.idle) {
        reader.socket.unref();
        this.idle.add(reader);
      } else {
        reader.socket.destroy();
      }
    }
  }
}
