import { messageOf } from "../../base/errors.ts";
import { type LogKeeping, logKeeping } from "../../base/logging/keeping.ts";
import type { ContainerLogs } from "../../ports/container-logs.ts";
import type { ContainerDeps } from "./deps.ts";
import type { ContainerEntry } from "./registry.ts";

/** Milliseconds between two looks at a log that grows. */
const SOONEST = 10;
const LATEST = 1000;

interface Watched {
  entry: ContainerEntry;
  path: string;
  keeping: LogKeeping;
  size: number;
  at: number;
  /** Milliseconds that were waited last. */
  wait: number;
  cancel: (() => void) | undefined;
  /** Since when the file is missing. */
  missing: number | undefined;
}

/**
 * Keeps logs within their bounds. A quiet log costs nothing: its next write wakes; one that grows is looked at the more
 * often the sooner it will be full.
 */
export class LogRotation {
  private readonly deps: Pick<ContainerDeps, "files" | "monitor" | "clock" | "logger">;
  private readonly logs: ContainerLogs;
  private readonly watched = new Map<string, Watched>();

  constructor(deps: Pick<ContainerDeps, "files" | "monitor" | "clock" | "logger">, logs: ContainerLogs) {
    this.deps = deps;
    this.logs = logs;
  }

  begin(entry: ContainerEntry): void {
    this.end(entry);
    const { Type: driver = "", Config: options = {} } = entry.record.hostConfig.LogConfig ?? {};
    if (driver === "none") return;
    const { log: path } = this.deps.files.paths(entry.id);
    const at = this.deps.clock.now();
    const keeping = logKeeping(driver, options);
    const log = { entry, path, keeping, size: 0, at, wait: SOONEST, cancel: undefined, missing: undefined };
    this.watched.set(entry.id, log);
    this.look(log);
  }

  end(entry: ContainerEntry): void {
    this.watched.get(entry.id)?.cancel?.();
    this.watched.delete(entry.id);
  }

  close(): void {
    for (const log of this.watched.values()) log.cancel?.();
    this.watched.clear();
  }

  private look(log: Watched): void {
    log.cancel = undefined;
    let wait = LATEST;
    try {
      wait = this.keep(log);
    } catch (error) {
      this.deps.logger.error("rotating a log", { container: log.entry.id, error: messageOf(error) });
    }
    log.cancel =
      (wait === 0 ? this.logs.onWrite(log.path, () => this.lookAfter(log, SOONEST)) : undefined) ??
      this.deps.clock.after(wait || LATEST, () => this.look(log));
  }

  private lookAfter(log: Watched, ms: number): void {
    log.cancel = this.deps.clock.after(ms, () => this.look(log));
  }

  /** Rotates if it is time; answers when to look again in milliseconds, 0: at the next write. */
  private keep(log: Watched): number {
    const { bundle } = this.deps.files.paths(log.entry.id);
    const size = this.logs.size(log.path);
    const now = this.deps.clock.now();
    if (size === undefined) {
      // The monitor has not opened it yet; or an engine was killed after moving the log and before telling the monitor.
      log.missing ??= now;
      if (now - log.missing < LATEST) return SOONEST;
      this.deps.monitor.reopenLog(bundle);
      log.missing = undefined;
      return LATEST;
    }
    log.missing = undefined;
    const grown = size - log.size;
    const elapsed = Math.max(1, now - log.at);
    Object.assign(log, { size, at: now });
    if (size >= log.keeping.maxSize) {
      this.logs.rotate(log.path, log.keeping);
      this.deps.monitor.reopenLog(bundle);
      log.size = 0;
      this.settle(log);
      log.wait = SOONEST;
      return SOONEST;
    }
    if (grown === 0) {
      log.wait = SOONEST;
      return 0;
    }
    // A flood may have paused for this moment: waits grow slowly.
    const untilFull = grown < 0 ? LATEST : ((log.keeping.maxSize - size) * elapsed) / grown;
    log.wait = Math.min(LATEST, 2 * log.wait, Math.max(SOONEST, untilFull / 2));
    return log.wait;
  }

  private settle(log: Watched): void {
    this.logs.settle(log.path, log.keeping).catch((error: unknown) => {
      if (this.watched.get(log.entry.id) !== log) return; // its files may be gone by now
      this.deps.logger.warn("compressing a log", { container: log.entry.id, error: messageOf(error) });
    });
  }
}
