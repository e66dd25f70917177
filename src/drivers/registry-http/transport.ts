import http from "node:http";
import https from "node:https";
import { Readable } from "node:stream";
import { GantryError } from "../../base/errors.ts";
import { requestReason } from "../../base/request-reason.ts";

export interface Exchange {
  method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  url: URL;
  headers?: Record<string, string>;
  /** Bytes, or a stream that is sent as it comes (its length is in the headers). */
  body?: Buffer | Readable;
  signal?: AbortSignal;
  /** The server's certificate is not checked (an insecure registry). */
  trustAnyone?: boolean;
}

export interface Reply {
  status: number;
  headers: http.IncomingHttpHeaders;
  /** Gives up after the idle time, reports a cut as REGISTRY_UNREACHABLE. Read it or destroy it. */
  body: Readable;
  method: string;
  url: URL;
}

/** Below this many bytes in one idle period a server counts as stuck: one byte a second is no progress. */
const LEAST_PROGRESS = 1024;

export const canceled = (cause?: unknown): GantryError =>
  new GantryError("canceled", "CANCELED", "context canceled", { cause });

/** The words Go's HTTP client has for a request that failed: `Get "URL": reason`. */
export const requestFailed = (method: string, url: URL, reason: string, cause?: unknown): GantryError =>
  new GantryError(
    "unavailable",
    "REGISTRY_UNREACHABLE",
    `${method.charAt(0)}${method.slice(1).toLowerCase()} "${url.href}": ${reason}`,
    { cause, ...hintFor(reason, url) },
  );

function hintFor(reason: string, url: URL): { hint?: string } {
  if (reason.endsWith("no such host")) {
    return { hint: `${url.hostname} has no address: check its spelling and this machine's DNS` };
  }
  if (reason.endsWith("connection refused")) {
    return { hint: `nothing answers at ${url.host}: is the registry up, and its address right?` };
  }
  return {};
}

/** HTTP with connections kept alive, an idle limit on every wait, and failures in Docker's words. No redirects. */
export class Transport {
  private readonly idleMs: number;
  private readonly plain = new http.Agent({ keepAlive: true, maxSockets: 16, timeout: 30_000 });
  private readonly tls: https.Agent;
  private readonly tlsTrusting = new https.Agent({ keepAlive: true, maxSockets: 16, rejectUnauthorized: false });

  constructor(options: { idleMs: number; ca?: string | undefined }) {
    this.idleMs = options.idleMs;
    this.tls = new https.Agent({ keepAlive: true, maxSockets: 16, ...(options.ca ? { ca: options.ca } : {}) });
  }

  close(): void {
    for (const agent of [this.plain, this.tls, this.tlsTrusting]) agent.destroy();
  }

  async send(exchange: Exchange): Promise<Reply> {
    try {
      return await this.attempt(exchange);
    } catch (error) {
      // A kept connection that the server had closed meanwhile: the request never reached it.
      const replayable = exchange.method === "GET" || exchange.method === "HEAD";
      if (replayable && (error as { staleConnection?: boolean }).staleConnection) return this.attempt(exchange);
      throw error;
    }
  }

  private attempt(exchange: Exchange): Promise<Reply> {
    const { method, url, signal, body } = exchange;
    if (signal?.aborted) return Promise.reject(canceled(signal.reason));
    return new Promise((resolve, reject) => {
      const secure = url.protocol === "https:";
      const agent = secure ? (exchange.trustAnyone ? this.tlsTrusting : this.tls) : this.plain;
      const headers: Record<string, string> = { "User-Agent": "gantry/0.1", "Accept-Encoding": "identity" };
      Object.assign(headers, exchange.headers);
      if (Buffer.isBuffer(body)) headers["Content-Length"] = String(body.length);
      const request = (secure ? https : http).request(url, { method, headers, agent });

      let stalled = false;
      const idle = setTimeout(() => {
        stalled = true;
        request.destroy();
      }, this.idleMs);
      const onAbort = (): void => void request.destroy();
      signal?.addEventListener("abort", onAbort, { once: true });
      const settle = (): void => {
        clearTimeout(idle);
        signal?.removeEventListener("abort", onAbort);
      };
      let answered = false;
      const fail = (error: unknown): void => {
        settle();
        if (body instanceof Readable) body.destroy();
        if (signal?.aborted) return reject(canceled(error));
        if (error instanceof GantryError) return reject(error);
        const reason = stalled ? "net/http: request canceled (Client.Timeout exceeded)" : requestReason(error, url);
        const failure = requestFailed(method, url, reason, error);
        if (request.reusedSocket && !stalled) Object.assign(failure, { staleConnection: true });
        reject(failure);
      };
      request.on("error", (error) => {
        if (!answered) fail(error);
      });
      request.on("response", (response) => {
        answered = true;
        settle();
        // An early answer to an upload (an error): the rest of the body is not wanted.
        if (body instanceof Readable && !body.readableEnded) body.destroy();
        const stream = Readable.from(this.guarded(response, method, url, signal), { objectMode: false });
        // Nobody may be listening yet (or any more) when the connection breaks: the reader sees it when it reads.
        stream.on("error", () => response.destroy());
        response.on("error", () => {});
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: stream, method, url });
      });
      if (body instanceof Readable) {
        body.on("error", (error) => {
          if (!answered) {
            fail(error);
            request.destroy();
          }
        });
        body.on("data", () => void idle.refresh());
        request.on("drain", () => void idle.refresh());
        body.pipe(request);
      } else request.end(body);
    });
  }

  /** The body, chunk by chunk; only the time spent waiting for the server counts, not that of a slow reader. */
  private async *guarded(
    response: http.IncomingMessage,
    method: string,
    url: URL,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Buffer> {
    let stalled = false;
    let window = this.idleMs;
    let windowBytes = 0;
    const onAbort = (): void => void response.destroy();
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    const expected = Number(response.headers["content-length"] ?? Number.NaN);
    let received = 0;
    const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    try {
      for (;;) {
        const before = performance.now();
        const timer = setTimeout(() => {
          stalled = true;
          response.destroy();
        }, window);
        const next = await chunks.next().finally(() => clearTimeout(timer));
        if (next.done) break;
        received += next.value.length;
        windowBytes += next.value.length;
        window -= performance.now() - before;
        if (windowBytes >= LEAST_PROGRESS) {
          window = this.idleMs;
          windowBytes = 0;
        } else if (window <= 0) window = 0;
        yield next.value;
      }
    } catch (error) {
      if (signal?.aborted) throw canceled(error);
      const reason = stalled
        ? "net/http: request canceled (Client.Timeout or context cancellation while reading body)"
        : "unexpected EOF";
      throw requestFailed(method, url, reason, error);
    } finally {
      signal?.removeEventListener("abort", onAbort);
      response.destroy();
    }
    if (signal?.aborted) throw canceled();
    if (stalled || !response.complete || (method !== "HEAD" && received < expected)) {
      throw requestFailed(method, url, "unexpected EOF");
    }
  }
}

/** All of a body; throws REGISTRY_LIED beyond `limit` bytes. */
export async function readAll(body: Readable, limit: number, what: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += (chunk as Buffer).length;
    if (size > limit) {
      body.destroy();
      throw new GantryError("invalid", "REGISTRY_LIED", `${what} is larger than ${limit} bytes: refused`);
    }
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
