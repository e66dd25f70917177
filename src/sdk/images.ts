import { type ErrorKind, GantryError } from "../base/errors.ts";
import { familiarName, familiarRepository, parseReference, withDefaultTag } from "../base/reference.ts";
import type { Gantry as Client } from "../client/gantry.ts";
import type { BuildOptions as BuildQuery } from "../client/images.ts";
import { folderContext } from "../local/context.ts";
import type { ImageExplanation } from "../wire/types/explain.ts";
import type {
  DistributionInspect,
  ImageDeleteItem,
  ImageHistoryItem,
  ImageInspect,
  ImageSearchResult,
  ImageSummary,
  ProgressLine,
} from "../wire/types/images.ts";
import type { AuthConfig } from "../wire/types/system.ts";
import type { SignalOption } from "./container.ts";
import { chunks } from "./files.ts";
import { Task } from "./task.ts";

/** How far a pull, push, load or import is. */
export interface TransferEvent {
  /** A layer's short id, where the event is about one. */
  id?: string;
  /** "Downloading", "Pull complete" … */
  status: string;
  /** Bytes so far, and of all where that is known. */
  current?: number;
  total?: number;
}

/** What a build says. */
export type BuildEvent =
  | { type: "step"; step: number; total: number; instruction: string }
  | { type: "output"; text: string }
  | ({ type: "transfer" } & TransferEvent);

export interface TransferOptions extends SignalOption {
  /** "linux/arm64" */
  platform?: string;
  auth?: AuthConfig;
}

export interface ImportOptions extends SignalOption {
  /** The image's new name. */
  name?: string;
  message?: string;
  /** Dockerfile instructions such as `CMD ["sh"]`. */
  changes?: string[];
  /** "linux/arm64" */
  platform?: string;
}

export interface BuildOptions extends SignalOption {
  /** A folder of this machine, or a tar. */
  context: string | AsyncIterable<Uint8Array>;
  /** Path below the context; default Dockerfile. */
  dockerfile?: string;
  tags?: string[];
  args?: Record<string, string>;
  labels?: Record<string, string>;
  target?: string;
  noCache?: boolean;
  /** Ask the registry for newer base images. */
  pull?: boolean;
  platform?: string;
  network?: string;
  /** Credentials by registry. */
  auths?: Record<string, AuthConfig>;
  /** Further query parameters of POST /build. */
  query?: BuildQuery;
}

export class Images {
  private readonly client: Client;

  /** @internal */
  constructor(client: Client) {
    this.client = client;
  }

  list(options: SignalOption & { all?: boolean; filters?: Record<string, string[]> } = {}): Promise<ImageSummary[]> {
    const { signal, ...rest } = options;
    return this.client.images.list(rest, signal);
  }

  inspect(name: string, options: SignalOption = {}): Promise<ImageInspect> {
    return this.client.images.inspect(name, options.signal);
  }

  /** What it is made of: its config, and its layers with what each added. */
  explain(name: string, options: SignalOption = {}): Promise<ImageExplanation> {
    return this.client.images.explain(name, options.signal);
  }

  /** True if the engine has it. */
  async has(name: string, options: SignalOption = {}): Promise<boolean> {
    try {
      await this.inspect(name, options);
      return true;
    } catch (error) {
      if (error instanceof GantryError && error.kind === "notFound") return false;
      throw error;
    }
  }

  history(name: string, options: SignalOption = {}): Promise<ImageHistoryItem[]> {
    return this.client.images.history(name, {}, options.signal);
  }

  /** Gives it one more name. */
  async tag(name: string, newName: string, options: SignalOption = {}): Promise<void> {
    const reference = withDefaultTag(parseReference(newName));
    await this.client.images.tag(name, familiarRepository(reference), reference.tag ?? "", options.signal);
  }

  /** `noPrune`: leave its untagged parents. */
  remove(
    name: string,
    options: SignalOption & { force?: boolean; noPrune?: boolean } = {},
  ): Promise<ImageDeleteItem[]> {
    const { force, noPrune, signal } = options;
    return this.client.images.remove(name, { force, noprune: noPrune }, signal);
  }

  /** Downloads an image; the result is its description. */
  pull(name: string, options: TransferOptions = {}): Task<TransferEvent, ImageInspect> {
    const { platform, auth, signal } = options;
    return new Task(
      async function* (this: Images) {
        const reference = withDefaultTag(parseReference(name));
        const from = familiarRepository(reference);
        const lines = this.client.images.pull(
          from,
          reference.digest ?? reference.tag ?? "",
          { platform, auth },
          signal,
        );
        for await (const line of checked(lines)) yield transferOf(line);
        return await this.inspect(familiarName(reference), { signal });
      }.bind(this),
    );
  }

  /** Uploads an image; the result is the digest of what the registry has now, if it said so. */
  push(name: string, options: TransferOptions = {}): Task<TransferEvent, string | undefined> {
    const { auth, signal } = options;
    return new Task(
      async function* (this: Images) {
        const reference = withDefaultTag(parseReference(name));
        let digest: string | undefined;
        const lines = this.client.images.push(familiarRepository(reference), reference.tag ?? "", { auth }, signal);
        for await (const line of checked(lines)) {
          if (typeof line.aux?.["Digest"] === "string") digest = line.aux["Digest"];
          if (line.status !== undefined) yield transferOf(line);
        }
        return digest;
      }.bind(this),
    );
  }

  /** Builds an image; the result is its id. */
  build(options: BuildOptions): Task<BuildEvent, string> {
    return new Task(
      async function* (this: Images) {
        let id: string | undefined;
        for await (const line of checked(await this.buildLines(options))) {
          if (typeof line.aux?.["ID"] === "string") id = line.aux["ID"];
          const event = buildEventOf(line);
          if (event) yield event;
        }
        if (id === undefined) throw new GantryError("internal", "NO_IMAGE_ID", "the build ended without an image");
        return id;
      }.bind(this),
    );
  }

  private async buildLines(options: BuildOptions): Promise<AsyncGenerator<ProgressLine>> {
    const { context, auths, signal } = options;
    const prepared =
      typeof context === "string"
        ? await folderContext(context, options.dockerfile, process.cwd(), () => Promise.resolve(Buffer.alloc(0)))
        : { dockerfile: options.dockerfile ?? "Dockerfile", tar: context };
    const tar = Symbol.asyncIterator in prepared.tar ? prepared.tar : chunks(prepared.tar);
    const query: BuildQuery = {
      dockerfile: prepared.dockerfile,
      t: options.tags,
      buildargs: options.args,
      labels: options.labels,
      target: options.target,
      nocache: options.noCache,
      pull: options.pull,
      platform: options.platform,
      networkmode: options.network,
      ...options.query,
    };
    const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined));
    return this.client.images.build(tar, given, auths, signal);
  }

  /** Takes in what `save` gave; the result is the names or ids it brought. */
  load(tar: AsyncIterable<Uint8Array>, options: SignalOption = {}): Task<TransferEvent, string[]> {
    return new Task(
      async function* (this: Images) {
        const loaded: string[] = [];
        for await (const line of checked(this.client.images.load(tar, {}, options.signal))) {
          const found = /^Loaded image(?: ID)?: (.*)$/m.exec(line.stream ?? "");
          if (found?.[1]) loaded.push(found[1]);
          else if (line.status !== undefined) yield transferOf(line);
        }
        return loaded;
      }.bind(this),
    );
  }

  /** Makes an image of one layer out of a tar of files; the result is its id. */
  import(tar: AsyncIterable<Uint8Array>, options: ImportOptions = {}): Task<TransferEvent, string> {
    const { signal, name, ...rest } = options;
    return new Task(
      async function* (this: Images) {
        const reference = name === undefined ? undefined : withDefaultTag(parseReference(name));
        const named = reference && { repo: familiarRepository(reference), tag: reference.tag };
        let id: string | undefined;
        for await (const line of checked(this.client.images.import("-", { ...rest, ...named }, tar, signal))) {
          if (line.status?.startsWith("sha256:")) id = line.status.trim();
          else yield transferOf(line);
        }
        if (id === undefined) throw new GantryError("internal", "NO_IMAGE_ID", "the import ended without an image");
        return id;
      }.bind(this),
    );
  }

  /** Images with their names and layers, as a tar. */
  save(names: string | string[], options: SignalOption = {}): Promise<AsyncGenerator<Buffer>> {
    return this.client.images.save([names].flat(), {}, options.signal);
  }

  /** Removes images that nothing uses. */
  async prune(
    options: SignalOption & { filters?: Record<string, string[]> } = {},
  ): Promise<{ deleted: ImageDeleteItem[]; reclaimed: number }> {
    const { ImagesDeleted, SpaceReclaimed } = await this.client.images.prune(options.filters, options.signal);
    return { deleted: ImagesDeleted ?? [], reclaimed: SpaceReclaimed };
  }

  /** Removes what builds left for later ones. `all`: also what an image still shares. */
  async pruneBuildCache(
    options: SignalOption & { all?: boolean; filters?: Record<string, string[]> } = {},
  ): Promise<{ deleted: string[]; reclaimed: number }> {
    const { signal, ...rest } = options;
    const { CachesDeleted, SpaceReclaimed } = await this.client.images.pruneBuildCache(rest, signal);
    return { deleted: CachesDeleted ?? [], reclaimed: SpaceReclaimed };
  }

  /** What the registry has under a name, without pulling it. */
  manifest(name: string, options: SignalOption & { auth?: AuthConfig } = {}): Promise<DistributionInspect> {
    return this.client.images.distribution(name, { auth: options.auth }, options.signal);
  }

  /** Looks for images on Docker Hub; not every engine can. */
  search(
    term: string,
    options: SignalOption & { limit?: number; filters?: Record<string, string[]> } = {},
  ): Promise<ImageSearchResult[]> {
    const { signal, ...rest } = options;
    return this.client.images.search(term, rest, signal);
  }

  /** Makes a base image without a registry: busybox or debian:SUITE. gantryd only. */
  bootstrap(name: string, options: SignalOption & { mirror?: string } = {}): Task<TransferEvent, ImageInspect> {
    const { signal, ...rest } = options;
    return new Task(
      async function* (this: Images) {
        for await (const line of checked(this.client.images.bootstrap(name, rest, signal))) yield transferOf(line);
        return await this.inspect(name, { signal });
      }.bind(this),
    );
  }
}

/** Passes the lines on; one that tells of an error is thrown. */
async function* checked(lines: AsyncIterable<ProgressLine>): AsyncGenerator<ProgressLine> {
  for await (const line of lines) {
    const { error, errorDetail } = line;
    if (error === undefined && errorDetail === undefined) {
      yield line;
      continue;
    }
    throw streamError(errorDetail ?? { message: error ?? "" });
  }
}

/** gantryd says the kind itself; of dockerd's errors the words tell, as far as they are known. */
function streamError({ message, hint, code, kind, reason }: NonNullable<ProgressLine["errorDetail"]>): GantryError {
  const [, ...guessed] = KINDS.find(([words]) => words.test(message)) ?? [/./, "internal", "DAEMON_ERROR"];
  const details = code === undefined ? undefined : { exitCode: code };
  return new GantryError(kind ?? guessed[0], reason ?? guessed[1], message, { hint, details });
}

const KINDS: [words: RegExp, kind: ErrorKind, code: string][] = [
  [/returned a non-zero code/, "invalid", "RUN_FAILED"],
  [/unauthorized|authentication required|no basic auth credentials/i, "unauthorized", "REGISTRY_DENIED"],
  [/denied/i, "forbidden", "REGISTRY_DENIED"],
  [/manifest unknown|not found|does not exist|no such/i, "notFound", "NOT_FOUND"],
  [/cancell?ed/i, "canceled", "CANCELED"],
  [/dial tcp|connection refused|timeout|TLS handshake/i, "unavailable", "REGISTRY_UNREACHABLE"],
  [/dockerfile parse error|unknown instruction|failed to parse|invalid/i, "invalid", "BAD_REQUEST"],
];

const transferOf = ({ id, status, stream, progressDetail }: ProgressLine): TransferEvent => ({
  status: status ?? stream?.trimEnd() ?? "",
  ...(id === undefined ? {} : { id }),
  ...(progressDetail?.current === undefined ? {} : { current: progressDetail.current }),
  ...(progressDetail?.total === undefined ? {} : { total: progressDetail.total }),
});

function buildEventOf(line: ProgressLine): BuildEvent | undefined {
  if (line.status !== undefined) return { type: "transfer", ...transferOf(line) };
  if (line.stream === undefined) return undefined;
  const step = /^Step (\d+)\/(\d+) : (.*)$/s.exec(line.stream.trimEnd());
  if (step) return { type: "step", step: Number(step[1]), total: Number(step[2]), instruction: step[3] as string };
  return { type: "output", text: line.stream };
}
