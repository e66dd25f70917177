import type { Instruction, Of } from "../parse/instruction.ts";
import { parsePlatform } from "../../base/platform.ts";
import type { Platform } from "../../base/image-config.ts";
import type { Report } from "./rules.ts";

const RESERVED_NAMES = new Set(["context", "scratch"]);

const keywordOf = (instruction: Instruction): string => instruction.origin.text.split(/\s/, 1)[0] ?? "";
const isLower = (text: string): boolean => text === text.toLowerCase();
const isUpper = (text: string): boolean => text === text.toUpperCase();

/** How the file is written: upper and lower case, names of stages, comments, blank lines. */
export function checkWriting(instructions: readonly Instruction[], host: Platform, report: Report): void {
  checkCasing(instructions, report);
  const names = new Set<string>();
  for (const instruction of instructions) {
    const { origin } = instruction;
    if (origin.blank) report("NoEmptyContinuation", origin, "Empty continuation line");
    if (instruction.kind === "maintainer") {
      report("MaintainerDeprecated", origin, "Maintainer instruction is deprecated in favor of using label");
    }
    if (instruction.kind === "from") {
      checkStageName(instruction, names, report);
      checkPlatformFlag(instruction, host, report);
    }
    checkDescription(instruction, report);
  }
}

function checkCasing(instructions: readonly Instruction[], report: Report): void {
  const keywords = instructions.map(keywordOf);
  const lower = keywords.filter(isLower).length > keywords.filter(isUpper).length;
  for (const instruction of instructions) {
    const keyword = keywordOf(instruction);
    if (lower ? isLower(keyword) : isUpper(keyword)) continue;
    const casing = lower ? "lowercase" : "uppercase";
    const detail = `Command '${keyword}' should match the case of the command majority (${casing})`;
    report("ConsistentInstructionCasing", instruction.origin, detail, keyword);
  }
}

function checkStageName({ as: name, origin }: Of<"from">, names: Set<string>, report: Report): void {
  if (name === undefined) return;
  const [keyword = "", ...words] = origin.text.split(/\s+/);
  const [as = "", written = ""] = words.slice(-2);
  if (!isLower(written)) report("StageNameCasing", origin, `Stage name '${written}' should be lowercase`, written);
  if ((isLower(keyword) && !isLower(as)) || (isUpper(keyword) && !isUpper(as))) {
    report("FromAsCasing", origin, `'${as}' and '${keyword}' keywords' casing do not match`, as);
  }
  if (RESERVED_NAMES.has(name)) {
    const detail = `Stage name should not use the same name as reserved stage ${JSON.stringify(name)}`;
    report("ReservedStageName", origin, detail, written);
  }
  if (names.has(name)) {
    const detail = `Duplicate stage name ${JSON.stringify(name)}, stage names should be unique`;
    report("DuplicateStageName", origin, detail, written);
  }
  names.add(name);
}

function checkPlatformFlag({ platform, as = "", origin }: Of<"from">, host: Platform, report: Report): void {
  if (platform === undefined) return;
  if (/^\$(?:TARGETPLATFORM|\{TARGETPLATFORM\})$/.test(platform)) {
    const detail = `Setting platform to predefined ${platform} in FROM is redundant as this is the default behavior`;
    report("RedundantTargetPlatform", origin, detail, platform);
  }
  if (platform.includes("$")) return;
  let parsed: Platform;
  try {
    parsed = parsePlatform(platform, host);
  } catch {
    return; // the build itself says so
  }
  // A stage that is named after its platform means it.
  if (as.includes(parsed.os) || as.includes(parsed.architecture)) return;
  const detail = `FROM --platform flag should not use constant value ${JSON.stringify(platform)}`;
  report("FromPlatformFlagConstDisallowed", origin, detail, platform);
}

function checkDescription(instruction: Instruction, report: Report): void {
  const { origin } = instruction;
  if (!origin.comment) return;
  const keys =
    instruction.kind === "arg"
      ? instruction.args.map(({ key }) => key)
      : instruction.kind === "from"
        ? (instruction.as ?? [])
        : [];
  const names = [keys].flat();
  if (names.length === 0 || names.includes(origin.comment.split(" ", 1)[0] ?? "")) return;
  const example = names.length > 1 ? "<arg_key>" : names[0];
  const what = instruction.kind.toUpperCase();
  const detail = `Comment for ${what} should follow the format: \`# ${example} <description>\``;
  report("InvalidDefinitionDescription", origin, detail);
}
