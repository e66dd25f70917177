import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { Socket } from "node:net";
import { once } from "node:events";
import { GantryError } from "../base/errors.ts";

/** The agent that runs here, another one's socket, or private keys. */
export interface AgentSource {
  id: string;
  paths: string[];
}

/** An agent to be asked, until `close`. */
export interface Agent {
  socket: string;
  close(): void;
}

interface Surroundings {
  cwd: string;
  env: Record<string, string | undefined>;
  /** A program as a connection: its stdin and stdout; it ends with the connection. */
  connect(program: string, args: string[]): Promise<Socket>;
}

/** Checks the paths and starts an agent for those that are keys. Throws invalid NO_AGENT, BAD_AGENT; the file system's errors. */
export async function openAgent({ id, paths }: AgentSource, { cwd, env, connect }: Surroundings): Promise<Agent> {
  if (paths.length === 0) {
    const socket = env["SSH_AUTH_SOCK"];
    if (socket) return { socket, close: () => {} };
    throw new GantryError("invalid", "NO_AGENT", `ssh ${id}: no ssh agent runs here (SSH_AUTH_SOCK is not set)`, {
      hint: `name a key: --ssh ${id}=$HOME/.ssh/id_ed25519`,
    });
  }
  const files = paths.map((path) => resolve(cwd, path));
  const sockets = files.filter((path) => statSync(path).isSocket());
  if (sockets.length === 0) return agentFor(connect, files);
  const [socket, ...others] = files;
  if (others.length === 0 && socket !== undefined) return { socket, close: () => {} };
  throw new GantryError("invalid", "BAD_AGENT", `ssh ${id}: only single socket allowed`);
}

const SCRIPT = `trap 'kill "$SSH_AGENT_PID"' EXIT; trap exit TERM
ssh-add -q "$@" </dev/null 1>&2 && echo "$SSH_AUTH_SOCK" && cat >/dev/null`;

/** An agent of its own, which ends once nobody holds its script's stdin. */
async function agentFor(connect: Surroundings["connect"], keys: string[]): Promise<Agent> {
  const connection = await connect("ssh-agent", ["sh", "-c", SCRIPT, "sh", ...keys]);
  const socket = await firstLine(connection);
  if (socket !== "") return { socket, close: () => void connection.destroy() };
  connection.destroy();
  throw new GantryError("invalid", "BAD_AGENT", `ssh-add takes none of ${keys.join(", ")}`, {
    hint: "a key with a passphrase has to be in the agent that runs here: ssh-add FILE, then --ssh default",
  });
}

async function firstLine(connection: Socket): Promise<string> {
  let text = "";
  connection.on("data", (chunk: Buffer) => {
    text += chunk.toString("utf8");
    if (text.includes("\n")) connection.emit("line");
  });
  await Promise.race([once(connection, "line"), once(connection, "end")]);
  return text.split("\n", 1)[0] ?? "";
}
