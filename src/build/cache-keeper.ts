import type { Digest } from "../base/image-config.ts";
import type { StateChange } from "../ports/state-store.ts";
import { RESULTS, SOURCES, type SourcesDigest, STEPS, type StepResult } from "./cache.ts";
import { type CacheMountRecord, type CacheMounts, MOUNTS } from "./cache-mounts.ts";
import type { BuildHost } from "./host.ts";
import type { StepRecord } from "./step-record.ts";

/** One thing that the cache keeps: what a step left, the folder of a cache mount, or a client's folder. */
export interface CacheItem {
  id: string;
  /** Docker's words. */
  type: "regular" | "exec.cachemount" | "source.local";
  description: string;
  created: string;
  lastUsed?: string;
  uses: number;
  /** Of its layer, which several steps may name, or of the folder. */
  bytes: number;
  chainId?: Digest;
  /** Ids of the steps it follows. */
  parents: string[];
  inUse: boolean;
  /** An image stands on its layer: to drop it frees nothing. */
  shared: boolean;
}

export interface PruneOptions {
  /** Also what images share. */
  all: boolean;
  matches: (item: CacheItem) => boolean;
  /** Only what was not used since then (ms since the epoch). */
  until?: number;
  /** Bytes: this much may stay in any case … */
  reserved?: number;
  /** … and more than this may not, … */
  most?: number;
  /** … or less than this be free on the disk. */
  free?: number;
}

/** Where an item's records are. */
const BUCKETS = { regular: [RESULTS, STEPS], "exec.cachemount": [MOUNTS], "source.local": [] };

/** Lists the cache, and makes it smaller. */
export class CacheKeeper {
  private readonly host: BuildHost;
  private readonly mounts: CacheMounts;

  constructor(host: BuildHost, mounts: CacheMounts) {
    this.host = host;
    this.mounts = mounts;
  }

  /** All items; what was not used for longest comes first. */
  async list(): Promise<CacheItem[]> {
    const items = [...this.steps(), ...(await this.folders()), ...this.contexts()];
    return items.toSorted((a, b) => (usedAt(a) < usedAt(b) ? -1 : 1));
  }

  private steps(): CacheItem[] {
    const { state, layers, holds } = this.host;
    const records = new Map(state.list<StepRecord>(STEPS));
    const images = this.host.imageLayers();
    return state.list<StepResult>(RESULTS).map(([id, { created, chainId }]) => {
      const layer = chainId === undefined ? undefined : layers.get(chainId);
      const record = records.get(id);
      return {
        ...{ id, type: "regular", description: record?.text ?? "", created, uses: record?.uses ?? 0 },
        ...(record?.lastUsed === undefined ? {} : { lastUsed: record.lastUsed }),
        ...(layer ? { chainId: layer.chainId } : {}),
        bytes: layer?.size ?? 0,
        parents: record?.parent === undefined ? [] : [record.parent],
        inUse: layer !== undefined && holds.has(layer.chainId),
        shared: layer !== undefined && images.has(layer.chainId),
      };
    });
  }

  private async folders(): Promise<CacheItem[]> {
    const { state, files, clock } = this.host;
    const items: CacheItem[] = [];
    for (const id of files.cacheFolders()) {
      const record = state.get<CacheMountRecord>(MOUNTS, id);
      items.push({
        ...{ id, type: "exec.cachemount", description: record === undefined ? "" : `mount ${record.id}` },
        created: record?.created ?? clock.stamp(),
        ...(record === undefined ? {} : { lastUsed: record.lastUsed }),
        uses: record?.uses ?? 0,
        bytes: await files.cacheSize(id),
        parents: [],
        inUse: this.mounts.isInUse(id),
        shared: false,
      });
    }
    return items;
  }

  private contexts(): CacheItem[] {
    return this.host.contexts.list().map(({ id, size, created, lastUsed, inUse }) => ({
      ...{ id, type: "source.local", description: "folder of a client", created, lastUsed, inUse },
      ...{ uses: 0, bytes: size, parents: [], shared: false },
    }));
  }

  /** Forgets what is to go and deletes the layers and folders that only it needed. */
  async prune(options: PruneOptions): Promise<{ deleted: string[]; bytes: number }> {
    const { state, files, layers, contexts } = this.host;
    const doomed = this.doomed(await this.list(), options);
    const changes: StateChange[] = [];
    const chains = new Set<Digest>();
    let bytes = 0;
    for (const { id, type, chainId, bytes: size } of doomed) {
      for (const bucket of BUCKETS[type]) changes.push({ bucket, key: id, value: undefined });
      if (chainId !== undefined) chains.add(chainId);
      if (type === "source.local") bytes += await contexts.remove(id);
      if (type !== "exec.cachemount" || this.mounts.isInUse(id)) continue;
      await files.removeCacheFolder(id);
      bytes += size;
    }
    state.commit(changes);
    bytes += (await this.host.reclaim([...chains])).size;
    const lost = state
      .list<SourcesDigest>(SOURCES)
      .filter(([, { chainId }]) => chainId !== undefined && chainId !== "empty" && layers.get(chainId) === undefined);
    state.commit(lost.map(([key]) => ({ bucket: SOURCES, key, value: undefined })));
    return { deleted: doomed.map(({ id }) => id), bytes };
  }

  /** What was not used for longest goes first, until what may stay is left. */
  private doomed(items: readonly CacheItem[], options: PruneOptions): CacheItem[] {
    const { all, matches, until = Infinity } = options;
    const users = new Map<Digest, number>();
    for (const { chainId } of items) if (chainId) users.set(chainId, (users.get(chainId) ?? 0) + 1);
    const frees = ({ chainId, shared, bytes }: CacheItem): number =>
      shared || (chainId !== undefined && users.get(chainId)! > 1) ? 0 : bytes;
    let left = totalOf(items);
    const keep = this.keep(left, options);
    const doomed: CacheItem[] = [];
    for (const item of items) {
      if (keep > 0 && left <= keep) break;
      if (item.inUse || (item.shared && !all) || Date.parse(usedAt(item)) >= until || !matches(item)) continue;
      doomed.push(item);
      left -= frees(item);
      if (item.chainId !== undefined) users.set(item.chainId, users.get(item.chainId)! - 1);
    }
    return doomed;
  }

  /** Bytes that may stay; 0: nothing need. */
  private keep(total: number, { reserved = 0, most = 0, free = 0 }: PruneOptions): number {
    const excess = free === 0 ? 0 : free - this.host.files.freeBytes();
    const wanted = excess <= 0 ? most : Math.min(most || total, total - excess);
    return Math.max(wanted, reserved, excess <= 0 && free > 0 && most === 0 ? total : 0);
  }
}

const usedAt = ({ lastUsed, created }: CacheItem): string => lastUsed ?? created;

/** Layers that several steps name count once, those of images not at all. */
function totalOf(items: readonly CacheItem[]): number {
  const own = items.filter((item) => !item.shared);
  return [...new Map(own.map(({ id, chainId, bytes }) => [chainId ?? id, bytes])).values()].reduce((a, b) => a + b, 0);
}
