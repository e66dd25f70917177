import http, { type IncomingMessage, type RequestListener, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import Router from "find-my-way";
import { GantryError, isGantryError, messageOf } from "../base/errors.ts";
import type { Logger } from "../ports/logger.ts";
import { statusOf } from "../wire/status.ts";
import { API_VERSION, MIN_API_VERSION, parseVersion } from "../wire/versions.ts";
import { Call, type Handler, type Route } from "./call.ts";

export interface ApiServerDeps {
  routes: Route[];
  logger: Logger;
  /** Shown in the `Server` header. */
  engineVersion: string;
  /** Shown in the `Docker-Experimental` header. */
  experimental: boolean;
}

/** Serves the Docker Engine API. Listening is the caller's: one handler may stand behind several sockets. */
export class ApiServer {
  private readonly router: Router.Instance<Router.HTTPVersion.V1>;
  private readonly deps: ApiServerDeps;

  constructor(deps: ApiServerDeps) {
    this.deps = deps;
    this.router = Router({ ignoreTrailingSlash: true, maxParamLength: 4096 });
    for (const { method, path, handler } of deps.routes) this.router.on(method, path, () => {}, handler);
  }

  /** A server for plain HTTP on a unix socket; `attachTo` serves others (TLS). */
  create(): http.Server {
    const server = http.createServer({ keepAliveTimeout: 60_000, requestTimeout: 0, headersTimeout: 60_000 });
    this.attachTo(server);
    return server;
  }

  /** `admit` throws for requests that may not come in by this server. */
  attachTo(server: http.Server, admit: (request: IncomingMessage) => void = () => {}): void {
    const onRequest: RequestListener = (request, response) => void this.answer(request, response, admit);
    server.on("request", onRequest);
    // Docker's clients upgrade to "tcp" for attach and exec. The answer's writer is the same either way.
    server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
      const response = new ServerResponse(request);
      response.assignSocket(socket);
      response.shouldKeepAlive = false;
      response.on("finish", () => socket.end());
      void this.answer(request, response, admit, head);
    });
    server.on("clientError", (_error, socket) => {
      if (!("writable" in socket) || !socket.writable) return;
      socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    });
  }

  private async answer(
    request: IncomingMessage,
    response: ServerResponse,
    admit: (request: IncomingMessage) => void,
    head?: Buffer,
  ): Promise<void> {
    this.setHeaders(response);
    const gone = new AbortController();
    response.on("close", () => {
      if (!response.writableFinished) gone.abort();
    });
    try {
      admit(request);
      const target = request.url ?? "/";
      if (!URL.canParse(target, "http://gantry")) throw new GantryError("invalid", "BAD_URL", "invalid request target");
      const url = new URL(target, "http://gantry");
      const { path, version } = splitVersion(url.pathname);
      const found = this.router.find(request.method as Router.HTTPMethod, path);
      if (!found) throw new GantryError("notFound", "NO_SUCH_ROUTE", "page not found");
      const params: Record<string, string> = {};
      for (const [key, value] of Object.entries(found.params)) params[key] = value ?? "";
      const call = new Call({
        params,
        query: url.searchParams,
        version,
        request,
        response,
        signal: gone.signal,
        ...(head ? { head } : {}),
      });
      await (found.store as Handler)(call);
    } catch (error) {
      this.fail(response, error, `${request.method} ${request.url}`);
    }
  }

  private setHeaders(response: ServerResponse): void {
    response.setHeader("Api-Version", API_VERSION);
    response.setHeader("Docker-Experimental", String(this.deps.experimental));
    response.setHeader("Ostype", "linux");
    response.setHeader("Server", `Gantry/${this.deps.engineVersion} (linux)`);
  }

  private fail(response: ServerResponse, error: unknown, what: string): void {
    const status = error instanceof GantryError ? statusOf(error.kind) : 500;
    if (!(error instanceof GantryError)) {
      this.deps.logger.error("a request met a bug", {
        what,
        error: error instanceof Error ? error.stack : String(error),
      });
    } else if (status >= 500) this.deps.logger.warn("a request failed", { what, error: error.message });
    if (response.headersSent || response.destroyed) {
      response.socket?.destroy();
      return;
    }
    if (isGantryError(error) && error.kind === "notModified") {
      response.writeHead(304).end();
      return;
    }
    const body = isGantryError(error)
      ? { message: error.message, code: error.code, ...(error.hint ? { hint: error.hint } : {}) }
      : { message: messageOf(error) };
    const bytes = Buffer.from(`${JSON.stringify(body)}\n`);
    const early = isStillComing(response.req);
    response.writeHead(status === 499 ? 500 : status, {
      "Content-Type": "application/json",
      "Content-Length": bytes.length,
      ...(early ? { Connection: "close" } : {}),
    });
    if (early) answerEarly(response, bytes);
    else response.end(bytes);
  }
}

const SMALL_BODY = 64 * 1024;

/** A body that may be on its way for long. */
const isStillComing = ({ complete, headers }: IncomingMessage): boolean =>
  !complete &&
  headers.upgrade === undefined &&
  (headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > SMALL_BODY);

/** Milliseconds that a client gets to hear that it need not send the rest. */
const LINGER = 1000;

/** Answers a request that is still coming in. Its rest is read for a while: the kernel would drop the answer with it. */
function answerEarly(response: ServerResponse, bytes: Buffer): void {
  response.write(bytes);
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, LINGER);
  response.req.once("close", end).resume();
}

/** `/v1.43/containers/json` → the path and the version asked for. Throws invalid for one that is not spoken. */
function splitVersion(pathname: string): { path: string; version: readonly [number, number] } {
  const match = pathname.match(/^\/v(\d+\.\d+)(\/.*)?$/);
  if (!match) return { path: pathname, version: parseVersion(API_VERSION) };
  const version = parseVersion(match[1] as string);
  const [major, minor] = version;
  const [maxMajor, maxMinor] = parseVersion(API_VERSION);
  const [minMajor, minMinor] = parseVersion(MIN_API_VERSION);
  if (major > maxMajor || (major === maxMajor && minor > maxMinor)) {
    throw new GantryError(
      "invalid",
      "API_TOO_NEW",
      `client version ${match[1]} is too new. Maximum supported API version is ${API_VERSION}`,
    );
  }
  if (major < minMajor || (major === minMajor && minor < minMinor)) {
    throw new GantryError(
      "invalid",
      "API_TOO_OLD",
      `client version ${match[1]} is too old. Minimum supported API version is ${MIN_API_VERSION}, please upgrade your client to a newer version`,
    );
  }
  return { path: match[2] ?? "/", version };
}
