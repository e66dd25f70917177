import type { BuildStep } from "../base/build-events.ts";
import type { Platform } from "../base/image-config.ts";
import { GantryError } from "../base/errors.ts";
import { parsePlatform } from "../base/platform.ts";
import { contextBase, type NamedContexts } from "./named-contexts.ts";
import { ExpansionError, expandWord } from "./expand.ts";
import type { Dockerfile, Instruction, Of } from "./parse/instruction.ts";
import type { Place } from "../base/excerpt.ts";
import { nearest, Problem } from "./parse/problem.ts";
import { platformArgs } from "./platform.ts";

/** What FROM or `--from` names. */
export type Base =
  | { kind: "scratch" }
  | { kind: "stage"; index: number }
  | { kind: "image"; reference: string; platform?: Platform }
  | { kind: "folder"; name: string; key: string };

export interface Stage {
  index: number;
  name?: string;
  from: Of<"from">;
  base: Base;
  instructions: Instruction[];
}

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
  return { globals, globalSteps, stages, contexts: options.contexts, planned };
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

function baseOf(image: string, stages: readonly Stage[], contexts: NamedContexts, platform?: Platform): Base {
  const given = contextBase(image, contexts, platform);
  if (given) return given;
  if (image === "scratch") return { kind: "scratch" };
  const stage = stages.findLast((candidate) => candidate.name === image.toLowerCase());
  if (stage) return { kind: "stage", index: stage.index };
  return { kind: "image", reference: image, ...(platform === undefined ? {} : { platform }) };
}

/** What `--from` means inside stage `current`: a context of that name, an earlier stage by name or number, else an image. */
export function sourceOf(from: string, stages: readonly Stage[], current: number, contexts: NamedContexts): Base {
  const given = contextBase(from, contexts);
  if (given) return given;
  const named = stages.findLast((stage) => stage.name === from.toLowerCase() && stage.index < current);
  if (named) return { kind: "stage", index: named.index };
  if (/^\d+$/.test(from)) {
    const index = Number(from);
    if (index === current) {
      throw new GantryError("invalid", "BAD_STAGE", `invalid from flag value ${from}: refers to current build stage`);
    }
    if (index > current || index >= stages.length) {
      throw new GantryError("invalid", "BAD_STAGE", `invalid from flag value ${from}: invalid stage index ${from}`);
    }
    return { kind: "stage", index };
  }
  if (stages[current]?.name === from.toLowerCase()) {
    throw new GantryError("invalid", "BAD_STAGE", `invalid from flag value ${from}: refers to current build stage`);
  }
  return baseOf(from, [], contexts);
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

/** Also in stages that the target doesn't need: a mistake is one wherever it stands. */
function checkSources(stages: readonly Stage[], contexts: NamedContexts): void {
  for (const stage of stages) {
    for (const instruction of stage.instructions) {
      try {
        for (const from of sourcesNamed(instruction)) sourceOf(from, stages, stage.index, contexts);
      } catch (error) {
        if (!(error instanceof GantryError)) throw error;
        const { line, text } = instruction.origin;
        throw new Problem(error.message, { line, column: 1 }, text.length);
      }
    }
  }
}

function neededStages(stages: readonly Stage[], target: number, contexts: NamedContexts): Set<number> {
  const needed = new Set<number>();
  const visit = (index: number): void => {
    const stage = stages[index];
    if (stage === undefined || needed.has(index)) return;
    needed.add(index);
    if (stage.base.kind === "stage") visit(stage.base.index);
    for (const instruction of stage.instructions) {
      for (const one of stagesNamed(instruction, stages, index, contexts)) visit(one);
    }
  };
  visit(target);
  return needed;
}

/** The stages that an instruction of stage `current` takes files from. */
export function stagesNamed(
  instruction: Instruction,
  stages: readonly Stage[],
  current: number,
  contexts: NamedContexts,
): number[] {
  return sourcesNamed(instruction).flatMap((from) => {
    const source = sourceOf(from, stages, current, contexts);
    return source.kind === "stage" ? [source.index] : [];
  });
}

function sourcesNamed(instruction: Instruction): string[] {
  if (instruction.kind === "copy") return instruction.from === undefined ? [] : [instruction.from];
  if (instruction.kind === "run") return instruction.mounts.flatMap((mount) => mount.from ?? []);
  return [];
}
