import type { BuildEvent, BuildStep, Miss } from "../base/build-events.ts";
import type { Digest, HistoryEntry } from "../base/image-config.ts";
import type { ProgressEvent } from "../base/progress.ts";
import { type BuildCache, stateKey, stepKey, type StepResult } from "./cache.ts";
import type { ImportedCache } from "./imported-cache.ts";
import type { BuildContext, SourceTree, StageWork, StepChange, StepRoom } from "./context.ts";
import type { DoneStep } from "./exported-steps.ts";
import type { BuildHost } from "./host.ts";
import type { InFlight, News } from "./in-flight.ts";
import type { Misses } from "./misses.ts";
import type { BuildScope } from "./scope.ts";
import type { Sources } from "./sources.ts";
import { provisionalId, type StageState } from "./stage-state.ts";
import type { StepRecord } from "./step-record.ts";

/** What the steps of one build share. */
export interface StepDeps {
  host: BuildHost;
  context: BuildContext;
  cache: BuildCache;
  inFlight: InFlight;
  scope: BuildScope;
  sources: Sources;
  imported: ImportedCache;
  misses: Misses;
}

/** Where a step stands among those of its stage; all that its record needs besides what it does. */
export type StepPlace = Pick<StepRecord, "stage" | "position" | "from" | "parent"> & {
  useCache: boolean;
  /** The last step below that was not in the cache. */
  missed?: string;
};

export interface StepOutcome {
  done: DoneStep;
  cached: boolean;
  shared: boolean;
  /** Of its layer. */
  bytes?: number;
}

interface Attempt {
  key: string;
  place: StepPlace;
  record: () => StepRecord;
}

/** One step of a stage: from the cache, from whoever does the same now, or by its own effect. */
export class StepRun implements StepRoom {
  readonly step: BuildStep;
  readonly host: BuildHost;
  readonly context: BuildContext;
  readonly cache: BuildCache;
  private readonly deps: StepDeps;
  private missed = false;

  constructor(deps: StepDeps, step: BuildStep) {
    this.deps = deps;
    this.step = step;
    this.host = deps.host;
    this.context = deps.context;
    this.cache = deps.cache;
  }

  /** Replaced while the step's effect runs, so that others who wait for it hear it too. */
  private tell = (news: News): void => this.emit({ ...news, step: this.step.id });

  emit(event: BuildEvent): void {
    this.context.emit(event);
  }

  output(stream: "stdout" | "stderr", text: string): void {
    this.tell({ kind: "output", stream, text });
  }

  transfer(progress: ProgressEvent): void {
    this.emit({ kind: "transfer", step: this.step.id, progress });
  }

  sourceTree(from: string | undefined): SourceTree {
    return this.deps.sources.tree(from, (progress) => this.transfer(progress));
  }

  scratch(): Promise<string> {
    return this.deps.scope.scratch();
  }

  hold(chainId: Digest): Promise<void> {
    return this.deps.scope.hold([chainId]);
  }

  inWorkspace: StepRoom["inWorkspace"] = (id, state, work) =>
    this.deps.scope.inWorkspace(id, state, work, this.context.epoch);

  /** Takes the stage one step further. */
  async apply(work: StageWork, change: StepChange, place: StepPlace): Promise<StepOutcome> {
    const base = stateKey(work.state, this.context.epoch);
    const key = stepKey(base, change.key);
    const record = (): StepRecord => ({
      stage: place.stage,
      position: place.position,
      line: this.step.line,
      text: this.step.name,
      base,
      from: place.from,
      inputs: change.inputs(),
      created: this.host.clock.stamp(),
      ...(place.parent === undefined ? {} : { parent: place.parent }),
      uses: 0,
    });
    const attempt = { key, place, record };
    const known = await this.known(work.state, change, attempt);
    const result = known?.result ?? (await this.make(work.state, change, attempt));
    const outcome: StepOutcome = {
      done: { key, result },
      cached: known?.shared === false,
      shared: known?.shared === true,
    };
    const layer = result.chainId === undefined ? undefined : this.host.layers.get(result.chainId);
    if (layer !== undefined) outcome.bytes = layer.size;
    work.state = next(work.state, change, result, layer);
    return outcome;
  }

  /** The cache's result, or that of whoever is at the same work. */
  private async known(
    state: StageState,
    change: StepChange,
    { key, place, record }: Attempt,
  ): Promise<{ result: StepResult; shared: boolean } | undefined> {
    if (!place.useCache) return undefined;
    const { inFlight, scope, imported } = this.deps;
    let shared = false;
    for (;;) {
      const work = inFlight.join(key, this.context.signal, this.tell);
      if (work !== undefined) {
        this.miss({ key, place, record });
        shared = await work;
        continue;
      }
      const result = this.cache.find(key);
      if (result === undefined) break;
      if (result.chainId !== undefined) await scope.hold([result.chainId]);
      if (this.cache.find(key) === undefined) continue; // removed before the hold was there
      this.cache.touch(key);
      return { result, shared };
    }
    const found = await imported.find({ key, state, createdBy: change.createdBy }, this);
    if (found === undefined) return undefined;
    this.cache.put(key, found, record());
    return { result: found, shared: false };
  }

  private async make(state: StageState, change: StepChange, { key, place, record }: Attempt): Promise<StepResult> {
    const { effect } = change;
    this.miss({ key, place, record });
    const id = this.host.ids.id();
    if (effect === undefined) {
      if (change.container) this.tell({ kind: "running", container: id });
      return this.put(key, record, undefined);
    }
    const perform = async (): Promise<StepResult> => {
      if (change.container) this.tell({ kind: "running", container: id });
      return this.put(key, record, await effect(id, state));
    };
    // Nobody else is to wait for a shell.
    if (!place.useCache || this.context.request.shellOnFail) return perform();
    const own = this.tell;
    return this.deps.inFlight.run(key, this.context.signal, own, (tell) => {
      this.tell = tell;
      return perform();
    });
  }

  private put(key: string, record: () => StepRecord, chainId: StepResult["chainId"]): StepResult {
    const { epoch } = this.context;
    const created = epoch === undefined ? this.host.clock.stamp() : epochStamp(epoch);
    const result = { created, ...(chainId === undefined ? {} : { chainId }) };
    this.cache.put(key, result, record());
    return result;
  }

  private miss({ key, place, record }: Attempt): void {
    if (this.missed) return;
    this.missed = true;
    const why: Miss | undefined = this.context.request.explain
      ? this.deps.misses.explain(key, record(), place)
      : undefined;
    this.emit({ kind: "missed", step: this.step.id, ...(why === undefined ? {} : { why }) });
  }
}

/** RFC 3339. */
const epochStamp = (epoch: number): string => new Date(epoch * 1000).toISOString().replace(".000Z", "Z");

function next(
  state: StageState,
  change: StepChange,
  { created }: StepResult,
  layer: ReturnType<BuildHost["layers"]["get"]>,
): StageState {
  const author = change.set && "author" in change.set ? change.set.author : state.author;
  const history: HistoryEntry = {
    created,
    created_by: change.createdBy,
    ...(author ? { author } : {}),
    ...(layer === undefined ? { empty_layer: true } : {}),
  };
  const next: StageState = {
    ...state,
    ...change.set,
    chain: layer === undefined ? state.chain : [...state.chain, layer.chainId],
    diffIds: layer === undefined ? state.diffIds : [...state.diffIds, layer.diffId],
    history: [...state.history, history],
    created,
  };
  delete next.untouched;
  return { ...next, imageId: provisionalId(next) };
}
