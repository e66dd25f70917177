import { pipeline } from "node:stream/promises";
import type { SessionWish } from "../base/build-session.ts";
import { GantryError, isGantryError } from "../base/errors.ts";
import { type BuildSessionHandle, type Grant, openBuildSession, sendFolder, takeOutput } from "./build-session.ts";
import type { SentFolder } from "./build-session.ts";
import type { Transport } from "./transport.ts";

/** Folders of this machine that caches come from and go to, by the names that the engine uses. */
export interface CacheOffers {
  readonly any: boolean;
  /** undefined: not one that was named. */
  file(folder: string, path: string): AsyncIterable<Buffer> | undefined;
  writer(folder: string): Writer | undefined;
}

type Writer = (bytes: AsyncIterable<Buffer>) => Promise<void>;

/** What a build may ask its client for. */
export interface BuildOffers {
  secrets: ReadonlyMap<string, Buffer>;
  /** Agents' sockets. */
  agents: ReadonlyMap<string, string>;
  /** By name; "" is the build's context. */
  folders: ReadonlyMap<string, () => SentFolder>;
  caches?: CacheOffers;
  /** What writes each output; undefined for those that stay with the engine. */
  outputs: readonly (Writer | undefined)[];
}

/**
 * Stays by a build until the session is closed. undefined: the engine knows no sessions (dockerd), and nothing is offered that
 * needs one. Throws notImplemented NO_SESSIONS.
 */
export async function offerBuild(transport: Transport, offers: BuildOffers): Promise<BuildSessionHandle | undefined> {
  try {
    return await openBuildSession(transport, async (wish) => grant(offers, wish));
  } catch (error) {
    if (!isGantryError(error) || error.details?.["status"] !== 404) throw error;
    const needed = [...offers.secrets.keys(), ...offers.agents.keys(), ...offers.outputs.filter(Boolean)];
    if (needed.length === 0 && !offers.caches?.any && [...offers.folders.keys()].every((name) => name === ""))
      return undefined;
    const message = "this engine takes no secrets, ssh agents, named contexts, outputs or folders of caches";
    throw new GantryError("notImplemented", "NO_SESSIONS", message, { hint: "they need gantryd" });
  }
}

/** Says of a wish how it is granted. Throws notFound NOT_OFFERED. */
async function grant(offers: BuildOffers, wish: SessionWish): ReturnType<Grant> {
  if (wish.kind === "secret") {
    const data = offered(offers.secrets.get(wish.id), `secret ${wish.id}`);
    const size = Buffer.alloc(4);
    size.writeUInt32BE(data.length);
    return async (connection) => void connection.end(Buffer.concat([size, data]));
  }
  if (wish.kind === "agent") {
    const path = offered(offers.agents.get(wish.id), `ssh agent ${wish.id}`);
    const { connectAgent, relayAgent } = await import("./ssh-agent.ts");
    const socket = await connectAgent(path);
    return (connection) => relayAgent(connection, socket);
  }
  if (wish.kind === "context") {
    const folder = offered(offers.folders.get(wish.name), `context ${wish.name}`)();
    return (connection) => sendFolder(connection, folder);
  }
  if (wish.kind === "cacheFile") {
    const bytes = offered(offers.caches?.file(wish.folder, wish.path), `${wish.path} of the cache in ${wish.folder}`);
    return (connection) => pipeline(bytes, connection);
  }
  const write =
    wish.kind === "cacheTo"
      ? offered(offers.caches?.writer(wish.folder), `the cache's folder ${wish.folder}`)
      : offered(offers.outputs[wish.position], `output ${wish.position}`);
  return (connection) => takeOutput(connection, write);
}

function offered<T>(value: T | undefined, what: string): T {
  if (value !== undefined) return value;
  throw new GantryError("notFound", "NOT_OFFERED", `${what} was not given`);
}
