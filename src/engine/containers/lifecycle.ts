import { GantryError, isGantryError, messageOf } from "../../base/errors.ts";
import { stampOf } from "../../base/timestamps.ts";
import type { ContainerDeps } from "./deps.ts";
import { explainEnd } from "./end-reason.ts";
import { Pauses } from "./pauses.ts";
import { decideRestart, nextDelay } from "./restart-policy.ts";
import { cgroupsPathOf, type ContainerRecord, isUp } from "./record.ts";
import type { ContainerEntry } from "./registry.ts";
import { signalNumber, SIGKILL } from "./signals.ts";
import type { Starter } from "./start.ts";

const DEFAULT_STOP_SECONDS = 10;
/** Between the stop signal and SIGKILL, also where no time is to be given: dockerd needs about so long to send another. */
const LEAST_PATIENCE = 50;
/** After SIGKILL the kernel needs a moment; more than this means the process is stuck in the kernel. */
const KILL_GRACE = 10_000;
/** So long the end of a container waits for attached clients to be given its last output. */
const LAST_OUTPUT = 2000;
const MONITOR_LOST = "the container's monitor was lost";

export interface LifecycleHooks {
  /** A container is up: health checks begin. */
  onStarted(entry: ContainerEntry): void;
  /** A container has ended: health checks and execs end. */
  onEnded(entry: ContainerEntry): void;
  /** `--rm`. Called with the container's lock held. */
  autoRemove(entry: ContainerEntry): Promise<void>;
}

/** Start, stop, kill, restart, and what happens when a container ends by itself. */
export class Lifecycle {
  private readonly deps: ContainerDeps;
  private readonly starter: Starter;
  private readonly hooks: LifecycleHooks;
  readonly pauses: Pauses;

  constructor(deps: ContainerDeps, starter: Starter, hooks: LifecycleHooks) {
    this.deps = deps;
    this.starter = starter;
    this.hooks = hooks;
    this.pauses = new Pauses(deps);
  }

  /** `checkpoint`: folder of the one to go on from. Throws notModified when it runs already. */
  start(entry: ContainerEntry, checkpoint?: string): Promise<void> {
    return entry.lock.run(async () => {
      const { state } = entry.record;
      if (state.status === "paused") {
        throw new GantryError("conflict", "PAUSED", "cannot start a paused container, try unpause instead");
      }
      if (state.status === "running") throw new GantryError("notModified", "ALREADY_RUNNING", "container is running");
      if (state.status === "removing" || state.status === "dead") {
        throw new GantryError("conflict", "REMOVING", "container is marked for removal and cannot be started");
      }
      this.cancelRestart(entry);
      state.manuallyStopped = false;
      state.restartCount = 0;
      await this.bringUp(entry, checkpoint);
    });
  }

  /** With the lock held. */
  private async bringUp(entry: ContainerEntry, checkpoint?: string): Promise<void> {
    const { record } = entry;
    const { state } = record;
    const first = state.status === "created";
    try {
      // the last attempt's error stays until this one is through: a restart policy tries again and again
      state.intent = "start";
      this.deps.registry.save(entry, { sync: false });
      await this.starter.run(entry, checkpoint);
      await this.recordStart(entry);
    } catch (error) {
      Object.assign(state, {
        intent: undefined,
        status: first ? "created" : "exited",
        exitCode: exitCodeOfStartError(error),
        error: messageOf(error),
        ...(first ? {} : { finishedAt: this.deps.clock.stamp() }),
      });
      await this.saveOrTell(entry);
      entry.exited.fire(state.exitCode);
      if (record.hostConfig.AutoRemove) await this.hooks.autoRemove(entry);
      throw error;
    }
    this.deps.publish(entry, "start");
    this.hooks.onStarted(entry);
    // It may have ended before anybody watched.
    if (this.deps.monitor.exitCode(record.id)) void this.ended(entry.id);
  }

  /** A container that runs and is not on record as running must not be. */
  private async recordStart(entry: ContainerEntry): Promise<void> {
    const { health } = entry.record.state;
    Object.assign(entry.record.state, {
      intent: undefined,
      status: "running",
      exitCode: 0,
      error: "",
      oomKilled: false,
      oomKills: undefined,
      oomsTold: undefined,
      updating: undefined,
      publishing: undefined,
      startedAt: this.deps.clock.stamp(),
      // what earlier runs' probes told is kept
      health: health && { Status: "starting", FailingStreak: 0, Log: health.Log },
      endRequest: undefined,
      endReason: undefined,
    });
    entry.record.before = undefined;
    try {
      await this.deps.registry.saveDurably(entry);
    } catch (error) {
      await this.starter.abandon(entry);
      throw error;
    }
  }

  /** For what memory and kernel say already: a full disk must not keep clients waiting. The next save has it too. */
  private async saveOrTell(entry: ContainerEntry): Promise<void> {
    try {
      await this.deps.registry.saveDurably(entry, { ending: true });
    } catch (error) {
      this.deps.logger.error("storing a container's state", { container: entry.id, error: messageOf(error) });
    }
  }

  /** The stop signal, then SIGKILL after `seconds` (-1: never). Throws notModified when it does not run. */
  async stop(entry: ContainerEntry, options: { seconds?: number; signal?: string } = {}): Promise<void> {
    const { record } = entry;
    // The lock: a start that is under way counts as running.
    if (await entry.lock.run(async () => this.giveUpRestart(entry))) return;
    if (!isUp(record)) throw new GantryError("notModified", "NOT_RUNNING", "container is not running");
    const signal = stopSignal(record, options.signal);
    record.state.manuallyStopped = true;
    record.state.endRequest = { by: "stop", signal };
    await this.saveOrTell(entry);
    await this.terminate(entry, signal, options.seconds);
    this.deps.publish(entry, "stop");
  }

  private async terminate(entry: ContainerEntry, signal: number, timeout: number | undefined): Promise<void> {
    const seconds = timeout ?? entry.record.config.StopTimeout ?? DEFAULT_STOP_SECONDS;
    const gone = this.whenDown(entry);
    await this.send(entry, signal, { thaw: true });
    const patience = seconds < 0 ? undefined : Math.max(seconds * 1000, LEAST_PATIENCE);
    if (await within(gone, patience, this.deps.clock)) return;
    await this.noteStubborn(entry, seconds);
    await this.finishOff(entry, gone);
  }

  /** It has not ended by the stop signal: what its first process does at that signal tells why. */
  private async noteStubborn(entry: ContainerEntry, seconds: number): Promise<void> {
    const { state } = entry.record;
    const request = state.endRequest;
    if (request === undefined || state.process === undefined) return;
    const disposition = this.deps.signals.disposition(state.process.pid, request.signal);
    state.endRequest = { ...request, killedAfter: seconds, ...(disposition === undefined ? {} : { disposition }) };
    await this.saveOrTell(entry);
  }

  private async finishOff(entry: ContainerEntry, gone: Promise<void>): Promise<void> {
    await this.send(entry, SIGKILL, { thaw: true });
    if (!(await within(gone, KILL_GRACE, this.deps.clock))) {
      throw new GantryError("internal", "STUCK", `container ${entry.id} did not end after SIGKILL`, {
        hint: "a process in it hangs in the kernel (see its wchan below /proc)",
      });
    }
  }

  /** Resolves when the container is down, after its teardown. */
  whenDown(entry: ContainerEntry): Promise<void> {
    return new Promise((resolve) => {
      if (!isUp(entry.record)) resolve();
      else entry.exited.once(() => resolve());
    });
  }

  /** `thaw`: a frozen process takes no signal; one that is to end is let go first. */
  private async send(entry: ContainerEntry, signal: number, options: { thaw?: boolean } = {}): Promise<void> {
    const { record } = entry;
    const { process } = record.state;
    this.deps.publish(entry, "kill", { signal: String(signal) });
    if (process === undefined || !this.deps.signals.send(process, signal) || !options.thaw) return;
    try {
      if (record.state.status === "paused") await this.pauses.unpause(entry);
      // frozen by somebody else
      else if (this.deps.cgroups.frozen(cgroupsPathOf(record))) {
        await this.deps.runtime(record.hostConfig.Runtime ?? "").resume(record.id);
      }
    } catch (error) {
      // It ended, or somebody else thawed it, in this moment.
      if (!isGantryError(error, "NOT_RUNNING") && !isGantryError(error, "NOT_PAUSED")) throw error;
    }
  }

  /** `docker kill`. Throws conflict when it does not run. */
  async kill(entry: ContainerEntry, signal: string): Promise<void> {
    const number = signalNumber(signal || "SIGKILL");
    const { record } = entry;
    const final = number === SIGKILL || number === signalNumber(record.config.StopSignal || "SIGTERM");
    if (await entry.lock.run(async () => final && (await this.giveUpRestart(entry)))) return;
    if (!isUp(record)) {
      throw new GantryError("conflict", "NOT_RUNNING", `container ${entry.id} is not running`);
    }
    record.state.endRequest = { by: "kill", signal: number };
    if (final) {
      record.state.manuallyStopped = true;
      await this.saveOrTell(entry);
    }
    if (number === SIGKILL) await this.finishOff(entry, this.whenDown(entry));
    else await this.send(entry, number, { thaw: final });
  }

  /** Resolves with why the run before ended as it did, where that needs saying. */
  async restart(
    entry: ContainerEntry,
    options: { seconds?: number; signal?: string } = {},
  ): Promise<string | undefined> {
    // A restart is no end: --rm must not take the container away in between.
    entry.kept = true;
    let reason: string | undefined;
    try {
      await this.stop(entry, options);
      reason = entry.record.state.endReason?.text;
    } catch (error) {
      if (!isGantryError(error, "NOT_RUNNING")) throw error;
    } finally {
      entry.kept = false;
    }
    try {
      await this.start(entry);
    } catch (error) {
      if (!isGantryError(error, "ALREADY_RUNNING")) throw error;
    }
    this.deps.publish(entry, "restart");
    return reason;
  }

  /** The monitor recorded an exit, or was lost. Repeatable: a container that is down is left alone. */
  ended(id: string): Promise<void> {
    const entry = this.deps.registry.tryFind(id);
    if (!entry || entry.id !== id) return Promise.resolve();
    return entry.lock.run(async () => {
      if (isUp(entry.record)) await this.takeDown(entry);
    });
  }

  /** With the lock held: records the end, then takes everything down, then applies the policy. */
  private async takeDown(entry: ContainerEntry): Promise<void> {
    const { record } = entry;
    const { state } = record;
    const exit = this.deps.monitor.exitCode(record.id);
    if (!exit && state.monitor && this.deps.monitor.alive(state.monitor)) return;
    const before = { ...state, intent: state.intent };
    const exitCode = exit?.code ?? 137;
    const oomKills = this.deps.cgroups.oomKills(cgroupsPathOf(record));
    const oomKilled = oomKills > 0;
    Object.assign(state, {
      exitCode,
      error: exit ? "" : MONITOR_LOST,
      oomKilled,
      oomKills,
      endReason: explainEnd({
        exitCode,
        oomKilled,
        monitorLost: !exit,
        request: state.endRequest,
        memoryLimit: record.hostConfig.Memory ?? 0,
        memoryPeak: this.deps.cgroups.memoryPeak(cgroupsPathOf(record)),
        command: [record.path, ...record.args],
      }),
      finishedAt: exit ? stampOf(exit.at) : this.deps.clock.stamp(),
      status: "exited",
      intent: "teardown",
      pausedFor: undefined,
    });
    try {
      // finish() syncs it, before anybody is told
      this.deps.registry.save(entry, { sync: false, ending: true });
    } catch (error) {
      // The exit code stays with the monitor's record until it is stored; the watch comes again.
      Object.assign(state, before);
      throw error;
    }
    this.hooks.onEnded(entry);
    await this.finish(entry);
  }

  /** For a container that is up: whether the kernel killed in it since the last look. */
  lookForOoms(entry: ContainerEntry): void {
    const { state } = entry.record;
    const kills = this.deps.cgroups.oomKills(cgroupsPathOf(entry.record));
    if (kills <= (state.oomKills ?? 0)) return;
    Object.assign(state, { oomKilled: true, oomKills: kills });
    this.tellOfOoms(entry);
    this.deps.registry.save(entry, { sync: false });
  }

  private tellOfOoms(entry: ContainerEntry): void {
    const { state } = entry.record;
    if ((state.oomKills ?? 0) <= (state.oomsTold ?? 0)) return;
    state.oomsTold = state.oomKills ?? 0;
    this.deps.publish(entry, "oom");
  }

  /** With the lock held: what remains to be done once the exit code is safe. */
  async finish(entry: ContainerEntry): Promise<void> {
    const { record } = entry;
    const { state } = record;
    const uptime = Date.parse(state.finishedAt) - Date.parse(state.startedAt);
    const delivered = Promise.all(entry.sessions).then(() => {});
    if (state.error === MONITOR_LOST) await this.starter.abandon(entry);
    else await this.starter.undo(entry);
    await within(delivered, LAST_OUTPUT, this.deps.clock);
    state.intent = undefined;
    const { endReason } = state;
    if (endReason && endReason.code !== "KILL_REQUEST") {
      this.deps.logger.warn("why a container ended", {
        container: entry.id,
        name: record.name,
        reason: endReason.text,
      });
    }
    this.tellOfOoms(entry);
    this.deps.publish(entry, "die", {
      exitCode: String(state.exitCode),
      execDuration: String(Math.max(0, Math.floor(uptime / 1000))),
      ...(endReason === undefined ? {} : { exitReason: endReason.code }),
    });
    try {
      if (decideRestart(record.hostConfig.RestartPolicy, state)) this.scheduleRestart(entry, uptime);
      else if (record.hostConfig.AutoRemove && !entry.kept) await this.hooks.autoRemove(entry);
      else await this.saveOrTell(entry);
    } finally {
      entry.exited.fire(state.exitCode);
    }
  }

  /** Docker's back-off: 100 ms, doubling up to a minute, from the start again after 10 s of running. */
  scheduleRestart(entry: ContainerEntry, uptimeMs: number): void {
    const { state } = entry.record;
    entry.restartDelay = nextDelay(entry.restartDelay, uptimeMs);
    state.status = "restarting";
    void this.saveOrTell(entry);
    entry.cancelRestart = this.deps.clock.after(entry.restartDelay, () => {
      entry.cancelRestart = undefined;
      void entry.lock.run(async () => {
        if (state.status !== "restarting") return;
        state.restartCount++;
        try {
          await this.bringUp(entry);
        } catch (error) {
          this.deps.logger.warn("restarting a container", { container: entry.id, error: messageOf(error) });
          if (decideRestart(entry.record.hostConfig.RestartPolicy, state)) this.scheduleRestart(entry, 0);
        }
      });
    });
  }

  private cancelRestart(entry: ContainerEntry): void {
    entry.cancelRestart?.();
    entry.cancelRestart = undefined;
  }

  /** With the lock held. True if a restart was due. */
  async giveUpRestart(entry: ContainerEntry): Promise<boolean> {
    this.cancelRestart(entry);
    if (entry.record.state.status !== "restarting") return false;
    entry.record.state.status = "exited";
    entry.record.state.manuallyStopped = true;
    await this.saveOrTell(entry);
    return true;
  }
}

const stopSignal = (record: ContainerRecord, wanted: string | undefined): number =>
  signalNumber(wanted || record.config.StopSignal || "SIGTERM");

/** Docker's own code for a container that never ran, unless the command itself is to blame. */
const exitCodeOfStartError = (error: unknown): number => {
  const code = error instanceof GantryError ? error.details?.["exitCode"] : undefined;
  return typeof code === "number" ? code : 128;
};

/** True if `promise` settles within `ms` (undefined: waits for ever). */
function within(promise: Promise<void>, ms: number | undefined, clock: ContainerDeps["clock"]): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = ms === undefined ? undefined : clock.after(ms, () => resolve(false));
    void promise.then(() => {
      cancel?.();
      resolve(true);
    });
  });
}
