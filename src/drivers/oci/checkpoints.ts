import fs from "node:fs";
import path from "node:path";
import { GantryError } from "../../base/errors.ts";
import type { Checkpoints } from "../../ports/checkpoints.ts";
import { run } from "../process/run.ts";
import { ToolError } from "../process/tool-error.ts";
import { syncFileSystemInBackground } from "../syscalls/background.ts";
import { findInPath } from "./detect.ts";
import { type CliRuntime, readIfThere } from "./runtime.ts";

/** A folder of this name is not complete yet. */
const PARTIAL = ".partial";
/** The last file that a dump writes. */
const LAST_FILE = "stats-dump";
/** Between CRIU's fragments and the cause there may be lines of clean-up; the first error is the cause. */
const ERROR_LINE = /^\([\d.]+\)\s+(?:\d+: )?Error (\(.*)$/m;

/** Why CRIU gave up, from the log in its work folder. */
export const criuReason = (log: string): string | undefined => ERROR_LINE.exec(readIfThere(log))?.[1];

/** Checkpoints by `RUNTIME checkpoint`, which starts criu. */
export class CriuCheckpoints implements Checkpoints {
  private readonly runtime: (name: string) => CliRuntime;

  constructor(runtime: (name: string) => CliRuntime) {
    this.runtime = runtime;
  }

  async require(name: string): Promise<void> {
    const runtime = this.runtime(name);
    if (!(await runtime.hasCriu())) {
      throw new GantryError(
        "unavailable",
        "RUNTIME_WITHOUT_CRIU",
        `the runtime ${runtime.name} was built without CRIU: it has no checkpoints`,
        { hint: "create the container with --runtime runc" },
      );
    }
    const criu = findInPath("criu");
    if (!criu) {
      throw new GantryError("unavailable", "NO_CRIU", "checkpoints need criu, which is not installed", {
        hint: "apt-get install criu",
      });
    }
    try {
      await run(criu, ["check"], { timeout: 20_000 });
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      throw new GantryError("unavailable", "CRIU_UNUSABLE", `criu cannot work on this kernel: ${error.stderr}`, {
        hint: "`criu check` says so by hand; a newer criu may know this kernel",
      });
    }
  }

  list(folder: string): string[] {
    const names = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
    for (const name of names.filter((entry) => entry.endsWith(PARTIAL))) this.settle(path.join(folder, name));
    return fs.existsSync(folder) ? fs.readdirSync(folder).toSorted() : [];
  }

  async create(
    container: { runtime: string; id: string },
    folder: string,
    name: string,
    options: { leaveRunning: boolean },
  ): Promise<void> {
    const partial = path.join(folder, `${name}${PARTIAL}`);
    fs.mkdirSync(partial, { recursive: true, mode: 0o700 });
    try {
      await this.runtime(container.runtime).checkpoint(container.id, partial, options);
      await syncFileSystemInBackground(partial);
      fs.renameSync(partial, path.join(folder, name));
    } catch (error) {
      const reason = criuReason(path.join(partial, "dump.log"));
      fs.rmSync(partial, { recursive: true, force: true });
      if (!(error instanceof ToolError)) throw error;
      throw new GantryError("invalid", "CHECKPOINT_FAILED", `cannot checkpoint: ${reason ?? error.stderr}`, {
        ...(reason && /tcp/i.test(reason) ? { hint: "open network connections can't be kept: end them first" } : {}),
      });
    }
  }

  remove(folder: string, name: string): void {
    fs.rmSync(path.join(folder, name), { recursive: true, force: true });
  }

  /** Nobody works on it any more: a complete one whose processes have ended is all that is left of them. */
  private settle(partial: string): void {
    if (fs.existsSync(path.join(partial, LAST_FILE))) fs.renameSync(partial, partial.slice(0, -PARTIAL.length));
    else fs.rmSync(partial, { recursive: true, force: true });
  }
}
