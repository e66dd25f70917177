import { messageOf } from "../../base/errors.ts";
import type { ContainerDeps } from "./deps.ts";
import type { Lifecycle, LifecycleHooks } from "./lifecycle.ts";
import type { LivePorts } from "./live-ports.ts";
import { cgroupsPathOf, isUp, type ContainerRecord } from "./record.ts";
import type { ContainerEntry, ContainerRegistry } from "./registry.ts";
import type { Remover } from "./remove.ts";
import { decideBoot } from "./restart-policy.ts";
import { workspaceOwner } from "./spec/image-mounts.ts";
import type { Starter } from "./start.ts";
import type { Updater } from "./update.ts";

/** Containers that are recovered side by side. */
const AT_ONCE = 8;

/** What is true of a container when the daemon starts. */
export interface RecoveryFacts {
  monitorAlive: boolean;
  exitRecorded: boolean;
  /** Its processes are frozen: paused, whether or not the record knows. */
  frozen: boolean;
  /** Its root is mounted. */
  mounted: boolean;
}

export type RecoveryStep =
  | { do: "adopt"; as: "running" | "paused" }
  /** A pause that was the engine's own, for something that was cut short. */
  | { do: "let-go" }
  /** Its files were being copied while it was down. */
  | { do: "unmount" }
  /** It ended while nobody watched: record it and take it down. */
  | { do: "record-end" }
  /** A start was cut short: undo it. */
  | { do: "undo-start" }
  | { do: "finish-teardown" }
  | { do: "finish-removal" }
  | { do: "boot" }
  | { do: "auto-remove" };

/** Pure: what a new daemon does with a container that it finds. */
export function planRecovery(record: ContainerRecord, facts: RecoveryFacts): RecoveryStep[] {
  const { state, hostConfig } = record;
  // Nobody was told of it yet.
  if (state.intent === "create") return [{ do: "finish-removal" }];
  if (state.intent === "remove") return [{ do: "finish-removal" }];
  if (state.intent === "teardown") return [{ do: "finish-teardown" }];
  if (state.intent === "start") {
    return [{ do: "undo-start" }, hostConfig.AutoRemove ? { do: "auto-remove" } : { do: "boot" }];
  }
  if (isUp(record)) {
    if (facts.exitRecorded || !facts.monitorAlive) return [{ do: "record-end" }];
    if (!facts.frozen) return [{ do: "adopt", as: "running" }];
    return [{ do: "adopt", as: "paused" }, ...(state.pausedFor === undefined ? [] : [{ do: "let-go" } as const])];
  }
  const leftover: RecoveryStep[] = state.intent === "copy" || facts.mounted ? [{ do: "unmount" }] : [];
  if (state.status === "restarting" || state.status === "exited") return [...leftover, { do: "boot" }];
  return leftover;
}

export interface RecoveryParts {
  registry: ContainerRegistry;
  starter: Starter;
  lifecycle: Lifecycle;
  remover: Remover;
  updater: Updater;
  ports: LivePorts;
  hooks: LifecycleHooks;
}

/** Brings the records and the kernel together when the daemon starts, then sweeps what belongs to nobody. */
export async function recover(deps: ContainerDeps, parts: RecoveryParts): Promise<void> {
  const entries = parts.registry.all();
  const running = entries.filter(({ record }) => isUp(record) && record.state.intent === undefined);
  await deps.monitor.sweep(new Set(running.map((entry) => entry.id)));
  const waiting = entries[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (const entry of waiting) await recoverOne(entry, deps, parts);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  await sweep(deps, parts.registry);
}

async function recoverOne(entry: ContainerEntry, deps: ContainerDeps, parts: RecoveryParts): Promise<void> {
  const { monitor } = entry.record.state;
  const facts: RecoveryFacts = {
    monitorAlive: monitor !== undefined && deps.monitor.alive(monitor),
    exitRecorded: deps.monitor.exitCode(entry.id) !== undefined,
    frozen: deps.cgroups.frozen(cgroupsPathOf(entry.record)),
    mounted: deps.layers.mountedAt(entry.id) !== undefined,
  };
  for (const step of planRecovery(entry.record, facts)) {
    try {
      await carryOut(step, entry, deps, parts);
    } catch (error) {
      deps.logger.error("recovering a container", { container: entry.id, step: step.do, error: messageOf(error) });
    }
  }
}

async function carryOut(
  step: RecoveryStep,
  entry: ContainerEntry,
  deps: ContainerDeps,
  parts: RecoveryParts,
): Promise<void> {
  const { record } = entry;
  switch (step.do) {
    case "adopt":
      if (record.state.status !== step.as) {
        record.state.status = step.as;
        parts.registry.save(entry);
      }
      parts.hooks.onStarted(entry);
      await entry.lock.run(async () => {
        parts.ports.resume(entry);
        await parts.updater.resume(entry);
      });
      return;
    case "let-go":
      await parts.lifecycle.pauses.unpause(entry);
      return;
    case "unmount":
      await deps.mounts.release(record);
      await deps.layers.unmount(record.id);
      record.state.intent = undefined;
      parts.registry.save(entry);
      return;
    case "record-end":
      await parts.lifecycle.ended(entry.id);
      return;
    case "undo-start":
      await parts.starter.abandon(entry);
      record.state.intent = undefined;
      record.state.error = "the engine ended during the start";
      parts.registry.save(entry);
      return;
    case "finish-teardown":
      await entry.lock.run(() => parts.lifecycle.finish(entry));
      return;
    case "finish-removal":
      await entry.lock.run(() => parts.remover.removeLocked(entry, record.state.removeVolumes ?? false));
      return;
    case "auto-remove":
      await entry.lock.run(() => parts.hooks.autoRemove(entry));
      return;
    case "boot":
      if (!decideBoot(record.hostConfig.RestartPolicy, record.state) || record.state.status === "created") {
        if (record.state.status === "restarting")
          await entry.lock.run(async () => parts.lifecycle.giveUpRestart(entry));
        return;
      }
      record.state.manuallyStopped = false;
      await entry.lock.run(async () => parts.lifecycle.scheduleRestart(entry, 0));
  }
}

/** Removes groups, mounts, workspaces and files whose container is not in the index. */
async function sweep(deps: ContainerDeps, registry: ContainerRegistry): Promise<void> {
  const known = new Set(registry.all().map((entry) => entry.id));
  const strays = new Set(
    [...deps.files.list(), ...deps.layers.listWorkspaces()].filter((id) => !known.has(workspaceOwner(id))),
  );
  for (const id of strays) {
    const attempts = await Promise.allSettled([
      deps.cgroups.destroy(`/gantry/${id}`),
      deps.runtime("").remove(id),
      deps.networking.detach(id),
      deps.layers.removeWorkspace(id),
      (async () => deps.files.remove(id))(),
    ]);
    const failed = attempts
      .filter((attempt) => attempt.status === "rejected")
      .map((attempt) => messageOf(attempt.reason));
    deps.logger.info("swept what a lost container left", { container: id, failed });
  }
}
