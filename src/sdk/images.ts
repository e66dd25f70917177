import type { CheckReport } from "../base/build-checks.ts";
import { GantryError } from "../base/errors.ts";
import { familiarName, familiarRepository, parseReference, withDefaultTag } from "../base/reference.ts";
import type { Gantry as Client } from "../client/gantry.ts";
import type { ImageExplanation } from "../wire/types/explain.ts";
import type {
  DistributionInspect,
  ImageDeleteItem,
  ImageHistoryItem,
  ImageInspect,
  ImageSearchResult,
  ImageSummary,
} from "../wire/types/images.ts";
import type { AuthConfig } from "../wire/types/system.ts";
import type { SignalOption } from "./container.ts";
import { type BuildEvent, buildImage, type BuildOptions, checkBuild, type CheckOptions } from "./builds.ts";
import { checked, type TransferEvent, transferOf } from "./progress-lines.ts";
import { Task } from "./task.ts";

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

  /** Builds an image; the result is its id ("" where the outputs keep no image). */
  build(options: BuildOptions): Task<BuildEvent, string> {
    return new Task(() => buildImage(this.client, options));
  }

  /** What Docker's build checks say of a Dockerfile; nothing is built. gantryd only. */
  check(options: CheckOptions): Promise<CheckReport> {
    return checkBuild(this.client, options);
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
