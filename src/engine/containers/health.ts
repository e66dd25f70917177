import type { HealthConfig } from "../../base/container-config.ts";
import { messageOf } from "../../base/errors.ts";
import { formatDuration } from "../../base/units.ts";
import type { ContainerDeps } from "./deps.ts";
import type { ExecRecord, Execs } from "./execs.ts";
import type { ClientStream } from "./attach.ts";
import { type Health, type HealthResult, isUp } from "./record.ts";
import type { ContainerEntry } from "./registry.ts";

const SECOND = 1e9;
const DEFAULTS = { interval: 30 * SECOND, timeout: 30 * SECOND, startInterval: 5 * SECOND, retries: 3 };
const OUTPUT_LIMIT = 4096;
const KEPT_RESULTS = 5;

/** The probe's command, or undefined where there is none. */
export function probeOf(health: HealthConfig | undefined, shell: string[] | undefined): string[] | undefined {
  const [kind, ...rest] = health?.Test ?? [];
  if (kind === "CMD") return rest;
  if (kind === "CMD-SHELL") return [...(shell ?? ["/bin/sh", "-c"]), rest[0] ?? ""];
  return undefined;
}

/** Pure: a container's health after one more result. */
export function nextHealth(
  before: Health,
  result: HealthResult,
  rules: { retries: number; inStartPeriod: boolean },
): Health {
  const log = [...before.Log, result].slice(-KEPT_RESULTS);
  if (result.ExitCode === 0) return { Status: "healthy", FailingStreak: 0, Log: log };
  // While it still comes up a failure counts for nothing; the first success ends that time.
  if (rules.inStartPeriod && before.Status === "starting") return { ...before, Log: log };
  const streak = before.FailingStreak + 1;
  return { Status: streak >= rules.retries ? "unhealthy" : before.Status, FailingStreak: streak, Log: log };
}

/** Runs health checks while containers are up. */
export class HealthMonitor {
  private readonly deps: ContainerDeps;
  private readonly execs: Execs;
  private readonly cancels = new Map<string, () => void>();

  constructor(deps: ContainerDeps, execs: Execs) {
    this.deps = deps;
    this.execs = execs;
  }

  begin(entry: ContainerEntry): void {
    const { config, state } = entry.record;
    const probe = probeOf(config.Healthcheck, config.Shell);
    if (!probe) return;
    if (!state.health) {
      state.health = { Status: "starting", FailingStreak: 0, Log: [] };
      this.deps.registry.save(entry);
    }
    this.schedule(entry, probe);
  }

  /** The container has ended: nobody knows any more that it is well. The caller saves. */
  ended(entry: ContainerEntry): void {
    const { health } = entry.record.state;
    if (health) health.Status = "unhealthy";
    this.end(entry);
  }

  /** Looks no more; what is known stays. */
  end(entry: ContainerEntry): void {
    this.cancels.get(entry.id)?.();
    this.cancels.delete(entry.id);
  }

  private schedule(entry: ContainerEntry, probe: string[]): void {
    const { config, state } = entry.record;
    const health = config.Healthcheck ?? {};
    const starting = state.health?.Status === "starting" && this.inStartPeriod(entry);
    const wait = starting ? health.StartInterval || DEFAULTS.startInterval : health.Interval || DEFAULTS.interval;
    this.cancels.set(
      entry.id,
      this.deps.clock.after(wait / 1e6, () => void this.check(entry, probe)),
    );
  }

  private inStartPeriod(entry: ContainerEntry): boolean {
    const period = (entry.record.config.Healthcheck?.StartPeriod ?? 0) / 1e6;
    return this.deps.clock.now() - Date.parse(entry.record.state.startedAt) < period;
  }

  private async check(entry: ContainerEntry, probe: string[]): Promise<void> {
    const { record } = entry;
    const turn = this.cancels.get(entry.id);
    if (!turn || !isUp(record)) return;
    if (record.state.status === "running") {
      const result = await this.probe(entry, probe);
      // The container may have ended meanwhile, and have begun anew.
      if (this.cancels.get(entry.id) !== turn || !record.state.health) return;
      try {
        this.note(entry, record.state.health, result);
      } catch (error) {
        this.deps.logger.error("storing a container's health", { container: entry.id, error: messageOf(error) });
      }
    }
    this.schedule(entry, probe);
  }

  private note(entry: ContainerEntry, before: Health, result: HealthResult): void {
    const { record } = entry;
    const after = nextHealth(before, result, {
      retries: record.config.Healthcheck?.Retries || DEFAULTS.retries,
      inStartPeriod: this.inStartPeriod(entry),
    });
    record.state.health = after;
    if (before.Status !== after.Status) this.deps.publish(entry, `health_status: ${after.Status}`);
    this.deps.registry.save(entry);
  }

  private async probe(entry: ContainerEntry, probe: string[]): Promise<HealthResult> {
    const start = this.deps.clock.stamp();
    const output = new CollectedOutput();
    const timeout = (entry.record.config.Healthcheck?.Timeout || DEFAULTS.timeout) / 1e6;
    let exec: ExecRecord;
    try {
      exec = this.execs.create(entry, { Cmd: probe, AttachStdout: true, AttachStderr: true });
    } catch (error) {
      return { Start: start, End: this.deps.clock.stamp(), ExitCode: -1, Output: messageOf(error) };
    }
    const timedOut = await new Promise<boolean>((resolve) => {
      const cancel = this.deps.clock.after(timeout, () => resolve(true));
      void this.execs.start(exec.id, output).then(
        () => {
          cancel();
          resolve(false);
        },
        () => {
          cancel();
          resolve(false);
        },
      );
    });
    if (timedOut) {
      this.execs.kill(exec.id);
      const words = `Health check exceeded timeout (${formatDuration(timeout * 1e6)})`;
      const told = output.text();
      const Output = told === "" ? words : `${words}: ${told}`;
      return { Start: start, End: this.deps.clock.stamp(), ExitCode: -1, Output };
    }
    const code = this.execs.inspect(exec.id).exitCode ?? -1;
    return { Start: start, End: this.deps.clock.stamp(), ExitCode: code, Output: output.text() };
  }
}

/** The end of the line for a probe's output: its first 4 KiB. */
class CollectedOutput implements ClientStream {
  private readonly chunks: Buffer[] = [];
  private size = 0;

  write(_stream: "stdout" | "stderr", chunk: Buffer): boolean {
    if (this.size < OUTPUT_LIMIT) this.chunks.push(chunk.subarray(0, OUTPUT_LIMIT - this.size));
    this.size += chunk.length;
    return true;
  }

  text(): string {
    return `${Buffer.concat(this.chunks).toString("utf8")}${this.size > OUTPUT_LIMIT ? "..." : ""}`;
  }

  onDrain(): void {}
  onInput(): void {}
  onInputEnd(): void {}
  onClose(): void {}
  end(): void {}
}
