import { once } from "node:events";
import type { Duplex, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { SessionWish } from "../base/build-session.ts";
import { GantryError, isGantryError } from "../base/errors.ts";
import type { BuildSession } from "../ports/build-session.ts";

const needed = (session: BuildSession | undefined, what: string): BuildSession => {
  if (session) return session;
  throw new GantryError("invalid", "NO_SESSION", `${what} needs a session`);
};

/** Bytes that the client gives. Errors: invalid NO_SESSION; those of BuildSession.open. */
export const receive = (session: BuildSession | undefined, wish: SessionWish, signal: AbortSignal): Promise<Readable> =>
  needed(session, "what comes from the client").open(wish, signal);

/** Sends bytes and waits until the client has put them away. Errors: those of `receive`; unavailable OUTPUT_FAILED. */
export async function send(
  session: BuildSession | undefined,
  wish: SessionWish,
  open: () => Promise<AsyncIterable<Buffer>>,
  signal: AbortSignal,
): Promise<void> {
  const connection = await needed(session, "an output that goes to the client").open(wish, signal);
  try {
    await pipeline(await open(), connection, { end: false, signal });
    connection.end();
    if (!(await acknowledged(connection))) throw notTaken();
  } catch (error) {
    throw isGantryError(error) || signal.aborted ? error : notTaken(error);
  } finally {
    connection.destroy();
  }
}

/** The client says that it has all, and where it put it is whole. */
async function acknowledged(connection: Duplex): Promise<boolean> {
  if (connection.destroyed) return false;
  let said = 0;
  connection.on("data", (chunk: Buffer) => (said += chunk.length));
  await once(connection, "close");
  return said > 0;
}

const notTaken = (cause?: unknown): GantryError =>
  new GantryError("unavailable", "OUTPUT_FAILED", "the client did not take the build's output", { cause });
