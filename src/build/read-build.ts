import type { CheckReport } from "../base/build-checks.ts";
import { GantryError, isGantryError } from "../base/errors.ts";
import type { BuildRequest } from "./context.ts";
import type { BuildHost } from "./host.ts";
import { ignored, ignoreFile, takenOut } from "./ignore.ts";
import { lint, type LintFacts, type LintResult } from "./lint/lint.ts";
import { linesOf, parseDockerfile } from "./parse/dockerfile.ts";
import type { Dockerfile } from "./parse/instruction.ts";
import { dockerfileError, Problem } from "./parse/problem.ts";
import { type BuildPlan, planBuild } from "./stages.ts";

const TEXT_LIMIT = 4 * 1024 * 1024;

export interface DockerfileSource {
  name: string;
  lines: readonly string[];
}

/** A build as its context's files describe it. */
export interface ReadBuild {
  dockerfile: Dockerfile;
  plan: BuildPlan;
  /** What has to go from the context before it is copied from. */
  excluded?: (path: string) => boolean;
  checks: LintResult;
  /** The same for those who only look. */
  report: CheckReport;
  /** An error with its place in the Dockerfile, if it has one. */
  placed(error: unknown): unknown;
  /** The Dockerfile's lines, for what fails while they are carried out. */
  source: DockerfileSource;
}

type Host = Pick<BuildHost, "files" | "platform" | "images">;

/** Reads, checks and plans. `fetched`: no client has obeyed the ignore file yet. Throws invalid NO_DOCKERFILE, BAD_DOCKERFILE, NO_SUCH_STAGE. */
export function readBuild(host: Host, root: string, request: BuildRequest, fetched = false): ReadBuild {
  const name = request.dockerfile;
  const read = (path: string): string | undefined => host.files.readText(root, path, TEXT_LIMIT);
  const text = dockerfileText(name, read);
  const ignore = ignoreFile(name, read);
  const ignoring = ignored(ignore?.text);
  const excluded = ignore && ignoring && (fetched ? ignoring : takenOut(ignore.name, name, ignoring));
  const dockerfile = parseDockerfile(text, name, request.buildArgs["BUILDKIT_SYNTAX"] ?? undefined);
  const lines = linesOf(text);
  const placed = (error: unknown): unknown => (error instanceof Problem ? dockerfileError(error, name, lines) : error);
  try {
    const targetPlatform = request.platform ?? host.platform;
    const { buildArgs, labels, contexts, target } = request;
    const platforms = { buildPlatform: host.platform, targetPlatform };
    const plan = planBuild(dockerfile, { buildArgs, labels, contexts, ...platforms, ...(target ? { target } : {}) });
    const checks = lint(dockerfile, lines, {
      buildArgs,
      ...platforms,
      image: (reference) => (Object.hasOwn(contexts, reference) ? undefined : imageFacts(host, reference)),
      // With exceptions it takes the files to say what is left out.
      ...(ignoring && !/^\s*!/m.test(ignore?.text ?? "") ? { ignored: ignoring } : {}),
    });
    const whole = { fileName: name, language: "Dockerfile" as const, data: Buffer.from(text).toString("base64") };
    const report = { warnings: checks.warnings, sources: [whole] };
    return { dockerfile, plan, ...(excluded ? { excluded } : {}), checks, report, placed, source: { name, lines } };
  } catch (error) {
    throw placed(error);
  }
}

/** The checks' outcome where the Dockerfile wants them to end the build. Throws invalid CHECKS_FAILED. */
export function refuseFailedChecks({ warnings, fatal }: LintResult): void {
  if (!fatal) return;
  const rules = [...new Set(warnings.map((warning) => warning.ruleName))].join(", ");
  throw new GantryError("invalid", "CHECKS_FAILED", `lint violation found for rules: ${rules}`, {
    hint: "see them by gantry build --check; the Dockerfile asks for it by # check=error=true",
  });
}

function dockerfileText(name: string, read: (path: string) => string | undefined): string {
  const text = read(name) ?? (name === "Dockerfile" ? read("dockerfile") : undefined);
  if (text === undefined) {
    throw new GantryError("invalid", "NO_DOCKERFILE", `Cannot locate specified Dockerfile: ${name}`, {
      hint: "name the Dockerfile by -f, and check that .dockerignore leaves it in",
    });
  }
  if (text === "") throw new GantryError("invalid", "BAD_DOCKERFILE", `the Dockerfile (${name}) cannot be empty`);
  return text;
}

function imageFacts({ images }: Host, reference: string): ReturnType<LintFacts["image"]> {
  try {
    const { config } = images.resolve(reference);
    const { os, architecture, variant } = config;
    return { env: config.config?.Env ?? [], platform: { os, architecture, ...(variant ? { variant } : {}) } };
  } catch (error) {
    if (isGantryError(error, "NO_SUCH_IMAGE") || isGantryError(error, "BAD_REFERENCE")) return undefined;
    throw error;
  }
}
