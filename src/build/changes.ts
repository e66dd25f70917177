import type { ContainerConfig } from "../base/container-config.ts";
import { GantryError } from "../base/errors.ts";
import type { ApplyChanges } from "../engine/images/contract.ts";
import { dockerfileError, Problem } from "./parse/problem.ts";
import { expandInstruction } from "./expand-instruction.ts";
import { applyMetadata, envValue } from "./metadata.ts";
import { parseInstruction } from "./parse/dockerfile.ts";

const ALLOWED = [
  "cmd",
  "entrypoint",
  "env",
  "expose",
  "healthcheck",
  "label",
  "onbuild",
  "stopsignal",
  "user",
  "volume",
  "workdir",
] as const;
type AllowedKind = (typeof ALLOWED)[number];

const isAllowed = (kind: string): kind is AllowedKind => (ALLOWED as readonly string[]).includes(kind);

/**
 * `import --change`, `commit --change`: each change is one Dockerfile instruction. Pure; the given config stays as it is.
 * Throws invalid BAD_DOCKERFILE, or BAD_CHANGE "run is not a valid change command" for what changes files.
 */
export const applyChanges: ApplyChanges = (config: ContainerConfig, changes: string[]): ContainerConfig => {
  let result = config;
  let cmdSet = false;
  for (const change of changes) {
    const parsed = parseInstruction(change, "change");
    if (!isAllowed(parsed.kind)) {
      throw new GantryError("invalid", "BAD_CHANGE", `${parsed.kind} is not a valid change command`, {
        hint: `use one of ${ALLOWED.map((kind) => kind.toUpperCase()).join(", ")}`,
      });
    }
    const env = result.Env ?? [];
    const instruction = expanded(parsed, (name) => envValue(env, name), change);
    result = applyMetadata(result, instruction as typeof instruction & { kind: AllowedKind }, cmdSet).config;
    cmdSet ||= parsed.kind === "cmd";
  }
  return result;
};

function expanded(
  instruction: ReturnType<typeof parseInstruction>,
  lookup: (name: string) => string | undefined,
  text: string,
): ReturnType<typeof parseInstruction> {
  try {
    return expandInstruction(instruction, lookup, "\\");
  } catch (error) {
    throw error instanceof Problem ? dockerfileError(error, "change", text.split("\n")) : error;
  }
}
