import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { GantryError, isGantryError } from "../base/errors.ts";
import type { SessionWish } from "../base/build-session.ts";
import type { BuildContext } from "./context.ts";
import type { RunMount } from "./host.ts";
import { inWorkingDir } from "./metadata.ts";
import type { MountFlag } from "./parse/instruction.ts";
import type { StageState } from "./stage-state.ts";

const SECRETS = "/run/secrets";
const SECRET_MODE = 0o400;
const SECRET_LIMIT = 500 * 1024;
/** A secret comes with its length (32 bits, big-endian) before it. */
const PREFIX = 4;
const AGENTS = "/run/buildkit";
const AGENT_MODE = 0o600;

/** What a RUN is lent for as long as it runs; none of it counts for the cache. */
export interface Lent {
  mounts: RunMount[];
  /** "NAME=value" */
  env: string[];
}

/**
 * Secrets and agents of the client's, as RUN `--mount=type=secret` and `type=ssh` ask for them. What is not required and
 * not offered is left out. Throws invalid SECRET_MISSING, AGENT_MISSING; unavailable SESSION_FAILED.
 */
export async function lend(context: BuildContext, state: StageState, flags: readonly MountFlag[]): Promise<Lent> {
  const lent: Lent = { mounts: [], env: [] };
  for (const flag of flags) {
    if (flag.type === "secret") await lendSecret(lent, context, state, flag);
    if (flag.type === "ssh") await lendAgent(lent, context, state, flag);
  }
  return lent;
}

async function lendSecret(lent: Lent, context: BuildContext, state: StageState, flag: MountFlag): Promise<void> {
  const id = flag.id ?? flag.target?.split("/").at(-1) ?? "";
  const connection = await granted(context, { kind: "secret", id }, flag.required);
  if (connection === undefined) return;
  const data = await bytesOf(connection, id);
  if (flag.env !== undefined) lent.env.push(`${flag.env}=${data.toString("utf8")}`);
  if (flag.env !== undefined && flag.target === undefined) return;
  const { uid = 0, gid = 0, mode = SECRET_MODE } = flag;
  const target = inWorkingDir(state.config, flag.target ?? `${SECRETS}/${id}`);
  lent.mounts.push({ type: "secret", target, data, uid, gid, mode });
}

async function lendAgent(lent: Lent, context: BuildContext, state: StageState, flag: MountFlag): Promise<void> {
  const id = flag.id ?? "default";
  const wish: SessionWish = { kind: "agent", id };
  // Asked once beforehand, so that a missing one is told as such and not as a socket that leads nowhere.
  const connection = await granted(context, wish, flag.required);
  if (connection === undefined) return;
  connection.destroy();
  const { uid = 0, gid = 0, mode = AGENT_MODE } = flag;
  const number = lent.mounts.filter((mount) => mount.type === "agent").length;
  const target = inWorkingDir(state.config, flag.target ?? `${AGENTS}/ssh_agent.${number}`);
  const onConnection = (inside: Duplex): void => {
    granted(context, wish, true).then(
      (outside) => outside && join(inside, outside),
      () => inside.destroy(),
    );
  };
  lent.mounts.push({ type: "agent", target, uid, gid, mode, onConnection });
  if (number === 0) lent.env.push(`SSH_AUTH_SOCK=${target}`);
}

/** Undefined: not offered, and not required. */
async function granted(context: BuildContext, wish: SessionWish, required: boolean): Promise<Duplex | undefined> {
  const { request, signal } = context;
  try {
    if (request.session) return await request.session.open(wish, signal);
  } catch (error) {
    if (!isGantryError(error, "NOT_OFFERED")) throw error;
  }
  if (!required) return undefined;
  if (wish.kind === "secret") {
    throw new GantryError("invalid", "SECRET_MISSING", `secret ${wish.id}: not found`, {
      hint: `give it to the build: gantry build --secret id=${wish.id},src=FILE …`,
    });
  }
  throw new GantryError("invalid", "AGENT_MISSING", "ssh agent: no agent was forwarded to this build", {
    hint: "forward yours: gantry build --ssh default …",
  });
}

async function bytesOf(connection: Duplex, id: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of connection as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > SECRET_LIMIT + PREFIX) {
      throw new GantryError("invalid", "SECRET_TOO_LARGE", `secret ${id} is larger than ${SECRET_LIMIT / 1024} KiB`);
    }
    chunks.push(chunk);
  }
  connection.destroy();
  const all = Buffer.concat(chunks);
  if (size >= PREFIX && all.readUInt32BE(0) === size - PREFIX) return all.subarray(PREFIX);
  throw new GantryError("unavailable", "SESSION_FAILED", `secret ${id} did not come whole`);
}

/** Until either side ends; how it ended matters to nobody. */
function join(a: Duplex, b: Duplex): void {
  Promise.all([pipeline(a, b), pipeline(b, a)]).catch(() => {
    a.destroy();
    b.destroy();
  });
}
