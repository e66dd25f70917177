import type { ContainerEntry } from "../containers/registry.ts";
import type { PublishContainerEvent } from "../containers/deps.ts";
import type { Containers } from "../containers/containers.ts";
import type { Volumes } from "../volumes/volumes.ts";
import type { Clock, Ids } from "../../ports/clock.ts";
import type { FrozenTrees } from "../../ports/frozen-trees.ts";
import type { StagedWorkspaces } from "../../ports/layer-store.ts";
import type { Logger } from "../../ports/logger.ts";
import type { StateStore } from "../../ports/state-store.ts";
import type { VolumeContents } from "../../ports/volume-contents.ts";

export interface SnapshotDeps {
  state: StateStore;
  trees: FrozenTrees;
  workspaces: StagedWorkspaces;
  contents: VolumeContents;
  volumes: Volumes;
  containers: Pick<Containers, "find" | "standStill" | "volumeUsers">;
  clock: Clock;
  ids: Ids;
  logger: Logger;
  publish: PublishContainerEvent;
}

/** A volume that a container can write to, and where: what is mounted for reading alone is somebody else's. */
export function ownVolumes({ record }: ContainerEntry): { name: string; destination: string }[] {
  const found = new Map<string, string>();
  for (const { Type, Name, RW, Destination } of record.mounts) {
    if (Type === "volume" && RW && Name !== undefined && !found.has(Name)) found.set(Name, Destination);
  }
  return [...found].map(([name, destination]) => ({ name, destination }));
}
