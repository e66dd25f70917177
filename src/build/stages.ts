import type { BuildStep } from "../base/build-events.ts";
import type { Platform } from "../base/image-config.ts";
import { GantryError } from "../base/errors.ts";
import { parsePlatform } from "../base/platform.ts";
import type { NamedContexts } from "./named-contexts.ts";
import { ExpansionError, expandWord } from "./expand.ts";
import type { Dockerfile, Instruction } from "./parse/instruction.ts";
import type { Place } from "../base/excerpt.ts";
import { nearest, Problem } from "./parse/problem.ts";
import { baseOf, checkSources, neededStages, refuseCircles, type Stage } from "./stage-sources.ts";
import { platformArgs } from "./platform.ts";

export interface PlannedStep {
  step: BuildStep;
  instruction: Instruction;
}

export interface PlannedStage {
  stage: Stage;
  from: PlannedStep;
  steps: PlannedStep[];
}

/** What will be done, in order; stages that the target doesn't need are left out. */
export interface BuildPlan {
  /** ARGs before the first FROM, with their values. */
  globals: Map<string, string>;
  globalSteps: PlannedStep[];
  /** All stages, for `--from`. */
  stages: Stage[];
  contexts: NamedContexts;
  planned: PlannedStage[];
  /** The stage whose image is the build's. */
  target: Stage;
}

export interface PlanOptions {
  target?: string;
  /** What stands in place of images and stages of these names. */
  contexts: NamedContexts;
  /** Values of `--build-arg`; null: named without a value. */
  buildArgs: Readonly<Record<string, string | null>>;
  /** Added as the last stage's last instructions, sorted by name. */
  labels: Readonly<Record<string, string>>;
  /** The machine's, and what is built for. */
  buildPlatform: Platform;
  targetPlatform: Platform;
}

/** From instructions to steps. Pure. Throws Problem with a place, and invalid NO_SUCH_STAGE. */
export function planBuild(dockerfile: Dockerfile, options: PlanOptions): BuildPlan {
  const start = dockerfile.instructions.findIndex((instruction) => instruction.kind === "from");
  const globalArgs = dockerfile.instructions.slice(0, start < 0 ? undefined : start);
  if (start < 0) throw new Problem("no build stage in current context", { line: 1, column: 1 });
  const globals = globalValues(globalArgs, options, dockerfile.escape);
  const stages = groupStages(dockerfile, start, globals, options);
  const target = targetStage(stages, options.target);
  const labels = Object.entries(options.labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const last = target.instructions.at(-1)?.origin ?? target.from.origin;
  target.instructions.push(
    ...labels.map(([key, value]): Instruction => {
      const origin = { line: last.endLine, endLine: last.endLine, text: `LABEL ${key}=${value}` };
      return { kind: "label", pairs: [{ key: literal(key), value: literal(value) }], origin };
    }),
  );
  checkSources(stages, options.contexts);
  refuseCircles(stages, options.contexts);
  const needed = neededStages(stages, target.index, options.contexts);
  const wanted = stages.filter((stage) => needed.has(stage.index));
  const total = globalArgs.length + wanted.reduce((sum, { instructions }) => sum + 1 + instructions.length, 0);
  let number = 0;
  const step = (instruction: Instruction, stage?: Stage): PlannedStep => {
    const { line, text } = instruction.origin;
    const at = stage && { stage: { index: stage.index, ...(stage.name === undefined ? {} : { name: stage.name }) } };
    const word = instruction.kind.toUpperCase();
    number += 1;
    return {
      step: { id: String(number), number, total, ...at, line, instruction: word, name: text },
      instruction,
    };
  };
  const globalSteps = globalArgs.map((instruction) => step(instruction));
  const planned = wanted.map((stage) => ({
    stage,
    from: step(stage.from, stage),
    steps: stage.instructions.map((instruction) => step(instruction, stage)),
  }));
  return { globals, globalSteps, stages, contexts: options.contexts, planned, target };
}

/** Quoted so that expansion gives it back as it was. */
const literal = (text: string): string =>
  text
    .split("'")
    .map((part) => `'${part}'`)
    .join(`"'"`);

function globalValues(args: readonly Instruction[], options: PlanOptions, escape: string): Map<string, string> {
  const values = new Map(Object.entries(platformArgs(options.buildPlatform, options.targetPlatform)));
  for (const instruction of args) {
    if (instruction.kind !== "arg") continue;
    for (const { key, value } of instruction.args) {
      const given = options.buildArgs[key] ?? undefined;
      const text = given ?? (value === undefined ? undefined : expandAt(instruction, value, values, escape));
      if (text !== undefined) values.set(key, text);
    }
  }
  return values;
}

function expandAt(at: Instruction, text: string, values: ReadonlyMap<string, string>, escape: string): string {
  try {
    return expandWord(text, (name) => values.get(name), escape);
  } catch (error) {
    if (!(error instanceof ExpansionError)) throw error;
    throw new Problem(error.message, { line: at.origin.line, column: 1 }, at.origin.text.length);
  }
}

function groupStages(
  dockerfile: Dockerfile,
  start: number,
  globals: ReadonlyMap<string, string>,
  options: PlanOptions,
): Stage[] {
  const stages: Stage[] = [];
  for (const instruction of dockerfile.instructions.slice(start)) {
    if (instruction.kind !== "from") {
      stages.at(-1)?.instructions.push(instruction);
      continue;
    }
    const { as, origin } = instruction;
    const at = { line: origin.line, column: 1 };
    const image = expandAt(instruction, instruction.image, globals, dockerfile.escape);
    if (image === "") throw blankBase(instruction.image, at, origin.text.length);
    const wanted = instruction.platform && expandAt(instruction, instruction.platform, globals, dockerfile.escape);
    stages.push({
      index: stages.length,
      ...(as === undefined ? {} : { name: as }),
      from: instruction,
      base: baseOf(image, stages, options.contexts, wanted ? parsePlatform(wanted, options.targetPlatform) : undefined),
      instructions: [],
    });
  }
  return stages;
}

function blankBase(written: string, at: Place, width: number): Problem {
  const name = /\$\{?(\w+)/.exec(written)?.[1];
  const hint =
    name === undefined ? undefined : `${name} has no value: --build-arg ${name}=…, or ARG ${name}=… before FROM`;
  return new Problem(`base name (${written}) should not be blank`, at, width, undefined, hint);
}

function targetStage(stages: readonly Stage[], target: string | undefined): Stage {
  const last = stages.at(-1);
  if (last === undefined) throw new Problem("no build stage in current context", { line: 1, column: 1 });
  if (target === undefined || target === "") return last;
  const found = stages.findLast((stage) => stage.name === target.toLowerCase()) ?? stages[indexOf(target)];
  if (found) return found;
  const names = stages.flatMap((stage) => stage.name ?? []);
  const meant = nearest(target, names);
  throw new GantryError("invalid", "NO_SUCH_STAGE", `target stage "${target}" could not be found`, {
    hint: meant
      ? `did you mean ${meant}?`
      : names.length > 0
        ? `stages are ${names.join(", ")}`
        : "no stage has a name",
  });
}

const indexOf = (text: string): number => (/^\d+$/.test(text) ? Number(text) : -1);
