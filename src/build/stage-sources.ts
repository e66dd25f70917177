import { GantryError } from "../base/errors.ts";
import { contextBase, type NamedContexts } from "./named-contexts.ts";
import type { Platform } from "../base/image-config.ts";
import type { Instruction, Of } from "./parse/instruction.ts";
import { Problem } from "./parse/problem.ts";

/** What FROM or `--from` names. */
export type Base =
  | { kind: "scratch" }
  | { kind: "stage"; index: number }
  | { kind: "image"; reference: string; platform?: Platform }
  | { kind: "folder"; name: string; key: string }
  | { kind: "remote"; name: string; url: string };

export interface Stage {
  index: number;
  name?: string;
  from: Of<"from">;
  base: Base;
  instructions: Instruction[];
}

/** What FROM means after these stages: a context of that name, one of them, else an image. */
export function baseOf(image: string, stages: readonly Stage[], contexts: NamedContexts, platform?: Platform): Base {
  const given = contextBase(image, contexts, platform);
  if (given) return given;
  if (image === "scratch") return { kind: "scratch" };
  const stage = stages.findLast((candidate) => candidate.name === image.toLowerCase());
  if (stage) return { kind: "stage", index: stage.index };
  return { kind: "image", reference: image, ...(platform === undefined ? {} : { platform }) };
}

/** What `--from` means: a context of that name, a stage by name or number (also a later one), else an image. */
export function sourceOf(from: string, stages: readonly Stage[], contexts: NamedContexts): Base {
  const given = contextBase(from, contexts);
  if (given) return given;
  const named = stages.findLast((stage) => stage.name === from.toLowerCase());
  if (named) return { kind: "stage", index: named.index };
  if (!/^\d+$/.test(from)) return baseOf(from, [], contexts);
  const index = Number(from);
  if (index < stages.length) return { kind: "stage", index };
  throw new GantryError("invalid", "BAD_STAGE", `invalid from flag value ${from}: invalid stage index ${from}`);
}

/** The stages that an instruction takes files from. */
export const stagesNamed = (instruction: Instruction, stages: readonly Stage[], contexts: NamedContexts): number[] =>
  sourcesNamed(instruction).flatMap((from) => {
    const source = sourceOf(from, stages, contexts);
    return source.kind === "stage" ? [source.index] : [];
  });

/** Also in stages that the target doesn't need: a mistake is one wherever it stands. */
export function checkSources(stages: readonly Stage[], contexts: NamedContexts): void {
  for (const stage of stages) {
    for (const instruction of stage.instructions) {
      try {
        for (const from of sourcesNamed(instruction)) sourceOf(from, stages, contexts);
      } catch (error) {
        throw error instanceof GantryError ? problemAt(instruction, error.message) : error;
      }
    }
  }
}

/** The stages that the target stands on or takes files from, and those that these need. */
export function neededStages(stages: readonly Stage[], target: number, contexts: NamedContexts): Set<number> {
  const needed = new Set<number>();
  const visit = (index: number): void => {
    const stage = stages[index];
    if (stage === undefined || needed.has(index)) return;
    needed.add(index);
    for (const { to } of edgesOf(stage, stages, contexts)) visit(to);
  };
  visit(target);
  return needed;
}

/** Stages that wait for one another would wait for ever. Throws Problem at an instruction that closes a circle. */
export function refuseCircles(stages: readonly Stage[], contexts: NamedContexts): void {
  const done = new Set<number>();
  const path = new Set<number>();
  const visit = (stage: Stage): void => {
    path.add(stage.index);
    for (const { to, by } of edgesOf(stage, stages, contexts)) {
      const next = stages[to]!;
      if (path.has(to)) {
        throw problemAt(by, `circular dependency detected on stage: ${next.name ?? `stage-${next.index}`}`);
      }
      if (!done.has(to)) visit(next);
    }
    path.delete(stage.index);
    done.add(stage.index);
  };
  for (const stage of stages) if (!done.has(stage.index)) visit(stage);
}

function edgesOf(stage: Stage, stages: readonly Stage[], contexts: NamedContexts): { to: number; by: Instruction }[] {
  const files = stage.instructions.flatMap((by) => stagesNamed(by, stages, contexts).map((to) => ({ to, by })));
  return stage.base.kind === "stage" ? [{ to: stage.base.index, by: stage.from }, ...files] : files;
}

function sourcesNamed(instruction: Instruction): string[] {
  if (instruction.kind === "copy") return instruction.from === undefined ? [] : [instruction.from];
  if (instruction.kind === "run") return instruction.mounts.flatMap((mount) => mount.from ?? []);
  return [];
}

const problemAt = ({ origin }: Instruction, message: string): Problem =>
  new Problem(message, { line: origin.line, column: 1 }, origin.text.length);
