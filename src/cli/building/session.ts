import type { BuildSessionHandle } from "../../client/build-session.ts";
import { type BuildOffers, offerBuild } from "../../client/build-offers.ts";
import { errnoOf } from "../../base/errors.ts";
import { readSecret, type SecretSource } from "../../local/build-secrets.ts";
import { type Agent, type AgentSource, openAgent } from "../../local/ssh-agents.ts";
import type { Context } from "../command.ts";
import { fileError } from "../file-errors.ts";
import type { Programs } from "../programs.ts";

/** What the command line offers a build. */
export interface Offers extends Pick<BuildOffers, "folders" | "outputs" | "caches"> {
  secrets: SecretSource[];
  agents: AgentSource[];
}

/** Stays by a build. What can't be read is said before anything is built. undefined: see offerBuild. */
export async function offer(context: Context, offers: Offers): Promise<BuildSessionHandle | undefined> {
  const { cwd, env } = context;
  const secrets = new Map<string, Buffer>();
  for (const source of offers.secrets) secrets.set(source.id, await named(() => readSecret(source, context)));
  const agents = new Map<string, Agent>();
  const close = (): void => {
    for (const agent of agents.values()) agent.close();
  };
  const connect = async (program: string, args: string[]): ReturnType<Programs["connect"]> =>
    (await context.programs()).connect(program, args);
  try {
    for (const source of offers.agents) {
      agents.set(source.id, await named(() => openAgent(source, { cwd, env, connect })));
    }
    const sockets = new Map([...agents].map(([id, { socket }]) => [id, socket]));
    const session = await offerBuild((await context.engine()).transport, { ...offers, secrets, agents: sockets });
    if (session === undefined) return undefined;
    return {
      name: session.name,
      close: () => {
        session.close();
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** A file's error in the words of the command line. */
async function named<T>(read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const { path } = error as NodeJS.ErrnoException;
    throw errnoOf(error) !== undefined && path ? fileError("open", path, error) : error;
  }
}
