import type { BuildEvent } from "../base/build-events.ts";
import { GantryError } from "../base/errors.ts";
import { unusedArgs } from "./build-args.ts";
import type { BuildCache } from "./cache.ts";
import type { BuildContext } from "./context.ts";
import type { BuiltSteps } from "./export-cache.ts";
import type { BuildHost } from "./host.ts";
import { ImportedCache } from "./imported-cache.ts";
import type { InFlight } from "./in-flight.ts";
import { Misses } from "./misses.ts";
import type { Dockerfile } from "./parse/instruction.ts";
import type { DockerfileSource } from "./read-build.ts";
import type { RunStepper } from "./run-step.ts";
import type { BuildScope } from "./scope.ts";
import { type StageResult, Sources } from "./sources.ts";
import { type BuiltImage, canceled, type StageDeps, StageRun } from "./stage-run.ts";
import type { BuildPlan } from "./stages.ts";

/** What all builds of an engine share. */
export interface Workshop {
  host: BuildHost;
  cache: BuildCache;
  inFlight: InFlight;
  runs: RunStepper;
}

/** One build, as far as it is known before anything is done. */
export interface Job {
  dockerfile: Dockerfile;
  source: DockerfileSource;
  plan: BuildPlan;
  context: BuildContext;
  scope: BuildScope;
}

/** Carries out a plan: every stage at once, each as far as what it needs is there. */
export async function solve(
  { host, ...shop }: Workshop,
  { dockerfile, source, plan, scope, ...job }: Job,
): Promise<BuiltImage & { steps: BuiltSteps; summary: BuildEvent }> {
  const began = host.clock.now();
  const control = new AbortController();
  const context = { ...job.context, signal: AbortSignal.any([job.context.signal, control.signal]) };
  const { emit, request } = context;
  for (const message of dockerfile.warnings) emit({ kind: "warning", from: "dockerfile", message });
  const declared = announce(plan, context, new Date(began).toISOString());

  const results = new Map<number, Promise<StageResult>>();
  const sources = new Sources(host, context, plan, scope, results);
  let failure: { error: unknown } | undefined;
  const deps: StageDeps = {
    ...{ host, ...shop, context, plan, scope, sources, declared, source, escape: dockerfile.escape },
    imported: new ImportedCache(context, sources),
    misses: new Misses(shop.cache),
    fail: (error) => {
      failure ??= { error };
      control.abort(canceled());
    },
  };
  const stages = plan.planned.map((planned) => new StageRun(deps, planned, planned.stage === plan.target));
  // FROM means an earlier stage, whose promise is there. Files are asked for after FROM, when all are.
  for (const [n, stage] of stages.entries()) results.set(plan.planned[n]!.stage.index, stage.run());
  const ends = await Promise.allSettled(results.values());
  if (failure !== undefined) throw failure.error;
  const built: StageResult[] = [];
  for (const end of ends) {
    if (end.status === "rejected") throw job.context.signal.aborted ? canceled() : end.reason;
    built.push(end.value);
  }

  const made = stages.find(({ target }) => target)?.made;
  if (made === undefined) {
    throw new GantryError("invalid", "EMPTY_BUILD", "No image was generated. Is your Dockerfile empty?");
  }
  const unused = unusedArgs(request.buildArgs, declared);
  if (unused.length > 0) {
    const message = `One or more build-args [${unused.join(" ")}] were not consumed`;
    emit({ kind: "warning", from: "build", message });
  }
  const sum = (what: "steps" | "cached"): number => stages.reduce((all, { counts }) => all + counts[what], 0);
  const ended = { ms: host.clock.now() - began, steps: sum("steps"), cached: sum("cached") };
  const steps = { image: built.at(-1)?.steps ?? [], all: built.flatMap((stage) => stage.steps) };
  const size = made.image.chain.reduce((all, chainId) => all + (host.layers.get(chainId)?.size ?? 0), 0);
  return { ...made, steps, summary: { kind: "summary", image: made.image.id, tags: request.tags, size, ...ended } };
}

/** Tells all steps, and takes those before the first FROM. Gives the names that these declare. */
function announce({ globalSteps, planned }: BuildPlan, { emit }: BuildContext, at: string): Set<string> {
  const declared = new Set<string>();
  const stageSteps = planned.flatMap(({ from, steps }) => [from, ...steps]);
  emit({ kind: "planned", steps: [...globalSteps, ...stageSteps].map(({ step }) => step) });
  for (const { step, instruction } of globalSteps) {
    emit({ kind: "started", step: step.id, at });
    if (instruction.kind === "arg") for (const { key } of instruction.args) declared.add(key);
    emit({ kind: "done", step: step.id, cached: true, ms: 0, image: "" });
  }
  return declared;
}
