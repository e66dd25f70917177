import type { Readable } from "node:stream";
import type { Digest, Platform } from "../base/image-config.ts";
import type { OnProgress } from "../base/progress.ts";
import type { OneRun } from "../engine/containers/run-once.ts";
import type { ImageRecord, ImageSource } from "../engine/images/contract.ts";
import type { Envelope } from "../engine/images/envelope.ts";
import type { Images } from "../engine/images/images.ts";
import type { Holds } from "../engine/images/holds.ts";
import type { Archive } from "../ports/archive.ts";
import type { BuildFiles, Downloads, GitRepositories } from "../ports/build-files.ts";
import type { ContextStore } from "../ports/context-store.ts";
import type { Clock, Ids } from "../ports/clock.ts";
import type { LayerStore } from "../ports/layer-store.ts";
import type { RegistryAuth } from "../ports/remote-registry.ts";
import type { StateStore } from "../ports/state-store.ts";

/** One RUN and its mounts, as the engine runs it. */
export type { OneRun as RunStep, RunMount } from "../engine/containers/run-once.ts";

export interface PullOptions {
  platform?: Platform;
  /** X-Registry-Config: credentials by registry. */
  auth: Record<string, RegistryAuth>;
  onProgress: OnProgress;
  signal: AbortSignal;
}

/** All that the builder needs of the engine. */
export interface BuildHost {
  images: ImageSource & {
    /** The image as a tar under these names, whatever names it has here. */
    saveAs(id: Digest, as: { names: string[]; envelope: Envelope }, signal?: AbortSignal): Promise<Readable>;
    remove(id: Digest): Promise<unknown>;
  } & Pick<Images, "wrap" | "digestsIn" | "findArtifact" | "pushArtifact" | "artifactLayout">;
  /** Of these credentials those for an image's registry. */
  authFor(auth: Record<string, RegistryAuth>, reference: string): { auth?: RegistryAuth };
  /** Fetches FROM's image. */
  pull(reference: string, options: PullOptions): Promise<ImageRecord>;
  /** Names an image that exists. */
  tag(id: Digest, reference: string): void | Promise<void>;
  /** What a running build stands on is held, so that no removal of an image takes it away. */
  holds: Pick<Holds, "take" | "has">;
  /** The layers that images stand on. */
  imageLayers(): { has(chainId: Digest): boolean };
  /** Deletes those of the layers that nothing needs any more; bytes freed. */
  reclaim(chains: Digest[]): Promise<{ layers: Digest[]; size: number }>;
  layers: LayerStore;
  archive: Archive;
  files: BuildFiles;
  contexts: ContextStore;
  downloads: Downloads;
  git: GitRepositories;
  /** Runs to the end; the exit code. Throws invalid when the command can't be started (Docker's words), canceled. */
  run(step: OneRun): Promise<number>;
  state: StateStore;
  clock: Clock;
  ids: Ids;
  /** What this machine builds for. */
  platform: Platform;
  /** So many RUNs go on at a time, of all builds. */
  parallelRuns: number;
}
