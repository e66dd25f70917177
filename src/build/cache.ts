import { createHash } from "node:crypto";
import type { Digest } from "../base/image-config.ts";
import type { StateStore } from "../ports/state-store.ts";
import type { StageState } from "./stage-state.ts";

export const CACHE_BUCKET = "buildCache";

/** What a step left behind. */
export interface CacheEntry {
  /** The layer it made; none for a step that changed no file. */
  chainId?: Digest;
  /** RFC 3339; kept so that a cached build gives the same image id. */
  created: string;
  /** For sources that are layers: the files' digest, so that they needn't be mounted to know it. */
  digest?: string;
}

/** sha256 (hex) of plain data. */
export const hashOf = (data: unknown): string => createHash("sha256").update(JSON.stringify(data)).digest("hex");

const KEY_VERSION = 1;

/** A step's key: what it stands on (files, configuration, platform) and what it does. */
export function stepKey(state: StageState, step: unknown): string {
  const { chain, config, platform, author } = state;
  const sorted = Object.entries(config).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return hashOf([KEY_VERSION, chain.at(-1) ?? "", sorted, platform, author ?? "", step]);
}

/**
 * The cache as one build sees it. New entries are held back until `flush`, since an entry may be durable only after
 * the layer that it names.
 */
export class CacheSession {
  private readonly state: StateStore;
  private readonly layerExists: (chainId: Digest) => boolean;
  private readonly fresh = new Map<string, CacheEntry>();

  constructor(state: StateStore, layerExists: (chainId: Digest) => boolean) {
    this.state = state;
    this.layerExists = layerExists;
  }

  /** The entry, if its layer is still there. */
  find(key: string): CacheEntry | undefined {
    const entry = this.fresh.get(key) ?? this.state.get<CacheEntry>(CACHE_BUCKET, key);
    return entry?.chainId !== undefined && !this.layerExists(entry.chainId) ? undefined : entry;
  }

  put(key: string, entry: CacheEntry): void {
    this.fresh.set(key, entry);
  }

  /** Layers that would be lost to the cache if they were not synced before `flush`. */
  get hasLayers(): boolean {
    return [...this.fresh.values()].some((entry) => entry.chainId !== undefined);
  }

  /** Stores what is new, at once. Call it when the layers are durable. */
  flush(): void {
    if (this.fresh.size === 0) return;
    this.state.commit([...this.fresh].map(([key, value]) => ({ bucket: CACHE_BUCKET, key, value })));
    this.fresh.clear();
  }
}
