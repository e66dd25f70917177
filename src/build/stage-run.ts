import type { BuildEvent, BuildStage, BuildStep } from "../base/build-events.ts";
import { GantryError, messageOf } from "../base/errors.ts";
import { excerpt } from "../base/excerpt.ts";
import type { ImageRecord } from "../engine/images/contract.ts";
import { StageArgs } from "./build-args.ts";
import type { StageWork } from "./context.ts";
import { changeOf } from "./instruction-change.ts";
import type { DoneStep } from "./exported-steps.ts";
import { noFolderBase } from "./named-contexts.ts";
import { parseInstruction } from "./parse/dockerfile.ts";
import type { Instruction } from "./parse/instruction.ts";
import { dockerfileError, Problem } from "./parse/problem.ts";
import { keepsImage } from "./outputs.ts";
import type { DockerfileSource } from "./read-build.ts";
import type { RunStepper } from "./run-step.ts";
import type { StageResult } from "./sources.ts";
import { emptyState, imageConfigOf, stateOf } from "./stage-state.ts";
import { stagesNamed } from "./stage-sources.ts";
import type { BuildPlan, PlannedStage } from "./stages.ts";
import { type StepDeps, type StepOutcome, StepRun } from "./step-run.ts";

/** What the stages of one build share. */
export interface StageDeps extends StepDeps {
  plan: BuildPlan;
  runs: RunStepper;
  source: DockerfileSource;
  escape: string;
  /** Names that an ARG took, of all stages. */
  declared: Set<string>;
  /** The first error ends the build: all that is under way stops. */
  fail(error: unknown): void;
}

/** What a build made. */
export interface BuiltImage {
  image: ImageRecord;
  /** It was not here before. */
  fresh: boolean;
}

/** Builds one stage, step by step; waits for other stages where a step needs them. */
export class StageRun {
  private readonly deps: StageDeps;
  private readonly planned: PlannedStage;
  /** The last one: its image is the build's. */
  readonly target: boolean;
  private readonly name: string;
  private readonly work: StageWork;
  private from: StageResult["from"] = ["scratch", ""];
  private missed: string | undefined;
  /** Its steps, and those of the stage below. */
  private readonly done: DoneStep[] = [];
  private position = 0;
  /** Set once the target is stored. */
  made: BuiltImage | undefined;
  readonly counts = { steps: 0, cached: 0 };

  constructor(deps: StageDeps, planned: PlannedStage, target: boolean) {
    this.deps = deps;
    this.planned = planned;
    this.target = target;
    const { stage } = planned;
    this.name = stage.name ?? String(stage.index);
    const { request } = deps.context;
    const args = new StageArgs(request.buildArgs, deps.plan.globals);
    this.work = { state: emptyState(request.platform ?? deps.host.platform), args, index: stage.index, cmdSet: false };
  }

  async run(): Promise<StageResult> {
    const { from, steps } = this.planned;
    await this.base(from.step, from.instruction, steps.length === 0);
    for (const [index, { step, instruction }] of steps.entries()) {
      await this.step(step, instruction, this.deps.escape, index === steps.length - 1);
    }
    const { state } = this.work;
    this.deps.context.emit({ kind: "stageDone", stage: this.stage, image: state.imageId });
    return { state, from: this.from, steps: this.done, ...(this.missed === undefined ? {} : { missed: this.missed }) };
  }

  private get stage(): BuildStage {
    const { index, name } = this.planned.stage;
    return { index, ...(name === undefined ? {} : { name }) };
  }

  /** FROM, and what the base image's ONBUILD triggers do. */
  private async base(step: BuildStep, { origin }: Instruction, last: boolean): Promise<void> {
    const { base } = this.planned.stage;
    const below = base.kind === "stage" ? await this.deps.sources.stage(base.index) : undefined;
    await this.during(step, async (run) => {
      if (below !== undefined) {
        this.work.state = below.state;
        this.from = below.from;
        this.missed = below.missed;
        this.done.push(...below.steps);
      } else if (base.kind === "folder" || base.kind === "remote") throw noFolderBase(base.name);
      else if (base.kind === "image") {
        const image = await this.deps.sources.image(base.reference, base.platform, (progress) =>
          run.transfer(progress),
        );
        this.work.state = stateOf(image);
        this.from = [base.reference, image.id];
      }
      await this.triggers(step, origin.line);
      if (last && this.target) await this.store();
      return { cached: true, shared: false };
    });
  }

  private async triggers(step: BuildStep, line: number): Promise<void> {
    const { state } = this.work;
    const triggers = state.config.OnBuild ?? [];
    if (triggers.length === 0) return;
    const steps = triggers.map((name, n): BuildStep => {
      const instruction = name.split(/\s/, 1)[0]!.toUpperCase();
      return { ...step, id: `${step.id}.${n + 1}`, line, instruction, name, parent: step.id };
    });
    this.deps.context.emit({ kind: "planned", steps });
    this.work.state = { ...state, config: { ...state.config, OnBuild: null } };
    for (const [n, trigger] of triggers.entries()) {
      try {
        await this.step(steps[n]!, parseInstruction(trigger, "ONBUILD"), "\\", false);
      } catch (error) {
        // Its line is the trigger's, not this Dockerfile's.
        throw error instanceof Problem ? dockerfileError(error, "ONBUILD", trigger.split("\n")) : error;
      }
    }
  }

  private async step(step: BuildStep, instruction: Instruction, escape: string, last: boolean): Promise<void> {
    const { deps, work } = this;
    for (const index of stagesNamed(instruction, deps.plan.stages, deps.plan.contexts)) {
      // Nobody looked for circles among the triggers of base images.
      if (step.parent !== undefined && index >= work.index) throw laterStage(index);
      await deps.sources.stage(index);
    }
    await this.during(step, async (run) => {
      if (instruction.kind === "arg") for (const { key } of instruction.args) deps.declared.add(key);
      const change = await changeOf(run, work, instruction, { runs: deps.runs, escape });
      const parent = this.done.at(-1)?.key;
      const outcome = await run.apply(work, change, {
        stage: this.name,
        position: this.position++,
        from: this.from,
        useCache: this.useCache,
        ...(parent === undefined ? {} : { parent }),
        ...(this.missed === undefined ? {} : { missed: this.missed }),
      });
      this.done.push(outcome.done);
      this.counts.steps++;
      if (outcome.cached) this.counts.cached++;
      else this.missed = step.id;
      if (last && this.target) await this.store();
      return outcome;
    });
  }

  private get useCache(): boolean {
    const { noCache, noCacheFilter } = this.deps.context.request;
    const { name, index } = this.planned.stage;
    return !noCache && !noCacheFilter.some((one) => one.toLowerCase() === name || one === String(index));
  }

  /** Tells of a step's beginning and of its end, whatever that is. */
  private async during(step: BuildStep, act: (run: StepRun) => Promise<Omit<StepOutcome, "done">>): Promise<void> {
    const { context, host } = this.deps;
    if (context.signal.aborted) throw canceled();
    const began = host.clock.now();
    const ms = (): number => host.clock.now() - began;
    context.emit({ kind: "started", step: step.id, at: new Date(began).toISOString() });
    try {
      const { cached, shared, bytes } = await act(new StepRun(this.deps, step));
      context.emit({
        ...{ kind: "done", step: step.id, cached, ms: ms(), image: this.work.state.imageId },
        ...(shared && { shared }),
        ...(bytes === undefined ? {} : { bytes }),
      });
    } catch (error) {
      if (context.signal.aborted) context.emit({ kind: "canceled", step: step.id, ms: ms() });
      else {
        const code = error instanceof GantryError ? (error.details?.["exitCode"] as number | undefined) : undefined;
        context.emit({
          ...{ kind: "failed", step: step.id, ms: ms(), message: messageOf(error) },
          ...(code === undefined ? {} : { code }),
          ...sourceOf(step, this.deps.source),
        });
        this.deps.fail(error);
      }
      throw error;
    }
  }

  /** Makes the target an image, unless it is one already. */
  private async store(): Promise<void> {
    const { host, context } = this.deps;
    const tags = keepsImage(context.request.outputs) ? context.request.tags : [];
    const { state } = this.work;
    if (state.imageId === "") return;
    if (state.untouched !== undefined) {
      for (const tag of tags) await host.tag(state.untouched.id, tag);
      this.made = { image: state.untouched, fresh: false };
      return;
    }
    const fresh = !this.deps.sources.isHere(state.imageId);
    const image = await host.images.add(imageConfigOf(state), state.chain, tags);
    this.made = { image, fresh };
    this.work.state = { ...state, imageId: image.id };
  }
}

const laterStage = (index: number): GantryError =>
  new GantryError(
    "invalid",
    "BAD_STAGE",
    `a trigger of the base image takes files of stage ${index}, which is not built yet`,
  );

/** Where a step stands in the Dockerfile, as an event tells it. */
function sourceOf(
  { line }: BuildStep,
  { name, lines }: DockerfileSource,
): Pick<Extract<BuildEvent, { kind: "failed" }>, "source"> {
  const text = lines[line - 1];
  if (text === undefined) return {};
  const column = text.length - text.trimStart().length + 1;
  return { source: { file: name, line, excerpt: excerpt(text, { line, column }, text.trim().length) } };
}

export const canceled = (): GantryError => new GantryError("canceled", "BUILD_CANCELED", "build cancelled");
