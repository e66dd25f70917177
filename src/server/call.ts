import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex, Writable } from "node:stream";
import { GantryError } from "../base/errors.ts";
import type { ProgressLine } from "../wire/types/images.ts";
import { acceptKey } from "../wire/websocket.ts";
import { checkShape, type Shape } from "./decode/shape.ts";

const JSON_LIMIT = 4 * 1024 * 1024;
const FALSE_WORDS = new Set(["", "0", "no", "false", "none"]);

/** One API request, decoded as far as every handler needs, and the ways to answer it. */
export class Call {
  readonly params: Record<string, string>;
  readonly query: URLSearchParams;
  /** The API version asked for, e.g. [1, 51]. */
  readonly version: readonly [number, number];
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
  /** What came with the socket of an upgrade request and is not read yet. */
  private head: Buffer;

  constructor(init: {
    params: Record<string, string>;
    query: URLSearchParams;
    version: readonly [number, number];
    request: IncomingMessage;
    response: ServerResponse;
    signal: AbortSignal;
    head?: Buffer;
  }) {
    this.params = init.params;
    this.query = init.query;
    this.version = init.version;
    this.request = init.request;
    this.response = init.response;
    this.signal = init.signal;
    this.head = init.head ?? Buffer.alloc(0);
  }

  /** True if the client speaks at least 1.`minor`. */
  atLeast(minor: number): boolean {
    return this.version[0] > 1 || this.version[1] >= minor;
  }

  param(name: string): string {
    return this.params[name] ?? "";
  }

  /** A query flag by Docker's rule: absent, "", 0, no, false, none are false. */
  flag(name: string, fallback = false): boolean {
    const value = this.query.get(name);
    return value === null ? fallback : !FALSE_WORDS.has(value.trim().toLowerCase());
  }

  int(name: string): number | undefined {
    const text = this.query.get(name);
    if (text === null || text === "") return undefined;
    const value = Number(text);
    if (!Number.isInteger(value)) {
      throw new GantryError("invalid", "BAD_QUERY", `strconv.Atoi: parsing "${text}": invalid syntax`);
    }
    return value;
  }

  /** `filters` as Docker sends it: {"label":["a=b"]} or {"label":{"a=b":true}}. */
  filters(): Map<string, string[]> {
    const text = this.query.get("filters");
    const result = new Map<string, string[]>();
    if (!text) return result;
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch (cause) {
      throw new GantryError("invalid", "BAD_FILTERS", "invalid filters: not JSON", { cause });
    }
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
      throw new GantryError("invalid", "BAD_FILTERS", "invalid filters: an object is expected");
    }
    for (const [key, value] of Object.entries(parsed)) {
      if (Array.isArray(value)) result.set(key, value.map(String));
      else if (typeof value === "object" && value !== null) {
        result.set(
          key,
          Object.entries(value)
            .filter(([, on]) => on === true)
            .map(([name]) => name),
        );
      } else throw new GantryError("invalid", "BAD_FILTERS", `invalid filter '${key}'`);
    }
    return result;
  }

  /** The JSON body (4 MiB at most), of the shape given. An empty body is {} . */
  async json<T extends object>(shape?: Shape): Promise<T> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of this.body()) {
      size += chunk.length;
      if (size > JSON_LIMIT)
        throw new GantryError("invalid", "BODY_TOO_LARGE", "request body too large: 4 MiB at most");
      chunks.push(chunk);
    }
    const text = Buffer.concat(chunks).toString("utf8").trim();
    if (text === "") return {} as T;
    const type = this.request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
    if (type !== undefined && type !== "application/json" && type !== "text/plain") {
      throw new GantryError(
        "invalid",
        "BAD_CONTENT_TYPE",
        `unsupported Content-Type header (${type}): must be 'application/json'`,
      );
    }
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch (cause) {
      throw new GantryError("invalid", "BAD_JSON", `invalid JSON: ${(cause as Error).message}`, { cause });
    }
    if (parsed === null) return {} as T;
    if (typeof parsed !== "object" || Array.isArray(parsed)) {
      throw new GantryError("invalid", "BAD_JSON", "invalid JSON: an object is expected");
    }
    if (shape !== undefined) checkShape(parsed, shape);
    return parsed as T;
  }

  /** Reads past a body that says nothing (some clients send their options twice): a hijacked stream begins behind it. */
  async skipBody(): Promise<void> {
    if (!this.upgraded || Number(this.request.headers["content-length"] ?? 0) === 0) return;
    for await (const _ of this.body());
  }

  /** The body's bytes. Node gives those of an upgrade request with the socket, up to 24 at least. */
  private body(): AsyncIterable<Buffer> | Buffer[] {
    const length = Number(this.request.headers["content-length"] ?? 0);
    if (!this.upgraded || this.request.readableLength > 0 || length === 0) return this.request;
    if (length > JSON_LIMIT)
      throw new GantryError("invalid", "BODY_TOO_LARGE", "request body too large: 4 MiB at most");
    return this.takeFromSocket(length);
  }

  private async *takeFromSocket(length: number): AsyncIterable<Buffer> {
    const { socket } = this.request;
    while (this.head.length < length && !socket.readableEnded) {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) await Promise.race([once(socket, "readable"), once(socket, "end")]);
      else this.head = Buffer.concat([this.head, chunk]);
    }
    yield this.head.subarray(0, length);
    this.head = this.head.subarray(length);
  }

  private get upgraded(): boolean {
    return this.request.headers.upgrade !== undefined;
  }

  /** Answers with JSON. */
  send(status: number, body: unknown): void {
    const bytes = Buffer.from(`${JSON.stringify(body)}\n`);
    this.response.writeHead(status, { "Content-Type": "application/json", "Content-Length": bytes.length });
    this.response.end(bytes);
  }

  /** Answers without a body. */
  empty(status: 200 | 201 | 204 | 304): void {
    this.response.writeHead(status);
    this.response.end();
  }

  /** A streamed 200; headers go out at once. */
  stream(contentType: string, headers: Record<string, string> = {}): ServerResponse {
    this.response.writeHead(200, { "Content-Type": contentType, ...headers });
    this.response.flushHeaders();
    // nobody else reads from a connection that was to be upgraded: without it a client's end is not heard
    if (this.upgraded) {
      const { socket } = this.request;
      socket.once("end", () => socket.destroy()).resume();
    }
    return this.response;
  }

  /** Takes the connection over as a web socket. Throws invalid NO_WEB_SOCKET if the request asks for none. */
  websocket(): Duplex {
    const { upgrade, "sec-websocket-key": key } = this.request.headers;
    if (upgrade?.toLowerCase() !== "websocket" || key === undefined) {
      throw new GantryError("invalid", "NO_WEB_SOCKET", "the request does not ask for a web socket");
    }
    return this.takeOver(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptKey(key)}\r\n\r\n`,
    );
  }

  /**
   * Takes the connection over for raw bytes both ways (attach, exec): 101 UPGRADED to an upgrade request, else 200.
   * The client may close its side (stdin) and go on reading.
   */
  hijack(contentType: string): Duplex {
    return this.takeOver(
      this.upgraded
        ? `HTTP/1.1 101 UPGRADED\r\nContent-Type: ${contentType}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`
        : `HTTP/1.1 200 OK\r\nContent-Type: ${contentType}\r\n\r\n`,
    );
  }

  private takeOver(answer: string): Duplex {
    const { socket } = this.request;
    this.response.detachSocket(socket);
    // Without an upgrade Node's parser still listens, and would take what the client types for its next request.
    if (!this.upgraded) for (const event of ["data", "end", "drain", "timeout"]) socket.removeAllListeners(event);
    socket.setTimeout(0);
    socket.on("error", () => {}); // a client that goes away closes the stream
    socket.write(answer);
    if (this.head.length > 0) socket.unshift(this.head);
    return socket;
  }
}

export type Handler = (call: Call) => Promise<void> | void;

export interface Route {
  method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** find-my-way pattern below the version prefix, e.g. `/containers/:name/json`; `*` for names with slashes. */
  path: string;
  handler: Handler;
}

/** Progress as JSON lines; an error after the first byte becomes Docker's last line in the stream. */
export async function streamJson(call: Call, body: (send: (line: object) => void) => Promise<void>): Promise<void> {
  let out: Writable | undefined;
  const send = (line: object): void => {
    out ??= call.stream("application/json");
    out.write(`${JSON.stringify(line)}\r\n`);
  };
  try {
    await body(send);
  } catch (error) {
    if (out === undefined) throw error;
    const message = error instanceof Error ? error.message : String(error);
    const { details, hint, kind, code: reason } = error instanceof GantryError ? error : {};
    const code = details?.["exitCode"] as number | undefined;
    // What is undefined is not written.
    const errorDetail: ProgressLine["errorDetail"] = { code, message, hint, kind, reason };
    send({ errorDetail, error: message });
  }
  out ??= call.stream("application/json");
  out.end();
}

/** For what goes on as raw bytes both ways. Throws invalid NO_UPGRADE. */
export function mustUpgrade(call: Call): void {
  if (call.request.headers.upgrade !== undefined) return;
  throw new GantryError("invalid", "NO_UPGRADE", "no upgrade proto in request");
}
