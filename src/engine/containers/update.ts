import type { HostConfig } from "../../base/container-config.ts";
import { GantryError, isGantryError, messageOf } from "../../base/errors.ts";
import type { ContainerDeps } from "./deps.ts";
import { cgroupsPathOf, isUp } from "./record.ts";
import type { ContainerEntry } from "./registry.ts";
import { supportedResources } from "./spec/supported.ts";
import { type LiveChange, mergeUpdate, planLiveChange, planRefresh, planUndo } from "./spec/update-plan.ts";
import { validateRestartPolicy } from "./spec/validate.ts";
import { validateResources } from "./spec/validate-resources.ts";

export type UpdateDeps = Pick<
  ContainerDeps,
  "registry" | "runtime" | "cgroups" | "host" | "monitor" | "logger" | "publish"
>;

/** Changes limits and the restart policy of containers, running or not. */
export class Updater {
  private readonly deps: UpdateDeps;

  constructor(deps: UpdateDeps) {
    this.deps = deps;
  }

  /** All or nothing. Returns warnings. Errors: invalid BAD_RESOURCES, conflict UPDATE_CONFLICT, UPDATE_REFUSED. */
  async update(entry: ContainerEntry, asked: HostConfig): Promise<string[]> {
    const host = this.deps.host.facts();
    const warnings = validateResources(asked, host, { update: true });
    validateRestartPolicy({ ...(asked.RestartPolicy && { RestartPolicy: asked.RestartPolicy }) });
    const change = supportedResources(asked, host);
    // null: what 0 is in a create, but here it takes the limit away.
    if (asked.PidsLimit === 0) change.PidsLimit = 0;
    await entry.lock.run(async () => {
      try {
        await this.change(entry, change);
      } catch (error) {
        if (!isGantryError(error)) throw error;
        throw new GantryError(error.kind, error.code, `Cannot update container ${entry.id}: ${error.message}`, {
          ...(error.hint === undefined ? {} : { hint: error.hint }),
          cause: error,
        });
      }
    });
    this.deps.publish(entry, "update");
    return warnings;
  }

  private async change(entry: ContainerEntry, change: HostConfig): Promise<void> {
    const { record } = entry;
    if (record.state.status === "removing" || record.state.status === "dead") {
      throw new GantryError("conflict", "REMOVING", 'container is marked for removal and cannot be "update"');
    }
    const before = record.hostConfig;
    const host = this.deps.host.facts();
    record.hostConfig = mergeUpdate(before, change);
    if (!isUp(record)) return this.keep(entry, before);
    record.state.updating = true;
    this.keep(entry, before, { sync: false });
    try {
      await this.apply(entry, planLiveChange(change, record.hostConfig, host));
    } catch (error) {
      record.hostConfig = before;
      // Half of it may be done.
      await this.apply(entry, planUndo(change, before, host)).catch((cause: unknown) => {
        this.deps.logger.warn("taking a refused change of limits back", {
          container: entry.id,
          error: messageOf(cause),
        });
      });
      record.state.updating = undefined;
      this.deps.registry.save(entry, { ending: true });
      throw error;
    }
    record.state.updating = undefined;
    this.deps.registry.save(entry);
  }

  /** Stores the changed record; if that fails, the record is as `before`. */
  private keep(entry: ContainerEntry, before: HostConfig, options?: { sync: boolean }): void {
    try {
      this.deps.registry.save(entry, options);
    } catch (error) {
      entry.record.hostConfig = before;
      entry.record.state.updating = undefined;
      throw error;
    }
  }

  /** One that ends meanwhile has its new limits when it starts again. */
  private async apply({ record }: ContainerEntry, { resources, lift }: LiveChange): Promise<void> {
    try {
      if (Object.keys(resources).length > 0) {
        await this.deps.runtime(record.hostConfig.Runtime ?? "").update(record.id, resources);
      }
      for (const limit of lift) this.deps.cgroups.lift(cgroupsPathOf(record), limit);
    } catch (error) {
      if (!isGantryError(error, "NOT_RUNNING") && !this.deps.monitor.exitCode(record.id)) throw error;
    }
  }

  /** With the lock held: finishes a change that the engine's end cut short. */
  async resume(entry: ContainerEntry): Promise<void> {
    if (!entry.record.state.updating) return;
    await this.apply(entry, planRefresh(entry.record.hostConfig, this.deps.host.facts()));
    entry.record.state.updating = undefined;
    this.deps.registry.save(entry);
  }
}
