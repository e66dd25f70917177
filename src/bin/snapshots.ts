import path from "node:path";
import { LocalFrozenTrees } from "../drivers/volume-files/local-frozen-trees.ts";
import type { SnapshotDeps } from "../engine/snapshots/deps.ts";
import { Snapshots } from "../engine/snapshots/snapshots.ts";

/** Once the containers are recovered. */
export async function openSnapshots(
  dataRoot: string,
  deps: Omit<SnapshotDeps, "trees">,
): Promise<{ snapshots: Snapshots; settled(): Promise<void> }> {
  const trees = new LocalFrozenTrees(path.join(dataRoot, "snapshots"), deps.logger);
  const snapshots = new Snapshots({ ...deps, trees });
  await snapshots.recover();
  return { snapshots, settled: () => trees.settled() };
}
