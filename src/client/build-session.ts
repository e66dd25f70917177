import type { Socket } from "node:net";
import { GantryError, messageOf } from "../base/errors.ts";
import type { ListedEntry, SessionNews, SessionRefusal, SessionWish } from "../base/build-session.ts";
import { TextLines } from "../base/text-lines.ts";
import { SocketReader } from "./socket-reader.ts";
import { writable } from "./sockets.ts";
import type { Transport } from "./transport.ts";

/**
 * Grants one wish of the engine's: says first whether it can be, by giving what is to be done with the connection.
 * Throws notFound for what the user did not offer.
 */
export type Grant = (wish: SessionWish) => Promise<(connection: Socket) => Promise<void>>;

/** A folder of this machine: its entries, and the tar of those at some positions. */
export interface SentFolder {
  entries: readonly ListedEntry[];
  /** Bytes of the files at these positions. */
  size(wanted: readonly number[]): number;
  tar(wanted: readonly number[]): AsyncIterable<Buffer> | Iterable<Buffer>;
}

/** Sends what the engine lacks of a folder. */
export async function sendFolder(connection: Socket, folder: SentFolder): Promise<void> {
  connection.write(`${folder.entries.map((entry) => JSON.stringify(entry)).join("\n")}\n[]\n`);
  const reader = new SocketReader(connection);
  connection.resume();
  const lines = new TextLines();
  let answer: string | undefined;
  while (answer === undefined) {
    const chunk = await reader.read();
    if (chunk === undefined) return;
    [answer] = lines.push(chunk);
  }
  for await (const chunk of folder.tar(JSON.parse(answer) as number[])) {
    if (connection.destroyed) return;
    if (!connection.write(chunk)) await writable(connection);
  }
  connection.end();
}

export interface BuildSessionHandle {
  /** What a build names it by. */
  name: string;
  close(): void;
}

/** Opens a session for a build and grants what the engine asks for until it is closed. */
export async function openBuildSession(transport: Transport, grant: Grant): Promise<BuildSessionHandle> {
  const path = "/gantry/build-sessions";
  const { socket } = await transport.hijack(path);
  const connections = new Set<Socket>();
  const refuse = (channel: number, error: unknown): void => {
    const missing = error instanceof GantryError && error.kind === "notFound";
    socket.write(`${JSON.stringify({ channel, message: messageOf(error), missing } satisfies SessionRefusal)}\n`);
  };
  const answer = async (name: string, channel: number, wish: SessionWish): Promise<void> => {
    let serve: Awaited<ReturnType<Grant>>;
    try {
      serve = await grant(wish);
    } catch (error) {
      return refuse(channel, error);
    }
    const connection = (await transport.hijack(`${path}/${name}/channels/${channel}`)).socket;
    connections.add(connection.once("close", () => connections.delete(connection)).on("error", () => {}));
    await serve(connection).catch((error: unknown) => connection.destroy(error as Error));
  };
  return new Promise((resolve, reject) => {
    const lines = new TextLines();
    let name = "";
    const close = (): void => {
      socket.destroy();
      for (const connection of connections) connection.destroy();
    };
    socket.on("data", (chunk: Buffer) => {
      for (const line of lines.push(chunk)) {
        const news = JSON.parse(line) as SessionNews;
        if ("session" in news) resolve({ name: (name = news.session), close });
        // the engine may have given up on it meanwhile
        else void answer(name, news.channel, news.wish).catch(() => {});
      }
    });
    socket.once("error", reject);
    socket.resume(); // a connection that was taken over comes paused
    socket.once("close", () =>
      reject(new GantryError("unavailable", "SESSION_FAILED", "the engine ended the session")),
    );
  });
}

/** Takes one of the build's outputs; the engine hears whether `write` got it whole. */
export async function takeOutput(
  connection: Socket,
  write: (bytes: AsyncIterable<Buffer>) => Promise<void>,
): Promise<void> {
  const reader = new SocketReader(connection);
  connection.resume();
  await write(chunksOf(reader));
  while ((await reader.read()) !== undefined); // an archive's padding, which nobody asks for
  connection.end("ok\n");
}

async function* chunksOf(reader: SocketReader): AsyncGenerator<Buffer> {
  for (let chunk = await reader.read(); chunk !== undefined; chunk = await reader.read()) yield chunk;
}
