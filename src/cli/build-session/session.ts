import type { SessionWish } from "../../base/build-session.ts";
import { GantryError, isGantryError } from "../../base/errors.ts";
import type { BuildSessionHandle, Grant, SentFolder } from "../../client/build-session.ts";
import type { Context } from "../command.ts";
import type { CacheFolders } from "./cache.ts";
import { type Agent, type AgentSource, openAgent } from "./agents.ts";
import { readSecret, type SecretSource } from "./secrets.ts";

/** What a build may ask for. */
export interface Offers {
  secrets: SecretSource[];
  agents: AgentSource[];
  /** By name; "" is the build's context. */
  folders: ReadonlyMap<string, () => SentFolder>;
  caches: CacheFolders;
  /** What writes each output; undefined for those that stay with the engine. */
  outputs: (((bytes: AsyncIterable<Buffer>) => Promise<void>) | undefined)[];
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
    const granter = new Granter(offers, secrets, agents);
    const session = await openBuildSession((await context.engine()).transport, async (wish) => granter.grant(wish));
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
    const needed = [...secrets.keys(), ...agents.keys(), ...offers.outputs.filter(Boolean)];
    if (needed.length === 0 && !offers.caches.any && [...offers.folders.keys()].every((name) => name === ""))
      return undefined;
    throw new GantryError(
      "notImplemented",
      "NO_SESSIONS",
      "this engine takes no secrets, ssh agents, named contexts, outputs or folders of caches",
      {
        hint: "they need gantryd",
      },
    );
  }
}

type Serve = Awaited<ReturnType<Grant>>;

/** Says of each wish how it is granted. */
class Granter {
  private readonly offers: Offers;
  private readonly secrets: ReadonlyMap<string, Buffer>;
  private readonly agents: ReadonlyMap<string, Agent>;

  constructor(offers: Offers, secrets: ReadonlyMap<string, Buffer>, agents: ReadonlyMap<string, Agent>) {
    this.offers = offers;
    this.secrets = secrets;
    this.agents = agents;
  }

  grant(wish: SessionWish): Promise<Serve> | Serve {
    if (wish.kind === "secret") return this.secret(wish.id);
    if (wish.kind === "agent") return this.agent(wish.id);
    if (wish.kind === "cacheFile") return this.cacheFile(wish.folder, wish.path);
    if (wish.kind === "context") return this.folder(wish.name);
    return wish.kind === "output"
      ? taking(this.offers.outputs[wish.position], `output ${wish.position}`, "--output")
      : taking(this.offers.caches.writer(wish.folder), wish.folder, `--cache-to type=local,dest=${wish.folder}`);
  }

  private secret(id: string): Serve {
    const data = this.secrets.get(id);
    if (data === undefined) throw notOffered(`secret ${id}`, `--secret id=${id},src=FILE`);
    const size = Buffer.alloc(4);
    size.writeUInt32BE(data.length);
    return async (connection) => void connection.end(Buffer.concat([size, data]));
  }

  private async agent(id: string): Promise<Serve> {
    const agent = this.agents.get(id);
    if (agent === undefined) throw notOffered(`ssh agent ${id}`, `--ssh ${id}`);
    const { connectAgent, relayAgent } = await import("../../client/ssh-agent.ts");
    const socket = await connectAgent(agent.socket);
    return (connection) => relayAgent(connection, socket);
  }

  private async folder(name: string): Promise<Serve> {
    const folder = this.offers.folders.get(name);
    if (folder === undefined) throw notOffered(`context ${name}`, `--build-context ${name}=PATH`);
    const { sendFolder } = await import("../../client/build-session.ts");
    const listed = folder();
    return (connection) => sendFolder(connection, listed);
  }

  private async cacheFile(folder: string, path: string): Promise<Serve> {
    const bytes = this.offers.caches.file(folder, path);
    if (bytes === undefined) throw notOffered(`${path} of ${folder}`, `--cache-from type=local,src=${folder}`);
    const { pipeline } = await import("node:stream/promises");
    return (connection) => pipeline(bytes, connection);
  }
}

async function taking(write: Offers["outputs"][number], what: string, flag: string): Promise<Serve> {
  if (write === undefined) throw notOffered(what, flag);
  const { takeOutput } = await import("../../client/build-session.ts");
  return (connection) => takeOutput(connection, write);
}

const notOffered = (what: string, flag: string): GantryError =>
  new GantryError("notFound", "NOT_OFFERED", `${what} was not given: add ${flag}`);
