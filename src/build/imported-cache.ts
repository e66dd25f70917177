import type { CacheSource } from "../base/cache-places.ts";
import { messageOf } from "../base/errors.ts";
import type { HistoryEntry } from "../base/image-config.ts";
import { readLayout } from "../engine/images/artifact.ts";
import type { ImageRecord } from "../engine/images/contract.ts";
import type { StepResult } from "./cache.ts";
import { receive } from "./client-streams.ts";
import type { BuildContext, StepRoom } from "./context.ts";
import { CACHE_TYPE, ImportedSteps } from "./exported-steps.ts";
import type { Sources } from "./sources.ts";
import type { StageState } from "./stage-state.ts";

/** A step that is looked for. */
export interface Wanted {
  key: string;
  state: StageState;
  /** Of history. */
  createdBy: string;
}

type Imported = ImageRecord | ImportedSteps;

/** `--cache-from`: exported caches, and images that were built from the same steps, wherever that was. */
export class ImportedCache {
  private readonly context: BuildContext;
  private readonly sources: Sources;
  private opened: Promise<Imported[]> | undefined;

  constructor(context: BuildContext, sources: Sources) {
    this.context = context;
    this.sources = sources;
  }

  /** What the step left: by its key, or in the image whose layers and history so far are those of the state. */
  async find({ key, state, createdBy }: Wanted, room: StepRoom): Promise<StepResult | undefined> {
    if (this.context.request.cacheFrom.length === 0) return undefined;
    this.opened ??= this.open(room);
    for (const source of await this.opened) {
      const result =
        source instanceof ImportedSteps
          ? await this.trying(room, "a layer of the imported cache", () => source.find(key, state, room))
          : nextIn(source, state, createdBy);
      if (result !== undefined) return result;
    }
    return undefined;
  }

  private async open(room: StepRoom): Promise<Imported[]> {
    const found: Imported[] = [];
    for (const source of this.context.request.cacheFrom) {
      const name = source.type === "local" ? source.folder : source.reference;
      const one = await this.trying(room, `no cache from ${name}`, () => this.openOne(source, room));
      if (one) found.push(one);
    }
    return found;
  }

  /** A cache that can't be had costs time and nothing else. */
  private async trying<T>(room: StepRoom, what: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (this.context.signal.aborted) throw error;
      const message = `${what}: ${messageOf(error)}`;
      this.context.emit({ kind: "warning", from: "build", message, step: room.step.id });
      return undefined;
    }
  }

  private async openOne(source: CacheSource, room: StepRoom): Promise<Imported> {
    const { request, signal } = this.context;
    if (source.type === "local") {
      const { session } = request;
      const open = (path: string): ReturnType<typeof receive> =>
        receive(session, { kind: "cacheFile", folder: source.folder, path }, signal);
      const artifact = await readLayout(open, source.tag, CACHE_TYPE);
      if (artifact === undefined) throw new Error("the folder holds something else");
      return new ImportedSteps(artifact);
    }
    const { reference } = source;
    if (source.type === "registry" || !this.sources.isHere(reference)) {
      const options = { ...room.host.authFor(request.auth, reference), signal };
      const artifact = await room.host.images.findArtifact(reference, CACHE_TYPE, options);
      if (artifact !== undefined) return new ImportedSteps(artifact);
    }
    return this.sources.image(reference, undefined, (progress) => room.transfer(progress));
  }
}

function nextIn({ config, chain }: ImageRecord, state: StageState, createdBy: string): StepResult | undefined {
  const history = config.history ?? [];
  const entry = history[state.history.length];
  if (entry?.created_by !== createdBy) return undefined;
  if (!state.history.every((before, i) => isSame(before, history[i]))) return undefined;
  if (!state.chain.every((chainId, i) => chainId === chain[i])) return undefined;
  const created = entry.created ?? config.created;
  if (created === undefined) return undefined;
  if (entry.empty_layer) return { created };
  const chainId = chain[state.chain.length];
  return chainId === undefined ? undefined : { created, chainId };
}

const isSame = (a: HistoryEntry, b: HistoryEntry | undefined): boolean =>
  a.created_by === b?.created_by && Boolean(a.empty_layer) === Boolean(b?.empty_layer);
