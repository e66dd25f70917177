import type { HostConfig } from "../base/container-config.ts";
import type { Digest, Platform } from "../base/image-config.ts";
import type { StageArgs } from "./build-args.ts";
import type { CacheSession } from "./cache.ts";
import type { BuildHost } from "./host.ts";
import type { StageState } from "./stage-state.ts";
import type { OnProgress } from "../base/progress.ts";
import type { BuildSession } from "../ports/build-session.ts";
import type { RegistryAuth } from "../ports/remote-registry.ts";

/** One `docker build`, decoded. */
export interface BuildRequest {
  /** Path of the Dockerfile in the context; default Dockerfile. */
  dockerfile: string;
  /** Names for the image. */
  tags: string[];
  noCache: boolean;
  /** Ask the registry even for base images that are here. */
  pull: boolean;
  /** Report removed intermediate containers (they always are removed). */
  remove: boolean;
  buildArgs: Record<string, string | null>;
  labels: Record<string, string>;
  target?: string;
  platform?: Platform;
  /** NetworkMode, ExtraHosts, ShmSize and resource limits of RUN. */
  hostConfig: HostConfig;
  auth: Record<string, RegistryAuth>;
  /** The client, where it stays by the build. */
  session?: BuildSession;
}

export interface BuildContext {
  request: BuildRequest;
  /** Folder with the build's context. */
  root: string;
  onProgress: OnProgress;
  signal: AbortSignal;
}

/** Files that COPY, ADD or a bind mount take: a folder, and how its content is known without reading it. */
export interface SourceTree {
  /** Mounts it if need be. */
  open(): Promise<string>;
  /** The topmost layer, or "empty"; missing for what may differ each time (the context). */
  chainId?: () => Promise<Digest | "empty">;
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
  readonly host: BuildHost;
  readonly context: BuildContext;
  readonly cache: CacheSession;
  say(text: string): void;
  /** The tree that `--from` or a bind mount names; the context when undefined. */
  sourceTree(from: string | undefined, stage: number): SourceTree;
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
