import os from "node:os";
import path from "node:path";
import { Builder } from "../build/builder.ts";
import type { BuildHost } from "../build/host.ts";
import { HostBuildFiles } from "../drivers/build-files/build-files.ts";
import { HostContextStore } from "../drivers/build-files/context-store.ts";
import { HostGit } from "../drivers/build-files/git.ts";
import { TmpfsStepFiles } from "../drivers/step-files/tmpfs-step-files.ts";
import { type OneRunDeps, runOnce } from "../engine/containers/run-once.ts";
import type { Images } from "../engine/images/images.ts";

/** A RUN waits for the network as often as it computes: a small machine does several side by side too. */
const LEAST_PARALLEL_RUNS = 4;

type Given = Pick<
  BuildHost,
  "authFor" | "layers" | "archive" | "downloads" | "state" | "clock" | "ids" | "platform"
> & { images: Images };

export interface BuilderPlaces {
  dataRoot: string;
  execRoot: string;
  /** undefined: as the machine has CPUs. */
  parallelRuns: number | undefined;
}

/** The builder, with what builds of a killed engine left taken away. */
export async function openBuilder(
  { dataRoot, execRoot, parallelRuns }: BuilderPlaces,
  given: Given,
  containerDeps: Omit<OneRunDeps, "stepFiles">,
): Promise<Builder> {
  const { images, authFor } = given;
  const stepFiles = new TmpfsStepFiles(path.join(execRoot, "steps"));
  const builder = new Builder({
    ...given,
    pull: (reference, { platform: wanted, auth, onProgress, signal }) =>
      images.pull(
        { reference, ...(wanted ? { platform: wanted } : {}) },
        { ...authFor(auth, reference), onProgress, signal },
      ),
    tag: (id, reference) => images.tag(id, reference),
    holds: images.holds,
    imageLayers: () => images.layers(),
    reclaim: (chains) => images.reclaim(chains),
    files: new HostBuildFiles(path.join(dataRoot, "build")),
    contexts: new HostContextStore(path.join(dataRoot, "build", "contexts")),
    git: new HostGit(),
    run: (step) => runOnce({ ...containerDeps, stepFiles }, step),
    parallelRuns: parallelRuns ?? Math.max(LEAST_PARALLEL_RUNS, os.availableParallelism()),
  });
  stepFiles.sweep();
  await builder.sweep();
  return builder;
}
