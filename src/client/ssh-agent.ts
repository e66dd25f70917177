import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { GantryError, messageOf } from "../base/errors.ts";
import { writable } from "./sockets.ts";

/** draft-ietf-sshm-ssh-agent: a length of four bytes, then the type. */
const HEADER = 5;
const MESSAGE_LIMIT = 256 * 1024;
const FAILURE = Buffer.from([0, 0, 0, 1, 5]);
/** To list the keys and to sign with them: what a build may ask for. */
const ALLOWED = new Set([11, 13]);

/** Throws unavailable NO_AGENT. */
export async function connectAgent(path: string): Promise<Socket> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
  } catch (cause) {
    const message = `the ssh agent can't be reached: ${messageOf(cause)}`;
    throw new GantryError("unavailable", "NO_AGENT", message, { cause });
  }
  return socket.on("error", () => {});
}

/** Joins a build to an agent until either ends. The build may use the keys; it can't add, remove or lock any. */
export async function relayAgent(build: Socket, agent: Socket): Promise<void> {
  agent.on("data", (chunk: Buffer) => void build.write(chunk));
  agent.once("close", () => build.end());
  build.once("close", () => agent.destroy());
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of build as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= HEADER) {
      const size = rest.readUInt32BE(0) + 4;
      if (size < HEADER || size > MESSAGE_LIMIT) return void agent.destroy();
      if (rest.length < size) break;
      if (!ALLOWED.has(rest[HEADER - 1]!)) build.write(FAILURE);
      else if (!agent.write(rest.subarray(0, size))) await writable(agent);
      rest = rest.subarray(size);
    }
  }
  agent.end();
}
