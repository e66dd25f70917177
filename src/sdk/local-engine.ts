import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { GantryError } from "../base/errors.ts";
import type { SignalOption } from "./container.ts";
import { Gantry } from "./gantry.ts";
import { Reaper } from "./reaper.ts";
import { retry, within } from "./wait.ts";

export interface EngineOptions extends SignalOption {
  /** Base images to make at once, without a registry: "busybox", "debian:bookworm". */
  images?: string[];
  /** Further flags for gantryd. */
  flags?: string[];
  /** Milliseconds until it must answer; default 20,000. */
  timeout?: number;
}

/**
 * An engine of this program's own, with its own folders, socket, bridge and addresses. `stop()`, or the end of an
 * `await using` block, takes it down with all its containers, images and volumes; the end of this process does too, even by
 * SIGKILL.
 */
export class LocalEngine extends Gantry {
  /** Its folder below the system's temporary one. */
  readonly folder: string;
  /** What DOCKER_HOST has to be for other clients. */
  readonly host: string;
  private readonly child: ChildProcess;
  private readonly reaper: Reaper;

  private constructor(folder: string, host: string, child: ChildProcess) {
    super({ host, tls: undefined });
    this.folder = folder;
    this.host = host;
    this.child = child;
    this.reaper = new Reaper({ gantry: program("gantry"), host, pid: child.pid ?? 0, folder });
    child.unref();
  }

  /** Needs root. Errors: forbidden NOT_ROOT, unavailable ENGINE_FAILED with the engine's own words. */
  static async launch(options: EngineOptions = {}): Promise<LocalEngine> {
    if (process.getuid?.() !== 0) {
      throw new GantryError("forbidden", "NOT_ROOT", "an engine needs root to run containers", {
        hint: "run as root, or connect to an engine that runs: new Gantry({ host })",
      });
    }
    const folder = mkdtempSync(join(tmpdir(), "gantry-"));
    const host = `unix://${join(folder, "gantry.sock")}`;
    const engine = new LocalEngine(folder, host, spawnEngine(folder, host, options.flags ?? []));
    try {
      await engine.ready(options);
      for (const name of options.images ?? []) await engine.images.bootstrap(name, { signal: options.signal });
    } catch (error) {
      await engine.stop();
      throw error;
    }
    return engine;
  }

  /** What it has logged. */
  get log(): string {
    return readFileSync(join(this.folder, "log"), "utf8");
  }

  /** Takes it down with all that is in it. */
  async stop(): Promise<void> {
    if (this.running) {
      await this.removeContainers();
      this.close();
      this.child.ref();
      this.child.kill();
      await once(this.child, "exit");
    }
    rmSync(this.folder, { recursive: true, force: true });
    this.reaper.dismiss();
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  private get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  private async ready({ timeout = 20_000, signal }: EngineOptions): Promise<void> {
    await within("the engine to answer", { timeout, signal }, (both) =>
      retry(both, async () => {
        if (!this.running) {
          const words = this.log.trim().split("\n").slice(-5).join("\n");
          throw new GantryError("unavailable", "ENGINE_FAILED", `gantryd ended: ${words}`);
        }
        try {
          await this.version({ signal: both });
          return true;
        } catch (error) {
          if (error instanceof GantryError && error.kind === "unavailable") return false;
          throw error;
        }
      }),
    );
  }

  private async removeContainers(): Promise<void> {
    // An engine that does not answer any more leaves nothing to ask.
    const rows = await this.containers.list({ all: true }).catch(() => []);
    await Promise.all(
      rows.map(({ Id }) => this.api.containers.remove(Id, { force: true, volumes: true }).catch(() => {})),
    );
  }
}

function spawnEngine(folder: string, host: string, flags: string[]): ChildProcess {
  const log = openSync(join(folder, "log"), "a", 0o600);
  const own = ["--data-root", join(folder, "data"), "--exec-root", join(folder, "exec"), "-H", host];
  const bridge = ["--bridge", `gx${randomBytes(5).toString("hex")}`];
  try {
    return spawn(program("gantryd"), [...own, ...bridge, ...flags], { stdio: ["ignore", log, log], detached: true });
  } finally {
    closeSync(log);
  }
}

/** bin/NAME of the package that this file is part of, bundled or not. */
function program(name: "gantry" | "gantryd"): string {
  for (let at = dirname(fileURLToPath(import.meta.url)); at !== dirname(at); at = dirname(at)) {
    const found = join(at, "bin", name);
    if (existsSync(found)) return found;
  }
  throw new GantryError("internal", "NO_ENGINE", `the package's bin/${name} is missing`, {
    hint: "install it again: npm install gantry",
  });
}
