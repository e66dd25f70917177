import type { BuildStep, OnBuildEvent } from "../base/build-events.ts";
import type { Annotations } from "../base/annotations.ts";
import type { AttestWishes } from "../base/attest-wishes.ts";
import type { CacheSource, CacheTarget } from "../base/cache-places.ts";
import type { HostConfig } from "../base/container-config.ts";
import type { Digest, Platform } from "../base/image-config.ts";
import type { ProgressEvent } from "../base/progress.ts";
import type { RegistryAuth } from "../ports/remote-registry.ts";
import type { StageArgs } from "./build-args.ts";
import type { BuildCache } from "./cache.ts";
import type { BuildHost } from "./host.ts";
import type { Materials } from "./materials.ts";
import type { NamedContexts } from "./named-contexts.ts";
import type { BuildOutput } from "./outputs.ts";
import type { StageState } from "./stage-state.ts";
import type { ContentDigests } from "../ports/build-files.ts";
import type { BuildSession } from "../ports/build-session.ts";
import type { StepInput } from "./step-record.ts";

/** One `docker build`, decoded. */
export interface BuildRequest {
  /** Path of the Dockerfile in the context; default Dockerfile. */
  dockerfile: string;
  /** Names for the image. */
  tags: string[];
  noCache: boolean;
  /** Stages, by name or number, that don't use the cache. */
  noCacheFilter: string[];
  /** What manifests are to say besides. */
  annotations: Annotations;
  attest: AttestWishes;
  /** What may serve as cache besides this engine's own. */
  cacheFrom: CacheSource[];
  /** Where the steps are to go for others. */
  cacheTo: CacheTarget[];
  /** Say of each step that is not in the cache why it isn't. */
  explain: boolean;
  /** A RUN that fails is held, so that the client can look around in it. */
  shellOnFail: boolean;
  /** Ask the registry even for base images that are here. */
  pull: boolean;
  buildArgs: Record<string, string | null>;
  labels: Record<string, string>;
  target?: string;
  platform?: Platform;
  /** NetworkMode, ExtraHosts, ShmSize and resource limits of RUN. */
  hostConfig: HostConfig;
  auth: Record<string, RegistryAuth>;
  /** The client, where it stays by the build. */
  session?: BuildSession;
  /** None: an image. */
  outputs: BuildOutput[];
  /** `--build-context`, by name. */
  contexts: NamedContexts;
}

export interface BuildContext {
  request: BuildRequest;
  /** The build's context. */
  tree: SourceTree;
  /** Seconds since 1970: when what is built was made, instead of now. */
  epoch?: number;
  /** What it turns out to be made of. */
  materials: Materials;
  emit: OnBuildEvent;
  /** Aborted when the client goes, and when a step fails: all that is under way has to end. */
  signal: AbortSignal;
}

/** Files that COPY, ADD or a bind mount take: a folder, and how its content is known without reading it. */
export interface SourceTree {
  /** Mounts it if need be. */
  open(): Promise<string>;
  /** The topmost layer, or "empty"; missing for what may differ each time (the context). */
  chainId?: () => Promise<Digest | "empty">;
  /** What is known of its files without reading them. */
  contents?: ContentDigests;
  /** For messages: the build context is named there. */
  isContext: boolean;
}

/** One stage at work. */
export interface StageWork {
  state: StageState;
  args: StageArgs;
  index: number;
  /** A CMD stands earlier in this stage. */
  cmdSet: boolean;
}

/** What one step does to the stage. */
export interface StepChange {
  /** Plain data that says what the step does; the cache's key is made of it. */
  key: unknown;
  /** The same as a user would name its parts, so that a later miss can be explained. */
  inputs: () => StepInput[];
  /** History's created_by. */
  createdBy: string;
  /** The state's fields that the step sets, besides layers and history. */
  set?: Pick<StageState, "config"> | Pick<StageState, "author">;
  /** Announced as a container, as Docker does for all but COPY and ADD. */
  container: boolean;
  /** Makes a layer; gives its chain id, or undefined when no file changed. */
  effect?: (containerId: string, state: StageState) => Promise<Digest | undefined>;
}

/** What a step may use of the build that it is part of. */
export interface StepRoom {
  readonly step: BuildStep;
  readonly host: BuildHost;
  readonly context: BuildContext;
  readonly cache: BuildCache;
  /** What its command or its download says. */
  output(stream: "stdout" | "stderr", text: string): void;
  transfer(progress: ProgressEvent): void;
  /** The tree that `--from` or a bind mount names; the context when undefined. */
  sourceTree(from: string | undefined): SourceTree;
  /** Keeps a layer, there or to come, from being removed until the build ends. */
  hold(chainId: Digest): Promise<void>;
  /** A private folder until the build ends. */
  scratch(): Promise<string>;
  /**
   * Mounts a workspace on the state's layers, lets `work` change it, and turns what changed into a layer.
   * The workspace is gone afterwards, whatever happens.
   */
  inWorkspace(
    id: string,
    state: StageState,
    work: (root: string, workspaceId: string) => Promise<void>,
  ): Promise<Digest | undefined>;
}
