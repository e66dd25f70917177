import { GantryError } from "../../base/errors.ts";
import type { ContainerDeps } from "./deps.ts";
import type { Lifecycle } from "./lifecycle.ts";
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

  constructor(deps: ContainerDeps, starter: Starter) {
    this.deps = deps;
    this.starter = starter;
  }

  /** Throws conflict in Docker's words while the container is up and `force` is not given. */
  async remove(entry: ContainerEntry, options: RemoveOptions, lifecycle: Lifecycle): Promise<void> {
    const { record } = entry;
    if (record.state.status === "removing") {
      throw new GantryError("conflict", "REMOVING", `removal of container ${record.name} is already in progress`);
    }
    if (isUp(record) || record.state.status === "restarting") {
      if (!options.force) throw refusal(entry);
      // --rm would race with this removal; with force the user's options count.
      record.hostConfig.AutoRemove = false;
      if (isUp(record)) await lifecycle.kill(entry, "SIGKILL");
    }
    await entry.lock.run(async () => {
      lifecycle.giveUpRestart(entry);
      if (isUp(record)) throw refusal(entry);
      if (this.deps.registry.tryFind(entry.id) !== entry) return;
      await this.removeLocked(entry, options.volumes ?? false);
    });
  }

  /** With the lock held. */
  async removeLocked(entry: ContainerEntry, volumes: boolean): Promise<void> {
    const { record } = entry;
    const { deps } = this;
    const unfinished = record.state.intent !== undefined;
    Object.assign(record.state, { status: "removing", intent: "remove", removeVolumes: volumes });
    deps.registry.save(entry);
    if (unfinished) await this.starter.undo(entry);
    await deps.layers.removeWorkspace(record.id);
    if (volumes) await deps.mounts.removeAnonymous(record);
    deps.files.remove(record.id);
    deps.registry.remove(entry);
    deps.publish(entry, "destroy");
    entry.removed.fire(record.state.exitCode);
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
