import type { CacheTarget } from "../base/cache-places.ts";
import { messageOf, prefixed } from "../base/errors.ts";
import { send } from "./client-streams.ts";
import type { BuildContext } from "./context.ts";
import { type DoneStep, exportedSteps } from "./exported-steps.ts";
import type { BuildHost } from "./host.ts";

/** The steps of one build: those that its image is made of, and all. */
export interface BuiltSteps {
  image: readonly DoneStep[];
  all: readonly DoneStep[];
}

/** `--cache-to`. A failure ends the build, unless it was said not to. */
export async function exportCache(host: BuildHost, context: BuildContext, steps: BuiltSteps): Promise<void> {
  for (const target of context.request.cacheTo) {
    // Every image is one: its history tells the steps, see ImportedCache.
    if (target.type === "inline") continue;
    try {
      await exportTo(host, context, target, target.all ? steps.all : steps.image);
    } catch (error) {
      if (context.signal.aborted) throw error;
      const what = `cache export to ${target.type === "local" ? target.folder : target.reference}`;
      if (!target.ignoreError) throw prefixed(what, error);
      context.emit({ kind: "warning", from: "build", message: `${what}: ${messageOf(error)}` });
    }
  }
}

async function exportTo(
  host: BuildHost,
  { request, signal }: BuildContext,
  target: Exclude<CacheTarget, { type: "inline" }>,
  steps: readonly DoneStep[],
): Promise<void> {
  const artifact = exportedSteps(host, steps);
  if (target.type === "registry") {
    const { reference } = target;
    await host.images.pushArtifact(reference, artifact, { ...host.authFor(request.auth, reference), signal });
    return;
  }
  const open = async (): Promise<AsyncIterable<Buffer>> => host.images.artifactLayout(target.tag, artifact, signal);
  await send(request.session, { kind: "cacheTo", folder: target.folder }, open, signal);
}
