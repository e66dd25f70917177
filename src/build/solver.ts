import { GantryError, isGantryError, prefixed } from "../base/errors.ts";
import type { Digest, HistoryEntry, Platform } from "../base/image-config.ts";
import type { ImageRecord } from "../engine/images/contract.ts";
import type { Hold } from "../engine/images/holds.ts";
import { runsOn } from "../base/platform.ts";
import { StageArgs, unusedArgs } from "./build-args.ts";
import { CacheSession, stepKey } from "./cache.ts";
import type { BuildContext, SourceTree, StageWork, StepChange, StepRoom } from "./context.ts";
import { CopyStep } from "./copy-step.ts";
import { expandInstruction } from "./expand-instruction.ts";
import type { BuildHost } from "./host.ts";
import { applyMetadata, cleanPath, envValue, shellOf } from "./metadata.ts";
import { parseInstruction } from "./parse/dockerfile.ts";
import { dockerfileError, Problem } from "./parse/problem.ts";
import type { Dockerfile, Instruction } from "./parse/instruction.ts";
import { RunStepper } from "./run-step.ts";
import { type Base, type BuildPlan, type PlannedStage, sourceOf } from "./stages.ts";
import { emptyState, imageConfigOf, provisionalId, shortId, type StageState, stateOf } from "./stage-state.ts";

/** Carries out one plan. */
export class Solver implements StepRoom {
  readonly host: BuildHost;
  readonly context: BuildContext;
  readonly plan: BuildPlan;
  private readonly dockerfile: Dockerfile;
  readonly cache: CacheSession;
  private readonly hold: Hold;
  private readonly copies: CopyStep;
  private readonly runs: RunStepper;
  private readonly results = new Map<number, StageState>();
  private readonly declared = new Set<string>();
  private readonly closers: (() => Promise<void>)[] = [];
  private readonly trees = new Map<string, SourceTree>();
  private readonly extraHolds: Hold[] = [];

  constructor(
    host: BuildHost,
    context: BuildContext,
    dockerfile: Dockerfile,
    plan: BuildPlan,
    hold: Hold,
    runs: RunStepper,
  ) {
    this.host = host;
    this.context = context;
    this.dockerfile = dockerfile;
    this.plan = plan;
    this.hold = hold;
    this.runs = runs;
    this.cache = new CacheSession(host.state, (chainId) => host.layers.get(chainId) !== undefined);
    this.copies = new CopyStep(this);
  }

  say(text: string): void {
    this.context.onProgress({ stream: text });
  }

  /** All stages; the image of the last one, with its names. */
  async solve(): Promise<ImageRecord> {
    for (const warning of this.dockerfile.warnings) this.say(`[WARNING]: ${warning}\n`);
    for (const { number, instruction } of this.plan.globalSteps) {
      this.announce(number, instruction);
      if (instruction.kind === "arg") for (const { key } of instruction.args) this.declared.add(key);
    }
    let image: ImageRecord | undefined;
    for (const [position, planned] of this.plan.planned.entries()) {
      image = await this.stage(planned, position === this.plan.planned.length - 1);
    }
    if (image === undefined) {
      throw new GantryError("invalid", "EMPTY_BUILD", "No image was generated. Is your Dockerfile empty?");
    }
    const unused = unusedArgs(this.context.request.buildArgs, this.declared);
    if (unused.length > 0) this.say(`[Warning] One or more build-args [${unused.join(" ")}] were not consumed\n`);
    return image;
  }

  /** Keeps what was built for the next time, and lets go of all that was opened. Goes on past errors. */
  async close(built: boolean): Promise<void> {
    const errors: unknown[] = [];
    const attempt = async (work: () => Promise<void> | void): Promise<void> => {
      try {
        await work();
      } catch (error) {
        errors.push(error);
      }
    };
    for (const closer of this.closers.toReversed()) await attempt(closer);
    await attempt(async () => {
      if (!built && this.cache.hasLayers) await this.host.layers.sync();
      this.cache.flush();
    });
    for (const hold of this.extraHolds) hold.release();
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, "several parts of the build could not be put away");
  }

  private announce(number: number, instruction: Instruction): void {
    this.say(`Step ${number}/${this.plan.total} : ${instruction.origin.text}\n`);
  }

  private async stage(planned: PlannedStage, last: boolean): Promise<ImageRecord | undefined> {
    const { stage, from, steps } = planned;
    this.announce(from.number, from.instruction);
    const args = new StageArgs(this.context.request.buildArgs, this.plan.globals);
    const work: StageWork = { state: await this.begin(stage.base), args, index: stage.index, cmdSet: false };
    let image = steps.length === 0 && last ? await this.triggersAndFinish(work) : await this.triggers(work);
    this.say(` ---> ${shortId(work.state.imageId)}\n`);
    for (const [position, { number, instruction }] of steps.entries()) {
      this.stopIfCanceled();
      this.announce(number, instruction);
      await this.dispatch(work, instruction, this.dockerfile.escape);
      if (last && position === steps.length - 1) image = await this.finish(work);
      this.say(` ---> ${shortId(work.state.imageId)}\n`);
    }
    this.results.set(stage.index, work.state);
    if (work.state.imageId !== "") this.context.onProgress({ aux: { ID: work.state.imageId } });
    return image;
  }

  private async triggersAndFinish(work: StageWork): Promise<ImageRecord | undefined> {
    await this.triggers(work);
    return this.finish(work);
  }

  /** Stores the stage as an image, unless it is one already. */
  private async finish(work: StageWork): Promise<ImageRecord | undefined> {
    const { tags } = this.context.request;
    const { state } = work;
    if (state.imageId === "") return undefined;
    if (state.untouched !== undefined) {
      for (const tag of tags) await this.host.tag(state.untouched.id, tag);
      return state.untouched;
    }
    const image = await this.host.images.add(imageConfigOf(state), state.chain, tags, { sync: this.cache.hasLayers });
    work.state = { ...state, imageId: image.id };
    return image;
  }

  private stopIfCanceled(): void {
    if (this.context.signal.aborted) throw new GantryError("canceled", "BUILD_CANCELED", "build cancelled");
  }

  private async begin(base: Base): Promise<StageState> {
    if (base.kind === "scratch") return emptyState(this.context.request.platform ?? this.host.platform);
    if (base.kind === "stage") return this.result(base.index);
    return stateOf(await this.image(base.reference, base.platform));
  }

  private result(index: number): StageState {
    const state = this.results.get(index);
    if (state) return state;
    const name = this.plan.stages[index]?.name ?? String(index);
    throw new GantryError("invalid", "BAD_STAGE", `stage ${name} is not part of this build`, {
      hint: "a trigger of the base image asks for it: name it in a COPY --from of this Dockerfile too",
    });
  }

  /** The image from here or, failing that (or with --pull), from its registry. Its layers are held. */
  private async image(reference: string, wanted: Platform | undefined): Promise<ImageRecord> {
    const { request, onProgress, signal } = this.context;
    const platform = wanted ?? request.platform;
    const local = request.pull ? undefined : this.localImage(reference, platform);
    const found =
      local ??
      (await this.host.pull(reference, {
        auth: request.auth,
        onProgress,
        signal,
        ...(platform === undefined ? {} : { platform }),
      }));
    await this.holdAll(found.chain);
    return found;
  }

  private localImage(reference: string, platform: Platform | undefined): ImageRecord | undefined {
    try {
      const found = this.host.images.resolve(reference);
      return platform === undefined || runsOn(platform, found.config) ? found : undefined;
    } catch (error) {
      if (isGantryError(error, "NO_SUCH_IMAGE")) return undefined;
      throw error;
    }
  }

  private async holdAll(chain: readonly Digest[]): Promise<void> {
    this.extraHolds.push(await this.host.holds.take(chain));
  }

  /** ONBUILD triggers of the base image. */
  private async triggers(work: StageWork): Promise<undefined> {
    const triggers = work.state.config.OnBuild ?? [];
    if (triggers.length === 0) return undefined;
    this.say(`# Executing ${triggers.length} build trigger${triggers.length > 1 ? "s" : ""}\n`);
    work.state = { ...work.state, config: { ...work.state.config, OnBuild: null } };
    for (const trigger of triggers) {
      this.stopIfCanceled();
      try {
        await this.dispatch(work, parseInstruction(trigger, "ONBUILD"), "\\");
      } catch (error) {
        // Its line is the trigger's, not this Dockerfile's.
        throw error instanceof Problem ? dockerfileError(error, "ONBUILD", trigger.split("\n")) : error;
      }
    }
    return undefined;
  }

  sourceTree(from: string | undefined, stage: number): SourceTree {
    if (from === undefined) return { open: async () => this.context.root, isContext: true };
    const known = this.trees.get(from);
    if (known) return known;
    const base = sourceOf(from, this.plan.stages, stage);
    const tree =
      base.kind === "image" ? this.imageTree(base.reference) : this.chainTree(async () => await this.begin(base));
    this.trees.set(from, tree);
    return tree;
  }

  private imageTree(reference: string): SourceTree {
    return this.chainTree(async () => {
      try {
        return stateOf(await this.image(reference, undefined));
      } catch (error) {
        throw prefixed(`invalid from flag value ${reference}`, error);
      }
    });
  }

  private chainTree(state: () => Promise<StageState>): SourceTree {
    let found: Promise<StageState> | undefined;
    let opened: Promise<string> | undefined;
    const once = (): Promise<StageState> => (found ??= state());
    return {
      isContext: false,
      chainId: async () => (await once()).chain.at(-1) ?? "empty",
      open: () => (opened ??= once().then(({ chain }) => this.view(chain.at(-1)))),
    };
  }

  /** A chain's files, read-only, until the build ends. */
  private async view(chainId: Digest | undefined): Promise<string> {
    if (chainId === undefined) return this.scratch();
    const view = await this.host.layers.view(`build-${this.host.ids.id()}`, chainId);
    this.closers.push(() => view.close());
    return view.path;
  }

  async scratch(): Promise<string> {
    const folder = await this.host.files.scratch();
    this.closers.push(() => this.host.files.discard(folder));
    return folder;
  }

  private async dispatch(work: StageWork, written: Instruction, escape: string): Promise<void> {
    const env = work.state.config.Env ?? [];
    if (written.kind === "arg") {
      // One after the other: a later default may use an earlier ARG.
      for (const arg of written.args) {
        const one = expandInstruction(
          { ...written, args: [arg] },
          (name) => envValue(env, name) ?? work.args.get(name),
          escape,
        );
        if (one.kind === "arg") work.args.declare(one.args);
        this.declared.add(arg.key);
      }
      const text = written.args.map(({ key, value }) => (value === undefined ? key : `${key}=${value}`)).join(" ");
      return this.metadata(work, `ARG ${text}`);
    }
    const instruction = expandInstruction(written, (name) => envValue(env, name) ?? work.args.get(name), escape);
    switch (instruction.kind) {
      case "from":
      case "arg":
        throw new Error(`${instruction.kind} is no step of a stage`);
      case "maintainer":
        return this.metadata(work, `MAINTAINER ${instruction.name}`, { author: instruction.name });
      case "run":
        return this.apply(work, await this.runs.plan(this, work, instruction));
      case "copy":
      case "add":
        return this.apply(work, await this.copies.plan(work, instruction));
      case "workdir":
        return this.apply(work, this.workdir(work, instruction.path));
      default: {
        const { config, comment } = applyMetadata(work.state.config, instruction, work.cmdSet);
        await this.metadata(work, comment, { config });
        work.cmdSet ||= instruction.kind === "cmd";
      }
    }
  }

  private metadata(work: StageWork, comment: string, set?: StepChange["set"]): Promise<void> {
    const createdBy = `${shellOf(work.state.config).join(" ")} #(nop)  ${comment}`;
    return this.apply(work, {
      key: ["metadata", comment, set ?? null],
      createdBy,
      container: true,
      ...(set ? { set } : {}),
    });
  }

  private workdir(work: StageWork, path: string): StepChange {
    const instruction = { kind: "workdir" as const, path, origin: { line: 0, endLine: 0, text: "" } };
    const { config, comment } = applyMetadata(work.state.config, instruction, work.cmdSet);
    return {
      key: ["workdir", comment],
      createdBy: `${shellOf(work.state.config).join(" ")} #(nop) ${comment}`,
      set: { config },
      container: true,
      effect: (id, state) =>
        this.inWorkspace(id, state, async (root) => {
          this.host.files.makeFolder(root, cleanPath(config.WorkingDir ?? "/"));
        }),
    };
  }

  async inWorkspace(
    id: string,
    state: StageState,
    work: (root: string, workspaceId: string) => Promise<void>,
  ): Promise<Digest | undefined> {
    const { layers, files } = this.host;
    const workspaceId = `build-${id}`;
    let done = false;
    try {
      const workspace = await layers.mount(workspaceId, state.chain.at(-1));
      await work(workspace.mountPoint, workspaceId);
      if (files.isEmpty(workspace.upper)) return undefined;
      const layer = await layers.addFromWorkspace(workspaceId);
      done = true;
      this.hold.add(layer.chainId);
      return layer.chainId;
    } finally {
      if (!done) await layers.removeWorkspace(workspaceId);
    }
  }

  /** One step: from the cache or by its effect. */
  private async apply(work: StageWork, change: StepChange): Promise<void> {
    const { state } = work;
    const { request } = this.context;
    const key = stepKey(state, change.key);
    const hit = request.noCache ? undefined : await this.hit(key);
    let entry = hit;
    if (hit) this.say(" ---> Using cache\n");
    if (entry === undefined) {
      const id = this.host.ids.id();
      if (change.container) this.say(` ---> Running in ${shortId(id)}\n`);
      const chainId = await change.effect?.(id, state);
      entry = { created: this.host.clock.stamp(), ...(chainId === undefined ? {} : { chainId }) };
      this.cache.put(key, entry);
      if (change.container && request.remove) this.say(`Removing intermediate container ${shortId(id)}\n`);
    }
    const layer = entry.chainId === undefined ? undefined : this.host.layers.get(entry.chainId);
    const history: HistoryEntry = {
      created: entry.created,
      created_by: change.createdBy,
      ...(change.set && "author" in change.set
        ? { author: change.set.author }
        : state.author
          ? { author: state.author }
          : {}),
      ...(layer === undefined ? { empty_layer: true } : {}),
    };
    const next: StageState = {
      ...state,
      ...change.set,
      chain: layer === undefined ? state.chain : [...state.chain, layer.chainId],
      diffIds: layer === undefined ? state.diffIds : [...state.diffIds, layer.diffId],
      history: [...state.history, history],
      created: entry.created,
    };
    delete next.untouched;
    work.state = { ...next, imageId: provisionalId(next) };
  }

  private async hit(key: string): Promise<ReturnType<CacheSession["find"]>> {
    const entry = this.cache.find(key);
    if (entry?.chainId === undefined) return entry;
    await this.holdAll([entry.chainId]);
    return this.cache.find(key); // it may have been removed before the hold was there
  }
}
