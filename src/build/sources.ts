import { GantryError, isGantryError, prefixed } from "../base/errors.ts";
import type { Digest, Platform } from "../base/image-config.ts";
import type { OnProgress } from "../base/progress.ts";
import { platformOf, runsOn } from "../base/platform.ts";
import { imagePurl } from "../engine/images/envelope.ts";
import { parseReference, withDefaultTag } from "../base/reference.ts";
import type { Material } from "./materials.ts";
import type { ImageRecord } from "../engine/images/contract.ts";
import type { BuildContext, SourceTree } from "./context.ts";
import { ClientFolder, fetchFolder, type FolderWish } from "./client-folders.ts";
import type { DoneStep } from "./exported-steps.ts";
import { fetchRemote } from "./remote-context.ts";
import type { BuildHost } from "./host.ts";
import type { BuildScope } from "./scope.ts";
import { type StageState, stateOf } from "./stage-state.ts";
import { type Base, sourceOf } from "./stage-sources.ts";
import type { BuildPlan } from "./stages.ts";

/** A stage that is built. */
export interface StageResult {
  state: StageState;
  /** The last of its steps, or of those below it, that was not in the cache. */
  missed?: string;
  /** The words behind its FROM and the id of that image. */
  from: readonly [name: string, id: string];
  /** All that it is made of above its image, bottom first. */
  steps: readonly DoneStep[];
}

/** Where stages and COPY --from get their files: images, other stages and the context. */
export class Sources {
  private readonly host: BuildHost;
  private readonly context: BuildContext;
  private readonly plan: BuildPlan;
  private readonly scope: BuildScope;
  private readonly stages: ReadonlyMap<number, Promise<StageResult>>;
  private readonly images = new Map<string, Promise<ImageRecord>>();
  private readonly trees = new Map<string, SourceTree>();

  constructor(
    host: BuildHost,
    context: BuildContext,
    plan: BuildPlan,
    scope: BuildScope,
    stages: ReadonlyMap<number, Promise<StageResult>>,
  ) {
    this.host = host;
    this.context = context;
    this.plan = plan;
    this.scope = scope;
    this.stages = stages;
  }

  /** Waits until the stage is built. */
  async stage(index: number): Promise<StageResult> {
    const result = this.stages.get(index);
    if (result !== undefined) return result;
    const name = this.plan.stages[index]?.name ?? String(index);
    throw new GantryError("invalid", "BAD_STAGE", `stage ${name} is not part of this build`, {
      hint: "a trigger of the base image asks for it: name it in a COPY --from of this Dockerfile too",
    });
  }

  /** The image from here or, failing that (or with --pull), from its registry; once a build. Its layers are held. */
  image(reference: string, wanted: Platform | undefined, onProgress: OnProgress): Promise<ImageRecord> {
    const platform = wanted ?? this.context.request.platform;
    const key = JSON.stringify([reference, platform]);
    const image = this.images.get(key) ?? this.find(reference, platform, onProgress);
    this.images.set(key, image);
    return image;
  }

  private async find(reference: string, platform: Platform | undefined, onProgress: OnProgress): Promise<ImageRecord> {
    const { request, signal } = this.context;
    const found =
      (request.pull ? undefined : this.localImage(reference, platform)) ??
      (await this.host.pull(reference, {
        auth: request.auth,
        onProgress,
        signal,
        ...(platform === undefined ? {} : { platform }),
      }));
    await this.scope.hold(found.chain);
    this.context.materials.add(this.materialOf(reference, found));
    return found;
  }

  /** By the digest that its registry knows; an image that none has goes by its id. */
  private materialOf(reference: string, { id, config }: ImageRecord): Material {
    if (/^(?:sha256:)?[0-9a-f]{64}$/.test(reference))
      return { uri: `urn:oci:image:${id}`, digest: { sha256: id.slice(7) } };
    const name = withDefaultTag(parseReference(reference));
    const digest = name.digest ?? this.host.images.digestsIn(id, name)[0] ?? id;
    return { uri: imagePurl(name, platformOf(config)), digest: { sha256: digest.slice(7) } };
  }

  isHere(id: string): boolean {
    return this.localImage(id, undefined) !== undefined;
  }

  private localImage(reference: string, platform: Platform | undefined): ImageRecord | undefined {
    try {
      const found = this.host.images.resolve(reference);
      return platform === undefined || runsOn(platform, found.config) ? found : undefined;
    } catch (error) {
      if (isGantryError(error, "NO_SUCH_IMAGE")) return undefined;
      throw error;
    }
  }

  /** What `--from` names; the context when undefined. */
  tree(from: string | undefined, onProgress: OnProgress): SourceTree {
    if (from === undefined) return this.context.tree;
    const base = sourceOf(from, this.plan.stages, this.plan.contexts);
    const key = JSON.stringify(base);
    const known = this.trees.get(key);
    if (known) return known;
    const tree = this.treeOf(base, onProgress);
    this.trees.set(key, tree);
    return tree;
  }

  private treeOf(base: Base, onProgress: OnProgress): SourceTree {
    if (base.kind === "folder") return this.folder(base);
    if (base.kind === "remote") return this.remote(base.url);
    return this.chainTree(() => this.chainOf(base, onProgress));
  }

  private remote(url: string): SourceTree {
    let opened: Promise<string> | undefined;
    const fetch = async (): Promise<string> => {
      const { signal, materials } = this.context;
      const { root, material } = await fetchRemote(this.host, url, { scratch: () => this.scope.scratch(), signal });
      materials.add(material);
      return root;
    };
    return { isContext: false, open: () => (opened ??= fetch()) };
  }

  private folder(wish: FolderWish): SourceTree {
    const { request, signal } = this.context;
    return new ClientFolder(() => this.scope.folder(() => fetchFolder(this.host, request, wish, signal)));
  }

  private async chainOf(
    base: Exclude<Base, { kind: "folder" | "remote" }>,
    onProgress: OnProgress,
  ): Promise<readonly Digest[]> {
    if (base.kind === "scratch") return [];
    if (base.kind === "stage") return (await this.stage(base.index)).state.chain;
    try {
      return stateOf(await this.image(base.reference, base.platform, onProgress)).chain;
    } catch (error) {
      throw prefixed(`invalid from flag value ${base.reference}`, error);
    }
  }

  private chainTree(chain: () => Promise<readonly Digest[]>): SourceTree {
    let found: Promise<readonly Digest[]> | undefined;
    let opened: Promise<string> | undefined;
    const once = (): Promise<readonly Digest[]> => (found ??= chain());
    return {
      isContext: false,
      chainId: async () => (await once()).at(-1) ?? "empty",
      open: () => (opened ??= once().then((all) => this.scope.view(all.at(-1)))),
    };
  }
}
