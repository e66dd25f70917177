import { messageOf } from "../base/errors.ts";
import type { HistoryEntry } from "../base/image-config.ts";
import type { ImageRecord } from "../engine/images/contract.ts";
import type { StepResult } from "./cache.ts";
import type { BuildContext, StepRoom } from "./context.ts";
import type { Sources } from "./sources.ts";
import type { StageState } from "./stage-state.ts";

/** `--cache-from`: images that were built from the same steps, wherever that was. */
export class CacheImages {
  private readonly context: BuildContext;
  private readonly sources: Sources;
  private images: Promise<ImageRecord[]> | undefined;

  constructor(context: BuildContext, sources: Sources) {
    this.context = context;
    this.sources = sources;
  }

  /** What the step left in one of the images: the one whose layers and history so far are those of the state. */
  async find(state: StageState, createdBy: string, room: StepRoom): Promise<StepResult | undefined> {
    if (this.context.request.cacheFrom.length === 0) return undefined;
    this.images ??= this.open(room);
    for (const image of await this.images) {
      const result = nextIn(image, state, createdBy);
      if (result !== undefined) return result;
    }
    return undefined;
  }

  private async open(room: StepRoom): Promise<ImageRecord[]> {
    const { request, signal } = this.context;
    const images: ImageRecord[] = [];
    for (const reference of request.cacheFrom) {
      try {
        images.push(await this.sources.image(reference, undefined, (progress) => room.transfer(progress)));
      } catch (error) {
        if (signal.aborted) throw error;
        const message = `no cache from ${reference}: ${messageOf(error)}`;
        this.context.emit({ kind: "warning", from: "build", message, step: room.step.id });
      }
    }
    return images;
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
