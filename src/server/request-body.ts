import type { IncomingMessage } from "node:http";
import { PassThrough, type Readable } from "node:stream";
import { GantryError } from "../base/errors.ts";

/**
 * A request's body as a stream that its reader may destroy: destroying the request itself would break the connection
 * before the error could be told. A client that goes away is an error of the stream.
 */
export function requestBody(request: IncomingMessage): Readable {
  const body = new PassThrough({ highWaterMark: 256 * 1024 });
  request.pipe(body);
  const gone = (cause?: Error): void => {
    body.destroy(new GantryError("canceled", "CLIENT_GONE", "unexpected EOF", { cause }));
  };
  // Whoever reads it sees the error too; one that reads no more must not end the engine by it.
  body.on("error", () => {});
  request.on("error", gone);
  request.on("close", () => {
    if (!request.complete) gone();
  });
  body.on("close", () => request.unpipe(body));
  return body;
}
