import fs from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { GantryError } from "../../base/errors.ts";
import type { OciRuntime } from "../../ports/oci-runtime.ts";
import { childrenOf, killIfThere } from "../process/handle.ts";
import { type RunOptions, type RunResult, run, spawn } from "../process/run.ts";
import { ToolError } from "../process/tool-error.ts";
import { identityOf } from "./sealed-program.ts";
import { HeldOutput, type OnOutput } from "./held-output.ts";
import { lastMessage, translateRuntimeError } from "./translate.ts";

export interface CliRuntimeInit {
  name: string;
  path: string;
  /** What to start, where that is not the path itself. */
  program?: () => string;
  /** Where the runtime keeps its own state. */
  stateRoot: string;
  /** Runs a spawn in the mount namespace that this runtime needs. */
  wrap: <T>(body: () => T) => T;
}

/** Milliseconds between two looks for processes of a container that is to end. */
const END_PAUSE = 20;

const GONE =
  /does not exist|no such (container|file|process)|container not running|not running|ESRCH|error opening file.*status/i;

/** crun, runc and others that take runc's command line. */
export class CliRuntime implements OciRuntime {
  readonly name: string;
  readonly path: string;
  readonly wrap: <T>(body: () => T) => T;
  /** The file to start: asked anew each time. */
  readonly program: () => string;
  readonly stateRoot: string;
  private said: { of: string; text: string } | undefined;

  constructor(init: CliRuntimeInit) {
    this.name = init.name;
    this.path = init.path;
    this.program = init.program ?? (() => init.path);
    this.stateRoot = init.stateRoot;
    this.wrap = init.wrap;
  }

  /** Arguments that come before every sub-command. */
  globalArgs(stateRoot = this.stateRoot): string[] {
    return [`--root=${stateRoot}`];
  }

  private run(args: string[], options: RunOptions = {}): Promise<RunResult> {
    return run(this.program(), [...this.globalArgs(), ...args], { ...options, wrap: this.wrap });
  }

  async start(id: string): Promise<void> {
    try {
      await this.run(["start", id]);
    } catch (error) {
      throw error instanceof ToolError ? translateRuntimeError("start", error.stderr, id) : error;
    }
  }

  async remove(id: string): Promise<void> {
    try {
      await this.run(["delete", "--force", id]);
    } catch (error) {
      if (!(error instanceof ToolError && GONE.test(error.stderr))) throw error;
    }
  }

  /** crun says what it was built with; runc always can. */
  async hasCriu(): Promise<boolean> {
    const text = await this.version();
    return !text.startsWith("crun ") || text.includes("+CRIU");
  }

  /** All that `--version` tells; asked once for each program that is there. */
  async version(): Promise<string> {
    const of = identityOf(this.path);
    if (this.said?.of !== of) {
      const { stdout } = await run(this.program(), ["--version"], { wrap: this.wrap });
      this.said = { of, text: stdout.toString("utf8") };
    }
    return this.said.text;
  }

  /** CRIU's images and its log go to `folder`. Throws ToolError. */
  async checkpoint(id: string, folder: string, options: { leaveRunning: boolean }): Promise<void> {
    const leave = options.leaveRunning ? ["--leave-running"] : [];
    await this.run(["checkpoint", ...leave, `--image-path=${folder}`, `--work-path=${folder}`, id]);
  }

  async pause(id: string): Promise<void> {
    await this.freezeOrThaw("pause", id);
  }

  async resume(id: string): Promise<void> {
    await this.freezeOrThaw("resume", id);
  }

  async update(id: string, resources: Record<string, unknown>): Promise<void> {
    try {
      await this.run(["update", "--resources", "/dev/stdin", id], { input: JSON.stringify(resources) });
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      // Not by GONE: a file that is missing may be one that this kernel hasn't.
      if (/does not exist|not running|error opening file.*status/i.test(error.stderr)) throw notRunning(id);
      throw new GantryError("conflict", "UPDATE_REFUSED", lastMessage(error.stderr), { cause: error });
    }
  }

  /** The container may end at any moment; on cgroup v2 a frozen one too, of SIGKILL. */
  private async freezeOrThaw(command: "pause" | "resume", id: string): Promise<void> {
    try {
      await this.run([command, id]);
    } catch (error) {
      if (error instanceof ToolError && GONE.test(error.stderr)) throw notRunning(id);
      throw error;
    }
  }

  runToEnd(id: string, bundle: string, options: { onOutput: OnOutput; signal?: AbortSignal }): Promise<number> {
    if (options.signal?.aborted) return Promise.reject(canceled());
    return new Promise((resolve, reject) => {
      const log = `${bundle}/runtime.log`;
      const child = this.wrap(() =>
        spawn(this.program(), [...this.globalArgs(), `--log=${log}`, "run", "--bundle", bundle, id], {
          stdio: ["pipe", "pipe", "pipe"], // never /dev/null, see keepNullDevice
        }),
      );
      child.stdin?.on("error", () => {});
      child.stdin?.end();
      const output = new HeldOutput(options.onOutput, () => readIfThere(log) !== "");
      child.stdout?.on("data", (chunk: Buffer) => output.push("stdout", chunk));
      child.stderr?.on("data", (chunk: Buffer) => output.push("stderr", chunk));
      // The runtime leaves with its container; killing the runtime alone would orphan it, and `delete` while it still
      // creates would take its state away and leave the container.
      const onAbort = async (): Promise<void> => {
        while (child.exitCode === null && child.signalCode === null) {
          for (const pid of childrenOf(child.pid ?? 0)) killIfThere(pid);
          await pause(END_PAUSE);
        }
      };
      options.signal?.addEventListener("abort", onAbort, { once: true });
      child.on("error", reject);
      child.on("close", (code) => {
        options.signal?.removeEventListener("abort", onAbort);
        const complaint = readIfThere(log) || (code === 0 ? "" : output.lateComplaint());
        output.end(code === 0 || complaint === "");
        if (options.signal?.aborted) reject(canceled());
        else if (code !== 0 && complaint !== "")
          reject(translateRuntimeError("create", complaint, commandOfBundle(bundle)));
        else resolve(code ?? 137);
      });
    });
  }
}

const notRunning = (id: string): GantryError =>
  new GantryError("conflict", "NOT_RUNNING", `container ${id} is not running`);

const canceled = (): GantryError => new GantryError("canceled", "CANCELED", "context canceled");

/** A small text file, trimmed; empty when it is missing. */
export function readIfThere(file: string): string {
  try {
    return fs.readFileSync(file, "utf8").trim();
  } catch {
    return "";
  }
}

/** What a bundle's config.json runs. */
export function commandOfBundle(bundle: string): string {
  const spec = JSON.parse(fs.readFileSync(path.join(bundle, "config.json"), "utf8")) as {
    process: { args: string[] };
  };
  return spec.process.args[0] ?? "";
}
