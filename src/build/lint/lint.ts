import type { CheckWarning } from "../../base/build-checks.ts";
import { isGantryError } from "../../base/errors.ts";
import type { Platform } from "../../base/image-config.ts";
import { platformText, runsOn } from "../../base/platform.ts";
import { parseReference } from "../../base/reference.ts";
import { expandInstruction } from "../expand-instruction.ts";
import { ExpansionError, expandWord, type Lookup } from "../expand.ts";
import { DEFAULT_PATH } from "../metadata.ts";
import type { Dockerfile, Instruction, Of, Origin } from "../parse/instruction.ts";
import { nearest, Problem } from "../parse/problem.ts";
import { platformArgs } from "../platform.ts";
import { checkIgnored, checkInstruction, StageMemory } from "./instructions.ts";
import { checkOptions } from "./options.ts";
import { type Finding, type Report, RULES } from "./rules.ts";
import { checkWriting } from "./writing.ts";

/** What is known beside the Dockerfile. */
export interface LintFacts {
  buildArgs: Readonly<Record<string, string | null>>;
  buildPlatform: Platform;
  targetPlatform: Platform;
  /** A base image, where it is here already. */
  image(reference: string): { env: readonly string[]; platform: Platform } | undefined;
  /** What the ignore file leaves out; missing where it has exceptions, or isn't there. */
  ignored?: (path: string) => boolean;
}

export interface LintResult {
  warnings: CheckWarning[];
  /** They end the build. */
  fatal: boolean;
}

/** A stage's variables by name; undefined: not known, as its base image is not here. */
type Variables = Map<string, string> | undefined;

/** Docker's build checks. Pure. Throws Problem for options of `# check=` that are none. */
export function lint(dockerfile: Dockerfile, lines: readonly string[], facts: LintFacts): LintResult {
  const given = facts.buildArgs["BUILDKIT_DOCKERFILE_CHECK"];
  const options = checkOptions(given ?? dockerfile.check?.value, given == null ? (dockerfile.check?.line ?? 1) : 1);
  const findings: Finding[] = [];
  const report: Report = (rule, { line, endLine }, detail, about) => {
    if (options.wants(rule)) findings.push({ rule, detail, line, endLine, ...(about ? { about } : {}) });
  };
  checkWriting(dockerfile.instructions, facts.buildPlatform, report);
  new StageLinter(dockerfile, facts, report).run();
  const warnings = findings
    .toSorted((a, b) => a.line - b.line)
    .map(
      (finding): CheckWarning => ({
        ruleName: finding.rule,
        description: RULES[finding.rule],
        detail: finding.detail,
        location: { ranges: [rangeOf(finding, lines)] },
      }),
    );
  return { warnings, fatal: options.error && warnings.length > 0 };
}

/** The piece that is meant, or else the instruction's first line. */
function rangeOf({ line, endLine, about }: Finding, lines: readonly string[]): CheckWarning["location"]["ranges"][0] {
  const within = lines.slice(line - 1, endLine);
  const index = about === undefined ? -1 : within.findIndex((text) => text.includes(about));
  if (about !== undefined && index >= 0) {
    const character = within[index]?.indexOf(about) ?? 0;
    const at = line + index;
    return { start: { line: at, character }, end: { line: at, character: character + about.length } };
  }
  const text = lines[line - 1] ?? "";
  const character = text.length - text.trimStart().length;
  return { start: { line, character }, end: { line: endLine, character: (lines[endLine - 1] ?? "").length } };
}

class StageLinter {
  private readonly dockerfile: Dockerfile;
  private readonly facts: LintFacts;
  private readonly report: Report;
  /** ARGs before FROM: with a value, by default and as this build has it, and all of them. */
  private readonly defaults: Map<string, string>;
  private readonly globals: Map<string, string>;
  private readonly declared = new Set<string>();
  private readonly stages = new Map<string, { variables: Variables; memory: StageMemory }>();

  constructor(dockerfile: Dockerfile, facts: LintFacts, report: Report) {
    this.dockerfile = dockerfile;
    this.facts = facts;
    this.report = report;
    this.defaults = new Map(Object.entries(platformArgs(facts.buildPlatform, facts.targetPlatform)));
    this.globals = new Map(this.defaults);
  }

  run(): void {
    let stage: { variables: Variables; memory: StageMemory } | undefined;
    for (const instruction of this.dockerfile.instructions) {
      if (instruction.kind === "from") {
        stage = this.begin(instruction);
        if (instruction.as !== undefined) this.stages.set(instruction.as, stage);
      } else if (stage === undefined) this.globalArg(instruction);
      else this.step(instruction, stage);
    }
  }

  private globalArg(instruction: Instruction): void {
    checkInstruction(instruction, new StageMemory(), this.report);
    if (instruction.kind !== "arg") return;
    for (const { key, value } of instruction.args) {
      this.declared.add(key);
      if (value !== undefined) {
        const text = this.expanded(value, (name) => this.defaults.get(name));
        if (text !== undefined) this.defaults.set(key, text);
      }
      const own = this.facts.buildArgs[key] ?? undefined;
      const text = own ?? (value === undefined ? undefined : this.expanded(value, (name) => this.globals.get(name)));
      if (text !== undefined) this.globals.set(key, text);
    }
  }

  private begin(from: Of<"from">): { variables: Variables; memory: StageMemory } {
    const missing = new Set<string>();
    const lookup: Lookup = (name, expected) => {
      const value = this.globals.get(name);
      if (value === undefined && !expected && !this.declared.has(name)) missing.add(name);
      return value;
    };
    const image = this.expanded(from.image, lookup) ?? "";
    const platform = from.platform === undefined ? undefined : this.expanded(from.platform, lookup);
    for (const name of missing) {
      const meant = nearest(name, [...this.globals.keys()]);
      const hint = meant === undefined ? "" : ` (did you mean ${meant}?)`;
      this.report("UndefinedArgInFrom", from.origin, `FROM argument '${name}' is not declared${hint}`, name);
    }
    this.checkDefault(from);
    const base = this.stages.get(image.toLowerCase());
    if (base) return { variables: base.variables && new Map(base.variables), memory: new StageMemory(base.memory) };
    if (image === "scratch") return { variables: new Map([["PATH", DEFAULT_PATH]]), memory: new StageMemory() };
    const known = image === "" ? undefined : this.facts.image(image);
    if (known) this.checkPlatform(from, image, known.platform, platform);
    const variables = known && new Map([["PATH", DEFAULT_PATH], ...known.env.map(pairOf)]);
    return { variables, memory: new StageMemory() };
  }

  private checkDefault(from: Of<"from">): void {
    if (!from.image.includes("$")) return;
    const image = this.expanded(from.image, (name) => this.defaults.get(name));
    if (image === undefined || (image !== "" && isReference(image))) return;
    const detail = `Default value for ARG ${from.image} results in empty or invalid base image name`;
    this.report("InvalidDefaultArgInFrom", from.origin, detail, from.image);
  }

  private checkPlatform(from: Of<"from">, image: string, found: Platform, asked: string | undefined): void {
    const expected = this.facts.targetPlatform;
    if (asked !== undefined && asked !== platformText(expected)) return; // the stage is for another platform
    if (runsOn(expected, found)) return;
    const texts = [platformText(found), platformText(expected)].map((text) => JSON.stringify(text));
    const detail = `Base image ${image} was pulled with platform ${texts[0]}, expected ${texts[1]} for current build`;
    this.report("InvalidBaseImagePlatform", from.origin, detail);
  }

  private step(written: Instruction, { variables, memory }: { variables: Variables; memory: StageMemory }): void {
    const missing = new Set<string>();
    const lookup: Lookup = (name, expected) => {
      const value = variables?.get(name);
      if (value === undefined && !expected) missing.add(name);
      return value;
    };
    let instruction = written;
    try {
      instruction = expandInstruction(written, lookup, this.dockerfile.escape);
    } catch (error) {
      if (!(error instanceof Problem)) throw error; // the build itself says so
    }
    if (variables) for (const name of missing) this.undefinedVariable(name, variables, written.origin);
    checkInstruction(instruction, memory, this.report);
    const { ignored } = this.facts;
    if (ignored && (instruction.kind === "copy" || instruction.kind === "add")) {
      checkIgnored(instruction, ignored, this.report);
    }
    if (instruction.kind === "env") for (const { key, value } of instruction.pairs) variables?.set(key, value);
    if (instruction.kind === "arg") {
      for (const { key, value } of instruction.args) {
        variables?.set(key, this.facts.buildArgs[key] ?? value ?? this.globals.get(key) ?? "");
      }
    }
  }

  private undefinedVariable(name: string, variables: ReadonlyMap<string, string>, origin: Origin): void {
    const meant = nearest(name, [...variables.keys()]);
    const hint = meant === undefined ? "" : ` (did you mean $${meant}?)`;
    this.report("UndefinedVar", origin, `Usage of undefined variable '$${name}'${hint}`, name);
  }

  private expanded(text: string, lookup: Lookup): string | undefined {
    try {
      return expandWord(text, lookup, this.dockerfile.escape);
    } catch (error) {
      if (error instanceof ExpansionError) return undefined; // the build itself says so
      throw error;
    }
  }
}

const pairOf = (entry: string): [string, string] => {
  const cut = entry.indexOf("=");
  return cut < 0 ? [entry, ""] : [entry.slice(0, cut), entry.slice(cut + 1)];
};

function isReference(text: string): boolean {
  try {
    parseReference(text);
    return true;
  } catch (error) {
    if (isGantryError(error)) return false;
    throw error;
  }
}
