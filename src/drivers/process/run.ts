import { type ChildProcess, type SpawnOptions, spawn as nodeSpawn, spawnSync } from "node:child_process";
import type { Readable } from "node:stream";
import { errnoOf, messageOf } from "../../base/errors.ts";
import type { Owner } from "../../base/id-map.ts";
import { LeanChild } from "./lean-child.ts";
import { ToolError } from "./tool-error.ts";

export interface RunOptions {
  env?: NodeJS.ProcessEnv;
  /** Milliseconds; then SIGKILL and ToolError. */
  timeout?: number;
  /** Exit codes that are no error, -1 for the end by a signal; default [0]. */
  ok?: number[];
  /** What it reads; nothing by default. */
  input?: string;
  /** Runs the spawn itself (synchronously) in another namespace. */
  wrap?: <T>(body: () => T) => T;
}

export interface RunResult {
  stdout: Buffer;
  stderr: string;
}

const STDERR_TAIL = 8192;

/** Holds everything up: for what takes milliseconds. Whether it worked is for the caller to see. */
export function runSync(tool: string, argv: string[]): void {
  spawnSync(tool, argv, { stdio: "ignore", timeout: 5000 });
}

/** What a program of milliseconds prints, holding everything up; undefined: it failed or is not there. */
export function outputSync(tool: string, argv: string[]): string | undefined {
  const { status, stdout } = spawnSync(tool, argv, { stdio: ["ignore", "pipe", "ignore"], timeout: 5000 });
  return status === 0 ? stdout.toString() : undefined;
}

/** Starts a child with pipes both ways, or one to hear of long after. */
export function spawn(tool: string, argv: string[], options: SpawnOptions = {}): ChildProcess {
  return nodeSpawn(tool, argv, options);
}

/** Starts a child whose output, on these of its descriptors, the caller follows. Throws ToolError. */
export function spawnLean(
  tool: string,
  argv: string[],
  options: { env?: NodeJS.ProcessEnv; outputs: number[]; input?: boolean; owner?: Owner },
): LeanChild {
  try {
    return new LeanChild(tool, argv, { ...options, env: options.env ?? process.env });
  } catch (cause) {
    throw new ToolError(tool, argv, -1, errnoOf(cause) === "ENOENT" ? `${tool}: not installed` : messageOf(cause));
  }
}

/** Runs a program to its end and gives what it printed. Throws ToolError at any other exit code, and at a time-out. */
export async function run(tool: string, argv: string[], options: RunOptions = {}): Promise<RunResult> {
  const start = (): LeanChild =>
    spawnLean(tool, argv, {
      ...(options.env ? { env: options.env } : {}),
      outputs: [1, 2],
      input: options.input !== undefined,
    });
  const child = options.wrap ? options.wrap(start) : start();
  // A program that ends without reading all of it says why by its exit code.
  child.input?.on("error", () => {});
  child.input?.end(options.input);
  let late = false;
  const timer = options.timeout
    ? setTimeout(() => {
        late = true;
        child.kill();
      }, options.timeout)
    : undefined;
  try {
    const [out, err] = await Promise.all(child.outputs.map(allOf));
    const { code, signal } = await child.exit();
    const stderr = err!.toString("utf8").slice(-STDERR_TAIL);
    if (late) throw new ToolError(tool, argv, -1, `timed out after ${options.timeout} ms`);
    if (!(options.ok ?? [0]).includes(code ?? -1))
      throw new ToolError(tool, argv, code ?? -1, stderr || (signal ? `killed by signal ${signal}` : ""));
    return { stdout: out!, stderr };
  } finally {
    clearTimeout(timer);
  }
}

function allOf(stream: Readable): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.once("error", reject);
    stream.once("close", () => resolve(Buffer.concat(chunks)));
  });
}
