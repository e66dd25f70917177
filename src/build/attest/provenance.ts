import type { CheckReport } from "../../base/build-checks.ts";
import type { Platform } from "../../base/image-config.ts";
import { platformText } from "../../base/platform.ts";
import type { BuildRequest } from "../context.ts";
import type { Material } from "../materials.ts";
import type { BuildPlan } from "../stages.ts";

export const PROVENANCE_TYPE = "https://slsa.dev/provenance/v0.2";
const BUILD_TYPE = "urn:gantry:dockerfile-build:v1";

export interface ProvenanceFacts {
  request: BuildRequest;
  /** All that came from elsewhere. */
  materials: Material[];
  /** The context's own, if it has an address. */
  source?: Material;
  plan: BuildPlan;
  /** As checks show it. */
  dockerfile: CheckReport["sources"][number];
  platform: Platform;
  id: string;
  /** RFC 3339. */
  began: string;
  ended: string;
}

/** SLSA provenance of one build, in BuildKit's form. Values of build arguments and labels are told with mode=max only, secrets never. */
export function provenance(facts: ProvenanceFacts, { max, builderId }: { max: boolean; builderId: string }): object {
  const { request, materials, source, plan, platform } = facts;
  return {
    builder: { id: builderId },
    buildType: BUILD_TYPE,
    materials,
    invocation: {
      configSource: { ...source, entryPoint: request.dockerfile },
      parameters: { frontend: "dockerfile.v0", ...parameters(facts, max) },
      environment: { platform: platformText(platform) },
    },
    ...(max ? { buildConfig: { steps: stepsOf(plan) } } : {}),
    metadata: {
      buildInvocationID: facts.id,
      buildStartedOn: facts.began,
      buildFinishedOn: facts.ended,
      completeness: { parameters: max, environment: true, materials: source !== undefined },
      reproducible: false,
      ...(max ? { [`${BUILD_TYPE}#metadata`]: { source: sourceOf(facts) } } : {}),
    },
  };
}

function parameters({ request, plan, source }: ProvenanceFacts, max: boolean): object {
  const { target, buildArgs, labels } = request;
  const values = Object.entries(buildArgs).flatMap(([name, value]) =>
    value === null ? [] : [[`build-arg:${name}`, value] as const],
  );
  const named = Object.entries(labels).map(([name, value]) => [`label:${name}`, value] as const);
  const args = Object.fromEntries([
    ...(target ? [["target", target] as const] : []),
    ...(max ? [...values, ...named] : []),
  ]);
  const locals = source === undefined ? ["context", "dockerfile"] : [];
  const contexts = Object.entries(request.contexts).flatMap(([name, { kind }]) => (kind === "folder" ? [name] : []));
  return {
    args,
    locals: [...locals, ...contexts].map((name) => ({ name })),
    ...(max ? { secrets: mounted(plan, "secret"), ssh: mounted(plan, "ssh") } : {}),
  };
}

/** The ids of secrets or agents that a RUN asks for. */
function mounted({ planned }: BuildPlan, type: "secret" | "ssh"): { id: string; optional: boolean }[] {
  const ids = new Map<string, boolean>();
  for (const { steps } of planned) {
    for (const { instruction } of steps) {
      for (const mount of instruction.kind === "run" ? instruction.mounts : []) {
        if (mount.type !== type) continue;
        const id = mount.id ?? (type === "ssh" ? "default" : (mount.target?.split("/").at(-1) ?? ""));
        ids.set(id, (ids.get(id) ?? true) && mount.required !== true);
      }
    }
  }
  return [...ids].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([id, optional]) => ({ id, optional }));
}

const stepsOf = ({ planned }: BuildPlan): object[] =>
  planned.flatMap(({ stage, from, steps }) =>
    [from, ...steps].map(({ step }) => ({
      id: step.id,
      stage: stage.name ?? String(stage.index),
      line: step.line,
      instruction: step.name,
    })),
  );

function sourceOf({ dockerfile: { fileName, language, data } }: ProvenanceFacts): object {
  return { infos: [{ filename: fileName, language, data }] };
}
