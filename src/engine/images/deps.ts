import type { Platform } from "../../base/image-config.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LayerStore } from "../../ports/layer-store.ts";
import type { Logger } from "../../ports/logger.ts";
import type { RemoteRegistry } from "../../ports/remote-registry.ts";
import type { StateStore } from "../../ports/state-store.ts";
import type { ApplyChanges, ImageUser } from "./contract.ts";

export interface ImagesDeps {
  layers: LayerStore;
  blobs: BlobStore;
  state: StateStore;
  registry: RemoteRegistry;
  clock: Clock;
  logger: Logger;
  applyChanges: ApplyChanges;
  usage: { containersUsing(imageId: string): ImageUser[] };
  events?: { publish(type: string, action: string, id: string, attributes: Record<string, string>): void };
  /** What this machine runs. */
  platform: Platform;
  /** The folder that `Layer.dir` is in; shown by inspect. */
  layersRoot: string;
  /** Milliseconds before a cut download goes on, doubling; default 500. */
  retryPauseMs?: number;
}
