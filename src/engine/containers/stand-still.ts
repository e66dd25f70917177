import { GantryError, isGantryError } from "../../base/errors.ts";
import type { ContainerDeps } from "./deps.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { type ContainerRecord, isUp } from "./record.ts";
import type { ContainerEntry } from "./registry.ts";
import type { TreeUses } from "./tree-uses.ts";

/** Stretches of time in which containers' files stand still. */
export class StandStill {
  private readonly deps: Pick<ContainerDeps, "registry" | "layers">;
  private readonly lifecycle: Lifecycle;
  private readonly uses: TreeUses;

  constructor(deps: StandStill["deps"], lifecycle: Lifecycle, uses: TreeUses) {
    this.deps = deps;
    this.lifecycle = lifecycle;
    this.uses = uses;
  }

  /**
   * Runs `work` with the folder of the container's changes (undefined: it has none), which nobody removes meanwhile. `pause`:
   * its processes are held.
   */
  async frozen<T>(
    entry: ContainerEntry,
    { pause, signal }: { pause: boolean; signal: AbortSignal },
    work: (upper: string | undefined) => Promise<T>,
  ): Promise<T> {
    const { layers } = this.deps;
    const letGo = pause ? await this.lifecycle.pauses.hold(entry, "snapshot") : undefined;
    try {
      return await this.uses.during(entry, "changes", signal, () => {
        const { id, chainId } = entry.record;
        return work(layers.listWorkspaces().includes(id) ? layers.folders(id, chainId).upper : undefined);
      });
    } finally {
      await letGo?.();
    }
  }

  /** Kills those that are up; neither --rm nor a restart policy makes anything of it. The next start has the same addresses and ports. */
  async kill(entries: ContainerEntry[]): Promise<void> {
    await Promise.all(
      entries.map(async (entry) => {
        const { record } = entry;
        entry.kept = true;
        const { attachment } = record;
        if (attachment) record.before = { networks: attachment.networks, ports: attachment.ports };
        try {
          await this.lifecycle.kill(entry, "SIGKILL");
        } catch (error) {
          if (!isGantryError(error, "NOT_RUNNING")) throw error;
        } finally {
          entry.kept = false;
        }
      }),
    );
  }

  /** Runs `work` while none of them can start. Throws conflict CONTAINER_RUNNING for one that came up, TREE_IN_USE during a cp, export or commit. */
  whileDown<T>(entries: ContainerEntry[], work: () => Promise<T>): Promise<T> {
    const [first, ...rest] = entries;
    if (first === undefined) return work();
    return first.lock.run(async () => {
      this.deps.registry.find(first.id);
      if (isUp(first.record)) throw cameUp(first.record);
      if (first.uses.size > 0) throw inUse(first.record);
      await this.deps.layers.unmount(first.id);
      return this.whileDown(rest, work);
    });
  }

  /** Those that are up already, or gone, are left. Throws the first error when all were tried. */
  async start(entries: ContainerEntry[]): Promise<void> {
    const failures: unknown[] = [];
    for (const entry of entries) {
      if (this.deps.registry.tryFind(entry.id) !== entry) continue;
      try {
        await this.lifecycle.start(entry);
      } catch (error) {
        if (!isGantryError(error, "ALREADY_RUNNING")) failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

const cameUp = ({ name }: ContainerRecord): GantryError =>
  new GantryError("conflict", "CONTAINER_RUNNING", `container ${name} was started by somebody else meanwhile`);

const inUse = ({ name }: ContainerRecord): GantryError =>
  new GantryError("conflict", "TREE_IN_USE", `files of container ${name} are being copied`, {
    hint: "try again when that is over",
  });
