import type { Readable } from "node:stream";
import { GantryError } from "../../base/errors.ts";
import type { Descriptor, Digest, ImageConfig, Platform } from "../../base/image-config.ts";
import type { OnProgress } from "../../base/progress.ts";
import { familiarName, type ImageReference, parseReference, withDefaultTag } from "../../base/reference.ts";
import type { FoundRepository, RegistryAuth } from "../../ports/remote-registry.ts";
import { Catalog, IMAGES } from "./catalog.ts";
import type { AddOptions, ImageRecord, ImageSource, PullTarget, TransferOptions } from "./contract.ts";
import { type Artifact, artifactLayout, findArtifact, type FoundArtifact, pushArtifact } from "./artifact.ts";
import type { ImagesDeps } from "./deps.ts";
import { distribution } from "./distribution.ts";
import { Downloads } from "./downloads.ts";
import type { Filters } from "./filters.ts";
import { type Envelope, isEmpty } from "./envelope.ts";
import { Holds } from "./holds.ts";
import { importTar, type ImportRequest, newName } from "./import.ts";
import { type HistoryItem, history, type ImageDetails, inspect } from "./inspect.ts";
import { type ImageSummary, list, type ListOptions } from "./list.ts";
import { load } from "./load.ts";
import { parsePlatform } from "../../base/platform.ts";
import { type Pruned, prune, pruneRunning } from "./prune.ts";
import { pull } from "./pull.ts";
import { push, type Pushed } from "./push.ts";
import { Reclaimer } from "./reclaim.ts";
import { type Removal, type RemoveOptions, remove } from "./remove.ts";
import { save, saveAs } from "./save.ts";
import { search, type SearchRequest } from "./search.ts";
import { nameChanges, storeImage } from "./store-image.ts";
import { tell } from "./tell.ts";

/** The images of this engine: what there is, and every way that one comes or goes. */
export class Images implements ImageSource {
  private readonly deps: ImagesDeps;
  private readonly catalog: Catalog;
  /** What the builder takes to keep layers that no image or cache entry names yet. */
  readonly holds = new Holds();
  private readonly downloads: Downloads;
  private readonly reclaimer: Reclaimer;
  private pruning = false;

  constructor(deps: ImagesDeps) {
    this.deps = deps;
    this.catalog = new Catalog(deps.state);
    this.downloads = new Downloads(deps);
    const { layers, blobs, state, logger } = deps;
    this.reclaimer = new Reclaimer({ layers, blobs, state, logger, catalog: this.catalog, holds: this.holds });
  }

  /** Reclaims what a crash left: call once at the start, before anything else works on layers. */
  async sweep(): Promise<void> {
    const { layers } = await this.reclaimer.everything();
    if (layers.length > 0) this.deps.logger.info("layers without an image removed", { count: layers.length });
  }

  /** Deletes those of the layers that nothing needs any more. */
  reclaim(chains: Digest[]): Promise<{ layers: Digest[]; size: number }> {
    return this.reclaimer.only(chains, []);
  }

  resolve(reference: string): ImageRecord {
    return this.catalog.resolve(reference);
  }

  tagsOf(id: Digest): string[] {
    return this.catalog
      .namesOf(id)
      .filter((name) => name.digest === undefined)
      .map(familiarName)
      .toSorted();
  }

  async add(
    config: Omit<ImageConfig, "rootfs">,
    chain: Digest[],
    tags: string[],
    options: AddOptions = {},
  ): Promise<ImageRecord> {
    const names = tags.map(newName);
    const hold = await this.holds.take(chain);
    try {
      const diffIds = chain.map((chainId) => {
        const layer = this.deps.layers.get(chainId);
        if (layer === undefined) throw new GantryError("internal", "NO_SUCH_LAYER", `layer ${chainId} is gone`);
        return layer.diffId;
      });
      const whole: ImageConfig = { ...config, rootfs: { type: "layers", diff_ids: diffIds } };
      const configBytes = Buffer.from(JSON.stringify(whole));
      const image = { configBytes, config: whole, chain, names, ...options };
      const record = await storeImage(this.deps, this.catalog, image);
      tell(this.deps, "create", record);
      for (const name of names) tell(this.deps, "tag", record, { name: familiarName(name) });
      return record;
    } finally {
      hold.release();
    }
  }

  pull(target: PullTarget & { allTags?: boolean }, options: TransferOptions = {}): Promise<ImageRecord> {
    const { deps, catalog, holds, downloads, reclaimer } = this;
    return pull({ deps, catalog, holds, downloads, reclaimer }, target, options);
  }

  push(target: { reference: string; allTags?: boolean }, options: TransferOptions = {}): Promise<Pushed[]> {
    return push({ deps: this.deps, catalog: this.catalog, holds: this.holds }, target, options);
  }

  pushArtifact(reference: string, artifact: Artifact, options: TransferOptions = {}): Promise<Digest> {
    return pushArtifact({ deps: this.deps, catalog: this.catalog, holds: this.holds }, reference, artifact, options);
  }

  /** An artifact as a folder in the OCI layout, sent as a tar. */
  artifactLayout(tag: string, artifact: Artifact, signal: AbortSignal): AsyncGenerator<Buffer> {
    return artifactLayout({ deps: this.deps, catalog: this.catalog, holds: this.holds }, tag, artifact, signal);
  }

  /** What a registry has under a name, if it is an artifact of that type; undefined: it is something else. */
  findArtifact(reference: string, mediaType: string, options: TransferOptions): Promise<FoundArtifact | undefined> {
    return findArtifact(this.deps, reference, mediaType, options);
  }

  load(
    tar: Readable,
    options: { onProgress?: OnProgress; signal?: AbortSignal; quiet?: boolean } = {},
  ): Promise<ImageRecord[]> {
    const { deps, catalog, holds, reclaimer } = this;
    return load({ deps, catalog, holds, reclaimer }, tar, options);
  }

  /** A tar of the images. Throws notFound NO_SUCH_IMAGE before the first byte. */
  save(references: string[], signal?: AbortSignal): Promise<Readable> {
    return save({ deps: this.deps, catalog: this.catalog, holds: this.holds }, references, signal);
  }

  /** One image under other names than it has here. Throws as `save`, and invalid BAD_REFERENCE. */
  saveAs(id: Digest, as: { names: string[]; envelope?: Envelope }, signal?: AbortSignal): Promise<Readable> {
    return saveAs({ deps: this.deps, catalog: this.catalog, holds: this.holds }, id, as, signal);
  }

  /** What goes around an image from now on where it is pushed or saved; an empty one: nothing. */
  async wrap(id: Digest, envelope: Envelope): Promise<void> {
    const { envelope: before, ...record } = this.catalog.resolve(id);
    if (before === undefined && isEmpty(envelope)) return;
    const attestations = envelope.attestations.map(({ predicateType, predicate }) => ({
      predicateType,
      predicate: this.deps.blobs.put(predicate),
    }));
    const value: ImageRecord = isEmpty(envelope)
      ? record
      : { ...record, envelope: { annotations: envelope.annotations, attestations } };
    this.deps.state.commit([{ bucket: IMAGES, key: id, value }]);
    await this.reclaimer.only(
      [],
      (before?.attestations ?? []).map(({ predicate }) => predicate),
    );
  }

  /** The digests by which registries know an image's repository: of its last pull or push. */
  digestsIn(id: Digest, { registry, repository }: ImageReference): Digest[] {
    return this.catalog
      .namesOf(id)
      .flatMap((name) => (name.registry === registry && name.repository === repository ? (name.digest ?? []) : []));
  }

  import(request: ImportRequest): Promise<ImageRecord> {
    const { deps, catalog, holds, reclaimer } = this;
    return importTar({ deps, catalog, holds, reclaimer }, request);
  }

  /** Gives an image one more name; another image that had it loses it. */
  tag(reference: string, name: string): void {
    const parsed = withDefaultTag(parseReference(name));
    if (parsed.digest !== undefined) {
      throw new GantryError("invalid", "BAD_REFERENCE", "refusing to create a tag with a digest reference");
    }
    const record = this.catalog.resolve(reference);
    const value: ImageRecord = { ...record, lastTagTime: this.deps.clock.stamp() };
    this.deps.state.commit([{ bucket: IMAGES, key: record.id, value }, ...nameChanges([parsed], record.id)]);
    tell(this.deps, "tag", record, { name: familiarName(parsed) });
  }

  list(options: ListOptions = {}): ImageSummary[] {
    return list(this.deps, this.catalog, options);
  }

  /** The layers that images stand on, each once, with its bytes. */
  layers(): Map<Digest, number> {
    const chains = this.catalog.all().flatMap((record) => record.chain);
    return new Map(chains.map((chainId) => [chainId, this.deps.layers.get(chainId)?.size ?? 0]));
  }

  inspect(reference: string): ImageDetails {
    return inspect(this.deps, this.catalog, this.catalog.resolve(reference));
  }

  history(reference: string): HistoryItem[] {
    return history(this.deps, this.catalog, this.catalog.resolve(reference));
  }

  remove(reference: string, options: RemoveOptions = {}): Promise<Removal> {
    return remove({ deps: this.deps, catalog: this.catalog, reclaimer: this.reclaimer }, reference, options);
  }

  async prune(filters: Filters): Promise<Pruned> {
    if (this.pruning) throw pruneRunning();
    this.pruning = true;
    try {
      const pruned = await prune({ deps: this.deps, catalog: this.catalog, reclaimer: this.reclaimer }, filters);
      this.deps.events?.publish("image", "prune", "", { reclaimed: String(pruned.SpaceReclaimed) });
      return pruned;
    } finally {
      this.pruning = false;
    }
  }

  /** What a registry has under a name: the descriptor and its platforms. */
  distribution(
    reference: string,
    options: TransferOptions = {},
  ): Promise<{ descriptor: Descriptor; platforms: Platform[] }> {
    return distribution(this.deps, reference, options);
  }

  search(request: SearchRequest): Promise<FoundRepository[]> {
    return search(this.deps, request);
  }

  login(auth: RegistryAuth, signal?: AbortSignal): Promise<{ status: string; identityToken?: string }> {
    return this.deps.registry.login(auth, { signal });
  }

  /** A platform as clients write it, completed by this machine's. Throws invalid BAD_PLATFORM. */
  platform(text: string): Platform {
    return parsePlatform(text, this.deps.platform);
  }
}
