import { GantryError, isGantryError, messageOf } from "../../base/errors.ts";
import type { Digest } from "../../base/image-config.ts";
import type { StateChange } from "../../ports/state-store.ts";
import { type Catalog, LAYER_BLOBS } from "./catalog.ts";
import type { ImagesDeps } from "./deps.ts";
import { blobsOf } from "./envelope.ts";
import type { Holds } from "./holds.ts";

interface BuildCacheEntry {
  chainId?: Digest;
}

export interface Reclaimed {
  /** Chain ids, top first. */
  layers: Digest[];
  /** Bytes of file contents. */
  size: number;
}

/** What records still need, by scanning them: no count is stored that could be wrong. */
interface Needed {
  chains: Set<Digest>;
  diffIds: Set<Digest>;
  blobs: Set<Digest>;
}

type Deps = Pick<ImagesDeps, "layers" | "blobs" | "state" | "logger"> & { catalog: Catalog; holds: Holds };

/** Deletes layers and blobs that no image, build cache entry, workspace or running operation needs. */
export class Reclaimer {
  private readonly deps: Deps;

  constructor(deps: Deps) {
    this.deps = deps;
  }

  /** Looks at these, and the layers below them, alone: what an operation that ended has let go of. */
  only(chains: Iterable<Digest>, blobs: Iterable<Digest>): Promise<Reclaimed> {
    return this.deps.holds.exclusive(() => this.remove([...chains], [...blobs]));
  }

  /** Looks at everything that is stored; for the start, when nobody else is at work on layers. */
  everything(): Promise<Reclaimed> {
    const { layers, blobs } = this.deps;
    return this.deps.holds.exclusive(() =>
      this.remove(
        layers.list().map((layer) => layer.chainId),
        blobs.list(),
      ),
    );
  }

  /** Blobs alone can be looked through at any time: whoever writes one holds it. */
  allBlobs(): Promise<Reclaimed> {
    return this.deps.holds.exclusive(() => this.remove([], this.deps.blobs.list()));
  }

  private needed(): Needed {
    const { catalog, layers, state } = this.deps;
    const needed: Needed = { chains: new Set(), diffIds: new Set(), blobs: new Set() };
    for (const record of catalog.all()) {
      for (const digest of blobsOf(record)) needed.blobs.add(digest);
      for (const chainId of record.chain) needed.chains.add(chainId);
      for (const diffId of record.config.rootfs.diff_ids) needed.diffIds.add(diffId);
    }
    for (const [, entry] of state.list<BuildCacheEntry>("buildCache")) {
      for (let id = entry.chainId; id !== undefined && !needed.chains.has(id); ) {
        needed.chains.add(id);
        const layer = layers.get(id);
        if (layer) needed.diffIds.add(layer.diffId);
        id = layer?.parent;
      }
    }
    for (const [diffId, blob] of catalog.layerBlobs()) if (needed.diffIds.has(diffId)) needed.blobs.add(blob.digest);
    return needed;
  }

  private async remove(chains: Digest[], blobs: Digest[]): Promise<Reclaimed> {
    const needed = this.needed();
    const gone: Reclaimed = { layers: [], size: 0 };
    for (const chainId of this.topFirst(chains)) {
      if (needed.chains.has(chainId) || this.deps.holds.has(chainId)) continue;
      const layer = this.deps.layers.get(chainId);
      if (layer === undefined) continue;
      try {
        await this.deps.layers.remove(chainId);
        gone.layers.push(chainId);
        gone.size += layer.size;
      } catch (error) {
        // A container's or a build's workspace stands on it: it goes with that, or at the next start.
        if (!isGantryError(error, "LAYER_IN_USE"))
          this.deps.logger.warn("layer not removed", { chainId, error: messageOf(error) });
      }
    }
    this.forgetLayerBlobs(needed);
    for (const digest of new Set(blobs)) {
      if (needed.blobs.has(digest) || this.deps.holds.has(digest)) continue;
      try {
        this.deps.blobs.remove(digest);
      } catch (error) {
        if (!(error instanceof GantryError) || error.kind !== "notFound") {
          this.deps.logger.warn("blob not removed", { digest, error: messageOf(error) });
        }
      }
    }
    return gone;
  }

  /** A layer may have stood only because of a child that goes now. */
  private withAncestors(chains: Digest[]): Set<Digest> {
    const all = new Set<Digest>();
    for (const chainId of chains) {
      for (let id: Digest | undefined = chainId; id !== undefined && !all.has(id); ) {
        all.add(id);
        id = this.deps.layers.get(id)?.parent;
      }
    }
    return all;
  }

  /** Children before their parents: a layer with a child can't be removed. */
  private topFirst(chains: Digest[]): Digest[] {
    const depth = (chainId: Digest): number => {
      let steps = 0;
      for (let layer = this.deps.layers.get(chainId); layer?.parent; layer = this.deps.layers.get(layer.parent))
        steps += 1;
      return steps;
    };
    return [...this.withAncestors(chains)]
      .map((chainId) => ({ chainId, depth: depth(chainId) }))
      .toSorted((a, b) => b.depth - a.depth)
      .map(({ chainId }) => chainId);
  }

  private forgetLayerBlobs(needed: Needed): void {
    const changes: StateChange[] = [];
    for (const [diffId, blob] of this.deps.catalog.layerBlobs()) {
      if (needed.diffIds.has(diffId) || this.deps.holds.has(blob.digest)) continue;
      changes.push({ bucket: LAYER_BLOBS, key: diffId, value: undefined });
    }
    if (changes.length > 0) this.deps.state.commit(changes);
  }
}
