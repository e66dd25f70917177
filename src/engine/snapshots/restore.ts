import { GantryError, messageOf } from "../../base/errors.ts";
import { isUp } from "../containers/record.ts";
import type { ContainerEntry } from "../containers/registry.ts";
import { requireIdle, requireOwnData } from "../volumes/replaceable.ts";
import { ownVolumes, type SnapshotDeps } from "./deps.ts";
import { type SnapshotRecord, treesOf } from "./snapshot-record.ts";
import { carryOut, RESTORES, type RestoreIntent, type Swap } from "./swap.ts";

/** How long each part took, in milliseconds. */
export interface Restored {
  /** Copies of the snapshot were made; the containers ran on. */
  copying: number;
  /** The containers were killed, and the copies took the place of what was there. */
  swapping: number;
  starting: number;
  /** Names of the containers that were killed and started. */
  restarted: string[];
}

/**
 * Puts a snapshot in the place of what a container and its volumes have now. The copies are staged while it runs; then it
 * is down for some renames alone. What is intended is stored first: a restore that was cut short before the first rename
 * never happened, one after it is finished by the next engine.
 */
export class SnapshotRestore {
  private readonly deps: SnapshotDeps;
  private readonly underWay = new Set<string>();

  constructor(deps: SnapshotDeps) {
    this.deps = deps;
  }

  /** After the containers' own recovery: those that a restore had killed come up again. */
  async recover(): Promise<void> {
    const { state, workspaces, containers, logger } = this.deps;
    for (const id of workspaces.listWorkspaces()) workspaces.discardUpper(id);
    for (const [key, { running }] of state.list<RestoreIntent>(RESTORES)) {
      try {
        await containers.standStill.start(running.map((id) => containers.find(id)));
      } catch (error) {
        logger.error("starting a container that was being restored", { container: key, error: messageOf(error) });
      }
      state.commit([{ bucket: RESTORES, key, value: undefined }]);
    }
  }

  /**
   * `force`: other containers that run and use the volumes are killed and started as well. Throws conflict VOLUME_IN_USE,
   * VOLUME_BUSY, RESTORING, TREE_IN_USE, CONTAINER_RUNNING; and what a start throws, with everything restored.
   */
  async restore(entry: ContainerEntry, snapshot: SnapshotRecord, { force }: { force: boolean }): Promise<Restored> {
    const { volumes, trees, publish } = this.deps;
    this.requireNone(entry);
    const swap = this.plan(entry, snapshot);
    const claims: (() => void)[] = [() => this.underWay.delete(entry.id)];
    this.underWay.add(entry.id);
    try {
      for (const { name } of swap.volumes) claims.push(volumes.claims.own(name, "being restored"));
      const entries = [entry, ...this.others(entry, swap, force)];
      const began = performance.now();
      await this.stage(entry, snapshot, swap);
      const staged = performance.now();
      const running = entries.filter(({ record }) => isUp(record) || record.state.status === "restarting");
      const swapped = await this.exchange(entries, running, swap);
      publish(entry, "restore", { snapshot: snapshot.name });
      for (const tree of treesOf(snapshot)) trees.prepare(tree);
      return {
        ...{ copying: staged - began, swapping: swapped - staged, starting: performance.now() - swapped },
        restarted: running.map(({ record }) => record.name),
      };
    } finally {
      for (const end of claims) end();
    }
  }

  /** Throws conflict RESTORING. */
  requireNone(entry: ContainerEntry): void {
    if (!this.underWay.has(entry.id)) return;
    throw new GantryError("conflict", "RESTORING", `container ${entry.record.name} is being restored`, {
      hint: "try again when that is over",
    });
  }

  private plan(entry: ContainerEntry, snapshot: SnapshotRecord): Swap {
    const now = new Map(ownVolumes(entry).map(({ name, destination }) => [destination, name]));
    const volumes = snapshot.volumes.map(({ destination, tree }) => {
      const name = now.get(destination);
      if (name === undefined) throw new Error(`container ${entry.id} has no volume at ${destination}`);
      requireOwnData(this.deps.volumes.get(name), "restore");
      return { name, tree };
    });
    return { container: entry.id, layer: snapshot.layer !== undefined, volumes };
  }

  private others(entry: ContainerEntry, { volumes }: Swap, force: boolean): ContainerEntry[] {
    const { containers } = this.deps;
    const others = new Map<string, ContainerEntry>();
    for (const { name } of volumes) {
      const active = containers.volumeUsers.of(name).filter((user) => user.active && user.id !== entry.id);
      if (active.length > 0 && !force) {
        const names = active.map((user) => user.name).join(", ");
        throw new GantryError("conflict", "VOLUME_IN_USE", `cannot restore volume ${name}: ${names} uses it too`, {
          hint: `stop ${names} first, or restore with --force: it is killed and started as well`,
        });
      }
      for (const { id } of active) others.set(id, containers.find(id));
    }
    return [...others.values()];
  }

  private async stage(entry: ContainerEntry, { layer }: SnapshotRecord, { volumes }: Swap): Promise<void> {
    const { trees, workspaces, contents } = this.deps;
    const { id, chainId } = entry.record;
    const layerStaged = async (tree: string): Promise<void> => {
      if (!workspaces.listWorkspaces().includes(id)) {
        // as a restore to before the first start has left it
        await workspaces.mount(id, chainId);
        await workspaces.unmount(id);
      }
      await trees.thaw(tree, workspaces.stageUpper(id));
    };
    const results = await Promise.allSettled([
      layer && layerStaged(layer.tree),
      ...volumes.map(async ({ name, tree }) => trees.thaw(tree, await contents.stage(name))),
    ]);
    const failed = results.find((result) => result.status === "rejected");
    if (failed === undefined) return;
    await this.discard(id, volumes);
    throw failed.reason;
  }

  private async discard(id: string, volumes: Swap["volumes"]): Promise<void> {
    const { workspaces, contents } = this.deps;
    if (workspaces.listWorkspaces().includes(id)) workspaces.discardUpper(id);
    for (const { name } of volumes) await contents.clean(name);
  }

  /** Resolves with the time of the last rename, when all that ran run again. */
  private async exchange(entries: ContainerEntry[], running: ContainerEntry[], swap: Swap): Promise<number> {
    const { state, containers } = this.deps;
    const { standStill, volumeUsers } = containers;
    const intend = (value: RestoreIntent | undefined, sync: boolean): void =>
      state.commit([{ bucket: RESTORES, key: swap.container, value }], { sync });
    const intent: RestoreIntent = { running: running.map(({ id }) => id) };
    let swapped = 0;
    intend(intent, false);
    try {
      await standStill.kill(running);
      await standStill.whileDown(entries, async () => {
        for (const { name } of swap.volumes) requireIdle(volumeUsers, name, "restore");
        intend({ ...intent, swap }, true);
        await carryOut(this.deps, swap);
        intend(intent, false);
        swapped = performance.now();
      });
    } catch (error) {
      await this.discard(swap.container, swap.volumes);
      throw error;
    } finally {
      try {
        await standStill.start(running);
      } finally {
        intend(undefined, false);
      }
    }
    return swapped;
  }
}
