import { GantryError, isGantryError } from "../../base/errors.ts";
import type { ContainerDeps } from "./deps.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { LogShipping } from "./log-shipping.ts";
import { isUp, shortId } from "./record.ts";
import type { ContainerEntry } from "./registry.ts";
import type { Starter } from "./start.ts";

export interface RemoveOptions {
  force?: boolean;
  /** Anonymous volumes go too. */
  volumes?: boolean;
}

/** Removes containers: the intent first, then the effects, then the record. */
export class Remover {
  private readonly deps: ContainerDeps;
  private readonly starter: Starter;
  private readonly shipping: Pick<LogShipping, "finish">;

  constructor(deps: ContainerDeps, starter: Starter, shipping: Pick<LogShipping, "finish">) {
    this.deps = deps;
    this.starter = starter;
    this.shipping = shipping;
  }

  /** Throws conflict in Docker's words while the container is up and `force` is not given. */
  async remove(entry: ContainerEntry, options: RemoveOptions, lifecycle: Lifecycle): Promise<void> {
    const { record } = entry;
    if (record.state.status === "removing") {
      throw new GantryError("conflict", "REMOVING", `removal of container ${record.name} is already in progress`);
    }
    if (!options.force && (isUp(record) || record.state.status === "restarting")) throw refusal(entry);
    // With --rm the user's options count, not those of an end.
    entry.kept = options.force ?? false;
    try {
      // A container may come up again between its end and our turn.
      while (!(await entry.lock.run(() => this.removeIfDown(entry, options, lifecycle)))) {
        if (!options.force) throw refusal(entry);
        await killIfUp(entry, lifecycle);
      }
    } finally {
      entry.kept = false;
    }
  }

  private async removeIfDown(entry: ContainerEntry, options: RemoveOptions, lifecycle: Lifecycle): Promise<boolean> {
    if (this.deps.registry.tryFind(entry.id) !== entry) return true;
    if (isUp(entry.record) || (entry.record.state.status === "restarting" && !options.force)) return false;
    await lifecycle.giveUpRestart(entry);
    await this.removeLocked(entry, options.volumes ?? false);
    return true;
  }

  /** With the lock held. A removal that fails leaves the container "dead": it can be removed again. */
  async removeLocked(entry: ContainerEntry, volumes: boolean): Promise<void> {
    const { record } = entry;
    const { deps } = this;
    const unfinished = record.state.intent !== undefined;
    const before = { status: record.state.status, intent: record.state.intent };
    Object.assign(record.state, { status: "removing", intent: "remove", removeVolumes: volumes });
    try {
      await deps.registry.saveDurably(entry, { ending: true });
    } catch (error) {
      Object.assign(record.state, before);
      throw error;
    }
    try {
      await entry.endUses();
      if (unfinished) await this.starter.undo(entry);
      await deps.layers.removeWorkspace(record.id);
      if (volumes) await deps.mounts.removeAnonymous(record);
      await this.shipping.finish(entry);
      deps.files.remove(record.id);
      deps.registry.remove(entry);
    } catch (error) {
      record.state.status = "dead";
      throw error;
    }
    deps.publish(entry, "destroy");
    entry.removed.fire(record.state.exitCode);
  }
}

async function killIfUp(entry: ContainerEntry, lifecycle: Lifecycle): Promise<void> {
  try {
    await lifecycle.kill(entry, "SIGKILL");
  } catch (error) {
    if (!isGantryError(error, "NOT_RUNNING")) throw error;
  }
}

function refusal(entry: ContainerEntry): GantryError {
  const { record } = entry;
  const state = record.state.status === "restarting" ? "restarting" : record.state.status;
  return new GantryError(
    "conflict",
    "CONTAINER_RUNNING",
    `cannot remove container "${record.name}": container is ${state}: stop the container before removing or force remove`,
    { hint: `gantry stop ${record.name}   or   gantry rm -f ${record.name}`, details: { id: shortId(record.id) } },
  );
}
