import { CopyStep } from "./copy-step.ts";
import type { StageWork, StepChange, StepRoom } from "./context.ts";
import { expandInstruction } from "./expand-instruction.ts";
import type { Lookup } from "./expand.ts";
import { applyMetadata, cleanPath, envValue, shellOf } from "./metadata.ts";
import { accountsOf, userOwner } from "./owner.ts";
import type { Instruction, Of } from "./parse/instruction.ts";
import type { RunStepper } from "./run-step.ts";
import type { StepInput } from "./step-record.ts";

/** What an instruction will do to its stage; its variables are filled in here. */
export async function changeOf(
  room: StepRoom,
  work: StageWork,
  written: Instruction,
  { runs, escape }: { runs: RunStepper; escape: string },
): Promise<StepChange> {
  const env = work.state.config.Env ?? [];
  const lookup: Lookup = (name) => envValue(env, name) ?? work.args.get(name);
  if (written.kind === "arg") return declareArgs(work, written, lookup, escape);
  const instruction = expandInstruction(written, lookup, escape);
  switch (instruction.kind) {
    case "from":
    case "arg":
      throw new Error(`${instruction.kind} is no step of a stage`);
    case "maintainer":
      return metadata(work, `MAINTAINER ${instruction.name}`, { author: instruction.name });
    case "run":
      return runs.plan(room, work, instruction);
    case "copy":
    case "add":
      return new CopyStep(room).plan(work, instruction);
    case "workdir":
      return workdir(room, work, instruction);
    default: {
      const { config, comment } = applyMetadata(work.state.config, instruction, work.cmdSet);
      work.cmdSet ||= instruction.kind === "cmd";
      return metadata(work, comment, { config }, inputsOf(instruction));
    }
  }
}

/** One after the other: a later default may use an earlier ARG. */
function declareArgs(work: StageWork, written: Of<"arg">, lookup: Lookup, escape: string): StepChange {
  for (const arg of written.args) {
    const one = expandInstruction({ ...written, args: [arg] }, lookup, escape);
    if (one.kind === "arg") work.args.declare(one.args);
  }
  const text = written.args.map(({ key, value }) => (value === undefined ? key : `${key}=${value}`)).join(" ");
  return metadata(work, `ARG ${text}`);
}

function metadata(work: StageWork, comment: string, set?: StepChange["set"], inputs?: StepInput[]): StepChange {
  return {
    key: ["metadata", comment, set ?? null],
    inputs: () => inputs ?? [["instruction", comment]],
    createdBy: `${shellOf(work.state.config).join(" ")} #(nop)  ${comment}`,
    container: true,
    ...(set ? { set } : {}),
  };
}

/** By name where the instruction sets several things. */
function inputsOf(instruction: Instruction): StepInput[] | undefined {
  if (instruction.kind !== "env" && instruction.kind !== "label") return undefined;
  return instruction.pairs.map(({ key, value }): StepInput => [`${instruction.kind.toUpperCase()} ${key}`, value]);
}

function workdir(room: StepRoom, work: StageWork, instruction: Of<"workdir">): StepChange {
  const { config, comment } = applyMetadata(work.state.config, instruction, work.cmdSet);
  const user = config.User ?? "";
  return {
    key: ["workdir", comment, user],
    inputs: () => [
      ["folder", config.WorkingDir ?? "/"],
      ["user", user],
    ],
    createdBy: `${shellOf(work.state.config).join(" ")} #(nop) ${comment}`,
    set: { config },
    container: true,
    effect: (id, state) =>
      room.inWorkspace(id, state, async (root) => {
        const owner = userOwner(user, () => accountsOf(room.host.files, root));
        room.host.files.makeFolder(root, cleanPath(config.WorkingDir ?? "/"), owner);
      }),
  };
}
