import type { SessionWish } from "../../base/build-session.ts";
import { GantryError, isGantryError } from "../../base/errors.ts";
import type { BuildSessionHandle, Grant, SentFolder } from "../../client/build-session.ts";
import type { Context } from "../command.ts";
import { type Agent, type AgentSource, openAgent } from "./agents.ts";
import { readSecret, type SecretSource } from "./secrets.ts";

/** What a build may ask for. */
export interface Offers {
  secrets: SecretSource[];
  agents: AgentSource[];
  /** By name; "" is the build's context. */
  folders: ReadonlyMap<string, () => SentFolder>;
}

/** Stays by a build. Undefined: the engine knows no sessions (dockerd), and nothing is offered that needs one. */
export async function offer(context: Context, offers: Offers): Promise<BuildSessionHandle | undefined> {
  // What can't be read is said before anything is built.
  const secrets = new Map(offers.secrets.map((source) => [source.id, readSecret(source, context)]));
  const agents = new Map<string, Agent>();
  const close = (): void => {
    for (const agent of agents.values()) agent.close();
  };
  try {
    for (const source of offers.agents) agents.set(source.id, await openAgent(context, source));
    const { openBuildSession } = await import("../../client/build-session.ts");
    const session = await openBuildSession(
      (await context.engine()).transport,
      granter(secrets, agents, offers.folders),
    );
    return {
      name: session.name,
      close: () => {
        session.close();
        close();
      },
    };
  } catch (error) {
    close();
    if (!isGantryError(error) || error.details?.["status"] !== 404) throw error;
    if (secrets.size + agents.size + offers.folders.size <= 1) return undefined;
    throw new GantryError(
      "notImplemented",
      "NO_SESSIONS",
      "this engine takes no secrets, ssh agents or named contexts",
      {
        hint: "they need gantryd",
      },
    );
  }
}

const granter =
  (secrets: ReadonlyMap<string, Buffer>, agents: ReadonlyMap<string, Agent>, folders: Offers["folders"]): Grant =>
  async (wish: SessionWish) => {
    if (wish.kind === "secret") {
      const data = secrets.get(wish.id);
      if (data === undefined) throw notOffered(`secret ${wish.id}`, `--secret id=${wish.id},src=FILE`);
      const size = Buffer.alloc(4);
      size.writeUInt32BE(data.length);
      return async (connection) => void connection.end(Buffer.concat([size, data]));
    }
    if (wish.kind === "agent") {
      const agent = agents.get(wish.id);
      if (agent === undefined) throw notOffered(`ssh agent ${wish.id}`, `--ssh ${wish.id}`);
      const { connectAgent, relayAgent } = await import("../../client/ssh-agent.ts");
      const socket = await connectAgent(agent.socket);
      return (connection) => relayAgent(connection, socket);
    }
    const folder = folders.get(wish.name);
    if (folder === undefined) throw notOffered(`context ${wish.name}`, `--build-context ${wish.name}=PATH`);
    const { sendFolder } = await import("../../client/build-session.ts");
    const listed = folder();
    return (connection) => sendFolder(connection, listed);
  };

const notOffered = (what: string, flag: string): GantryError =>
  new GantryError("notFound", "NOT_OFFERED", `${what} was not given: add ${flag}`);
