import type { SnapshotDeps } from "./deps.ts";

/** Restores under way (bucket, by container). */
export const RESTORES = "restores";

/** What is staged for a container and is to take its place. */
export interface Swap {
  container: string;
  /** false: the container had no changes of its own yet. */
  layer: boolean;
  volumes: { name: string; tree: string }[];
}

export interface RestoreIntent {
  /** Containers that were killed for it. */
  running: string[];
  /** All are down, and the renames have begun. */
  swap?: Swap;
}

type SwapDeps = Pick<SnapshotDeps, "state" | "workspaces" | "contents">;

/** Repeatable. */
export async function carryOut({ workspaces, contents }: Omit<SwapDeps, "state">, swap: Swap): Promise<void> {
  if (swap.layer) {
    await workspaces.unmount(swap.container);
    workspaces.acceptUpper(swap.container);
  } else await workspaces.removeWorkspace(swap.container);
  for (const { name } of swap.volumes) contents.accept(name);
}

/** At the engine's start, before anything looks at folders or starts a container. */
export async function finishSwaps(deps: SwapDeps): Promise<void> {
  for (const [key, { running, swap }] of deps.state.list<RestoreIntent>(RESTORES)) {
    if (swap === undefined) continue;
    await carryOut(deps, swap);
    deps.state.commit([{ bucket: RESTORES, key, value: { running } }]);
  }
}
