import fs from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import os from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";
import { Gantry } from "../../src/client/gantry.ts";
import { encodeFrame } from "../../src/wire/frames.ts";

export interface Played {
  engine: Gantry;
  host: string;
  /** "METHOD path" of each request, without `_ping`. */
  seen: string[];
  connections(): number;
}

/** An engine that answers as `answer` says. */
export async function play(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  options: { apiVersion?: string; silent?: boolean } = {},
): Promise<Played> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "gantry-client-"));
  const socket = path.join(folder, "s");
  const seen: string[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    if (options.silent) return;
    if (request.url === "/_ping") {
      response.writeHead(200, { "Api-Version": options.apiVersion ?? "1.51" }).end();
      return;
    }
    seen.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  server.on("connection", () => (connections += 1));
  server.on("upgrade", (request, stream) => {
    seen.push(`UPGRADE ${request.url}`);
    stream.write("HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n\r\n");
    stream.write(encodeFrame(1, Buffer.from("early ")));
    stream.on("error", () => {}); // a client may leave
    const typed: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => typed.push(chunk));
    stream.on("end", () => stream.end(encodeFrame(2, Buffer.concat(typed))));
  });
  await new Promise<void>((resolve) => {
    server.listen(socket, resolve);
  });
  const engine = new Gantry({ host: `unix://${socket}` });
  t.after(() => {
    engine.close();
    server.closeAllConnections();
    server.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });
  return { engine, host: `unix://${socket}`, seen, connections: () => connections };
}

export const json = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
};
