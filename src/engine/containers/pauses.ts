import { GantryError, isGantryError } from "../../base/errors.ts";
import type { ContainerDeps } from "./deps.ts";
import { type ContainerState, isUp } from "./record.ts";
import type { ContainerEntry } from "./registry.ts";

/** What the engine itself pauses a container for. */
type Reason = NonNullable<ContainerState["pausedFor"]>;

/** Holds containers' processes and lets them go. */
export class Pauses {
  private readonly deps: Pick<ContainerDeps, "registry" | "runtime" | "publish">;

  constructor(deps: Pick<ContainerDeps, "registry" | "runtime" | "publish">) {
    this.deps = deps;
  }

  /** `reason`: for the engine's own work, until endFor. Throws conflict PAUSED, NOT_RUNNING. */
  pause(entry: ContainerEntry, reason?: Reason): Promise<void> {
    return entry.lock.run(async () => {
      const { record } = entry;
      if (record.state.status === "paused") {
        throw new GantryError("conflict", "PAUSED", `container ${entry.id} is already paused`);
      }
      requireRunning(entry);
      record.state.pausedFor = reason;
      try {
        if (reason !== undefined) this.deps.registry.save(entry, { sync: false });
        await this.deps.runtime(record.hostConfig.Runtime ?? "").pause(record.id);
      } catch (error) {
        record.state.pausedFor = undefined;
        throw error;
      }
      record.state.status = "paused";
      this.deps.registry.save(entry, { sync: reason === undefined });
      this.deps.publish(entry, "pause");
    });
  }

  /** Throws conflict NOT_PAUSED. */
  unpause(entry: ContainerEntry): Promise<void> {
    return entry.lock.run(() => this.resume(entry));
  }

  /**
   * Holds one that runs until the result is called. One that is down or paused is left as it is, also when it ends or is
   * paused in this moment.
   */
  async hold(entry: ContainerEntry, reason: Reason): Promise<() => Promise<void>> {
    if (entry.record.state.status !== "running") return async () => {};
    try {
      await this.pause(entry, reason);
    } catch (error) {
      if (isGantryError(error, "NOT_RUNNING") || isGantryError(error, "PAUSED")) return async () => {};
      await this.endFor(entry, reason);
      throw error;
    }
    return () => this.endFor(entry, reason);
  }

  /** Lets a container go that was paused for this reason and still is. */
  private endFor(entry: ContainerEntry, reason: Reason): Promise<void> {
    return entry.lock.run(async () => {
      const { state } = entry.record;
      if (state.pausedFor !== reason || state.status !== "paused") return;
      try {
        await this.resume(entry);
      } catch (error) {
        if (!isGantryError(error, "NOT_RUNNING")) throw error; // its end clears the rest
      }
    });
  }

  private async resume(entry: ContainerEntry): Promise<void> {
    const { record } = entry;
    if (record.state.status !== "paused") {
      throw new GantryError("conflict", "NOT_PAUSED", `container ${entry.id} is not paused`);
    }
    await this.deps.runtime(record.hostConfig.Runtime ?? "").resume(record.id);
    Object.assign(record.state, { status: "running", pausedFor: undefined });
    this.deps.registry.save(entry, { ending: true });
    this.deps.publish(entry, "unpause");
  }
}

/** Throws conflict NOT_RUNNING. */
export function requireRunning(entry: ContainerEntry): void {
  if (!isUp(entry.record)) {
    throw new GantryError("conflict", "NOT_RUNNING", `container ${entry.id} is not running`);
  }
}
