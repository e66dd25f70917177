import type { BuildEvent as EngineEvent, BuildStep, Miss } from "../base/build-events.ts";
import type { CheckReport } from "../base/build-checks.ts";
import { GantryError } from "../base/errors.ts";
import { offerBuild } from "../client/build-offers.ts";
import type { SentFolder } from "../client/build-session.ts";
import type { Gantry as Client } from "../client/gantry.ts";
import type { BuildOptions as BuildQuery } from "../client/images.ts";
import { connectProgram } from "../drivers/process/programs.ts";
import { intoFile, intoFolder } from "../local/build-outputs.ts";
import { limitedSecret, readSecret } from "../local/build-secrets.ts";
import { type BuildContext, folderContext } from "../local/context.ts";
import { contextKey, namedContexts } from "../local/named-contexts.ts";
import { type Agent, openAgent } from "../local/ssh-agents.ts";
import type { ProgressLine } from "../wire/types/images.ts";
import type { AuthConfig } from "../wire/types/system.ts";
import type { SignalOption } from "./container.ts";
import { chunks } from "./files.ts";
import { checked, type TransferEvent, transferOf } from "./progress-lines.ts";

/** What a build says. dockerd tells steps, output and transfers alone, and no ids of steps. */
export type BuildEvent =
  | { type: "step"; step: number; total: number; instruction: string; id?: string; stage?: string }
  | { type: "output"; text: string; id?: string }
  | ({ type: "transfer" } & TransferEvent)
  /** It is not in the cache; `why` where that was asked for. */
  | { type: "missed"; id: string; why?: Miss }
  | { type: "done"; id: string; cached: boolean; ms: number; bytes?: number }
  | { type: "failed"; id: string; message: string; code?: number; source?: { file: string; line: number } }
  | { type: "warning"; message: string; rule?: string; line?: number }
  | { type: "summary"; image: string; ms: number; size?: number; steps: number; cached: number };

/** A text, bytes, a file of this machine or a variable of this program. */
export type BuildSecret = string | Uint8Array | { file: string } | { env: string };

/** What is made. `dest` of `local` is a folder; of the others a file, or what takes the bytes. */
export type BuildOutput =
  | { type: "image" }
  | { type: "local"; dest: string }
  | { type: "tar" | "oci" | "docker"; dest: string | ((bytes: AsyncIterable<Uint8Array>) => Promise<void>) };

export interface CheckOptions extends SignalOption {
  /** A folder of this machine, or a tar. */
  context: string | AsyncIterable<Uint8Array>;
  /** Path below the context; default Dockerfile. */
  dockerfile?: string;
  args?: Record<string, string>;
  target?: string;
}

export interface BuildOptions extends CheckOptions {
  tags?: string[];
  labels?: Record<string, string>;
  noCache?: boolean;
  /** Stages, by name or number, that don't use the cache. gantryd only, like all below that is not in the classic API. */
  noCacheFilter?: string[];
  /** Tell of each step that is not in the cache why it isn't. */
  why?: boolean;
  /** By id, for RUN --mount=type=secret. */
  secrets?: Record<string, BuildSecret>;
  /** By id, for RUN --mount=type=ssh: an agent's socket, private keys, or `true` for the agent that runs here. */
  ssh?: Record<string, string | string[] | true>;
  /** By name: a folder of this machine, or docker-image://NAME. */
  contexts?: Record<string, string>;
  /** Default: an image. */
  outputs?: BuildOutput[];
  /** Ask the registry for newer base images. */
  pull?: boolean;
  platform?: string;
  network?: string;
  /** Credentials by registry. */
  auths?: Record<string, AuthConfig>;
  /** Further query parameters of POST /build. */
  query?: BuildQuery;
}

export async function* buildImage(client: Client, options: BuildOptions): AsyncGenerator<BuildEvent, string> {
  const { auths, outputs = [], signal } = options;
  const prepared = await prepare(options);
  const named = namedContexts(Object.entries(options.contexts ?? {}), process.cwd());
  const folders = new Map<string, () => SentFolder>([...named.folders].map(([name, { list }]) => [name, list]));
  if (prepared.folder) folders.set("", prepared.folder.list);
  const agents = await openAgents(options.ssh ?? {});
  try {
    const secrets = new Map(Object.entries(options.secrets ?? {}).map(([id, secret]) => [id, bytesOf(id, secret)]));
    const offers = {
      secrets,
      agents: new Map([...agents].map(([id, { socket }]) => [id, socket])),
      folders,
      outputs: outputs.map(writerOf),
    };
    const needed = secrets.size + agents.size + folders.size + outputs.length > 0;
    const session = needed ? await offerBuild(client.transport, offers) : undefined;
    try {
      const query = queryOf(options, prepared, {
        contexts: named.keys,
        ...(outputs.length > 0 && { outputs: outputs.map(({ type }) => ({ Type: type })) }),
        ...(session && { buildsession: session.name }),
        ...(session && prepared.folder && { contextkey: contextKey(prepared.folder.root) }),
      });
      const body = query.contextkey === undefined ? streamOf(prepared.tar) : undefined;
      const hearing = new Hearing();
      let id: string | undefined;
      for await (const line of checked(client.images.build(body, query, auths, signal))) {
        if (typeof line.aux?.["ID"] === "string") id = line.aux["ID"];
        const event = hearing.eventOf(line);
        if (event) yield event;
      }
      if (id === undefined) throw new GantryError("internal", "NO_IMAGE_ID", "the build ended without an image");
      return id;
    } finally {
      session?.close();
    }
  } finally {
    for (const agent of agents.values()) agent.close();
  }
}

export async function checkBuild(client: Client, options: CheckOptions): Promise<CheckReport> {
  const prepared = await prepare(options);
  const { args, target } = options;
  const body = prepared.rules ? Buffer.concat([...prepared.rules]) : Buffer.concat(await arrayOf(prepared.tar));
  return client.images.checkBuild(
    body,
    given({ dockerfile: prepared.dockerfile, buildargs: args, target }),
    options.signal,
  );
}

async function prepare({ context, dockerfile }: CheckOptions): Promise<Omit<BuildContext, "tar"> & { tar: Tar }> {
  if (typeof context !== "string") return { dockerfile: dockerfile ?? "Dockerfile", tar: context };
  return folderContext(context, dockerfile, process.cwd(), () => Promise.resolve(Buffer.alloc(0)));
}

type Tar = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

const streamOf = (tar: Tar): AsyncIterable<Uint8Array> => (Symbol.asyncIterator in tar ? tar : chunks(tar));

async function arrayOf(tar: Tar): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const chunk of tar) all.push(chunk);
  return all;
}

function queryOf(options: BuildOptions, { dockerfile }: { dockerfile: string }, session: BuildQuery): BuildQuery {
  return given({
    dockerfile,
    t: options.tags,
    buildargs: options.args,
    labels: options.labels,
    target: options.target,
    nocache: options.noCache,
    nocachefilter: options.noCacheFilter,
    why: options.why,
    pull: options.pull,
    platform: options.platform,
    networkmode: options.network,
    progress: "events",
    ...session,
    ...options.query,
  });
}

const given = (query: { [K in keyof BuildQuery]?: BuildQuery[K] | undefined }): BuildQuery =>
  Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined));

function bytesOf(id: string, secret: BuildSecret): Buffer {
  if (typeof secret === "string" || secret instanceof Uint8Array) return limitedSecret(id, Buffer.from(secret));
  const source = "file" in secret ? { id, file: secret.file } : { id, variable: secret.env };
  return readSecret(source, { cwd: process.cwd(), env: process.env });
}

async function openAgents(wanted: NonNullable<BuildOptions["ssh"]>): Promise<Map<string, Agent>> {
  const around = {
    cwd: process.cwd(),
    env: process.env,
    connect: async (program: string, args: string[]) => connectProgram(program, args),
  };
  const agents = new Map<string, Agent>();
  try {
    for (const [id, paths] of Object.entries(wanted)) {
      agents.set(id, await openAgent({ id, paths: paths === true ? [] : [paths].flat() }, around));
    }
    return agents;
  } catch (error) {
    for (const agent of agents.values()) agent.close();
    throw error;
  }
}

function writerOf(output: BuildOutput): ((bytes: AsyncIterable<Buffer>) => Promise<void>) | undefined {
  if (output.type === "image") return undefined;
  if (output.type === "local") return (bytes) => intoFolder(output.dest, bytes);
  const { dest } = output;
  return typeof dest === "string" ? (bytes) => intoFile(dest, bytes) : dest;
}

/** Makes the SDK's events of an engine's lines. */
class Hearing {
  private readonly steps = new Map<string, BuildStep>();

  eventOf(line: ProgressLine): BuildEvent | undefined {
    if (line.build !== undefined) return this.ofEngine(line.build);
    if (line.status !== undefined) return { type: "transfer", ...transferOf(line) };
    if (line.stream === undefined) return undefined;
    const step = /^Step (\d+)\/(\d+) : (.*)$/s.exec(line.stream.trimEnd());
    if (step) return { type: "step", step: Number(step[1]), total: Number(step[2]), instruction: step[3] as string };
    return { type: "output", text: line.stream };
  }

  private ofEngine(event: EngineEvent): BuildEvent | undefined {
    switch (event.kind) {
      case "planned":
        for (const step of event.steps) this.steps.set(step.id, step);
        return undefined;
      case "started": {
        const { id, number, total, name, stage } = this.steps.get(event.step)!;
        const named = stage?.name === undefined ? {} : { stage: stage.name };
        return { type: "step", id, step: number, total, instruction: name, ...named };
      }
      case "output":
        return { type: "output", id: event.step, text: event.text };
      case "transfer":
        return { type: "transfer", ...transferOf(event.progress) };
      case "missed": {
        const { kind: type, step: id, ...rest } = event;
        return { type, id, ...rest };
      }
      case "done": {
        const { cached, ms, bytes } = event;
        return { type: "done", id: event.step, cached, ms, ...(bytes !== undefined && { bytes }) };
      }
      case "failed": {
        const { message, code, source } = event;
        const more = { ...(code !== undefined && { code }), ...(source && { source }) };
        return { type: "failed", id: event.step, message, ...more };
      }
      case "warning": {
        const { message, rule, line } = event;
        return { type: "warning", message, ...(rule !== undefined && { rule }), ...(line !== undefined && { line }) };
      }
      case "summary": {
        const { image, ms, size, steps, cached } = event;
        return { type: "summary", image, ms, steps, cached, ...(size !== undefined && { size }) };
      }
      default:
        return undefined;
    }
  }
}
