import { GantryError, messageOf } from "../base/errors.ts";
import type { Digest } from "../base/image-config.ts";
import type { Artifact, FoundArtifact } from "../engine/images/artifact.ts";
import { chainIds, isSha256 } from "../engine/images/manifest.ts";
import { counted, LayerProgress } from "../engine/images/transfer-progress.ts";
import type { StepResult } from "./cache.ts";
import type { BuildHost } from "./host.ts";
import type { StepRoom } from "./context.ts";
import type { StageState } from "./stage-state.ts";

/** A step that a build has taken, by the cache's key. */
export interface DoneStep {
  key: string;
  result: StepResult;
}

/** Of the document that tells what an exported cache holds. */
export const CACHE_TYPE = "application/vnd.gantry.build-cache.v1+json";

/**
 * Results by key, and whose layers are the artifact's: `layer` is a position. Keys are hashes: neither values of
 * build arguments nor anything of a secret can be read from them.
 */
interface CacheDocument {
  steps: { key: string; created: string; layer?: number }[];
  diffIds: Digest[];
}

/** Steps as an artifact: each layer once, in the order in which steps first name it. */
export function exportedSteps(host: Pick<BuildHost, "layers">, steps: readonly DoneStep[]): Artifact {
  const layers = new Map<Digest, { at: number; diffId: Digest }>();
  const entries: CacheDocument["steps"] = [];
  for (const { key, result } of new Map(steps.map((step) => [step.key, step])).values()) {
    const { created, chainId } = result;
    const layer = chainId === undefined ? undefined : host.layers.get(chainId);
    if (layer && !layers.has(layer.chainId)) layers.set(layer.chainId, { at: layers.size, diffId: layer.diffId });
    entries.push({ key, created, ...(layer ? { layer: layers.get(layer.chainId)!.at } : {}) });
  }
  const stored = [...layers].map(([chainId, { diffId }]) => ({ chainId, diffId }));
  const document: CacheDocument = { steps: entries, diffIds: stored.map(({ diffId }) => diffId) };
  return { mediaType: CACHE_TYPE, document: Buffer.from(JSON.stringify(document)), layers: stored };
}

/** An exported cache that is elsewhere. A layer is fetched when its step is reached. */
export class ImportedSteps {
  private readonly artifact: FoundArtifact;
  private readonly diffIds: readonly Digest[];
  private readonly steps: ReadonlyMap<string, CacheDocument["steps"][number]>;

  /** Throws invalid BAD_CACHE. */
  constructor(artifact: FoundArtifact) {
    const { steps, diffIds } = documentOf(artifact);
    this.artifact = artifact;
    this.diffIds = diffIds;
    this.steps = new Map(steps.map((step) => [step.key, step]));
  }

  /** What the step left, with its layer brought here; undefined when it is not known. */
  async find(key: string, state: StageState, room: StepRoom): Promise<StepResult | undefined> {
    const step = this.steps.get(key);
    if (step === undefined) return undefined;
    const { created, layer: at } = step;
    if (at === undefined) return { created };
    const { layers } = room.host;
    const { signal } = room.context;
    const diffId = this.diffIds[at]!;
    const chainId = chainIds([...state.diffIds, diffId]).at(-1)!;
    await room.hold(chainId);
    if (layers.get(chainId) === undefined) {
      const blob = this.artifact.layers[at]!;
      const progress = new LayerProgress((one) => room.transfer(one), room.host.clock, blob.digest.slice(7, 19));
      const body = await this.artifact.open(blob);
      const shown = counted(body, (read) => progress.bytes("Downloading", read, blob.size));
      await layers.addFromTar(state.chain.at(-1), shown, { expect: diffId, signal });
      progress.step("Pull complete");
    }
    return { created, chainId };
  }
}

const bad = (why: string): GantryError => new GantryError("invalid", "BAD_CACHE", `no exported cache: ${why}`);

function documentOf({ document, layers }: FoundArtifact): CacheDocument {
  let parsed: Partial<CacheDocument>;
  try {
    parsed = JSON.parse(document.toString("utf8")) as Partial<CacheDocument>;
  } catch (error) {
    throw bad(messageOf(error));
  }
  const { steps, diffIds } = parsed;
  if (!Array.isArray(diffIds) || !diffIds.every(isSha256)) throw bad("invalid diff ids");
  if (diffIds.length !== layers.length) throw bad(`${diffIds.length} diff ids for ${layers.length} layers`);
  if (!Array.isArray(steps)) throw bad("a list of steps is expected");
  for (const { key, created, layer } of steps) {
    if (typeof key !== "string" || typeof created !== "string" || Number.isNaN(Date.parse(created))) {
      throw bad("a step without key or time");
    }
    if (layer !== undefined && diffIds[layer] === undefined) throw bad(`no layer ${layer}`);
  }
  return { steps, diffIds };
}
