import { type ChildProcess, type SpawnOptions, spawn as nodeSpawn } from "node:child_process";
import { ToolError } from "./tool-error.ts";

export interface RunOptions {
  input?: string | Buffer;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Milliseconds; then SIGKILL and ToolError. */
  timeout?: number;
  signal?: AbortSignal;
  /** Exit codes that are no error; default [0]. */
  ok?: number[];
  /** Arguments whose values must not reach a log or an error. */
  secret?: boolean;
  /** Runs the spawn itself (synchronously) in another namespace. */
  wrap?: <T>(body: () => T) => T;
}

export interface RunResult {
  code: number;
  stdout: Buffer;
  stderr: string;
}

const STDERR_TAIL = 8192;

/** Starts a child; the one place in Gantry that does. */
export function spawn(tool: string, argv: string[], options: SpawnOptions = {}): ChildProcess {
  return nodeSpawn(tool, argv, options);
}

/** Runs a program to its end and gives what it printed. Throws ToolError at any other exit code, time-out or abort. */
export function run(tool: string, argv: string[], options: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const start = (): ChildProcess =>
      spawn(tool, argv, {
        cwd: options.cwd,
        env: options.env ?? process.env,
        stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      });
    const child = options.wrap ? options.wrap(start) : start();
    const out: Buffer[] = [];
    let err = "";
    let why: string | undefined;
    const stop = (reason: string): void => {
      why = reason;
      child.kill("SIGKILL");
    };
    const timer = options.timeout
      ? setTimeout(() => stop(`timed out after ${options.timeout} ms`), options.timeout)
      : undefined;
    const onAbort = (): void => stop("canceled");
    if (options.signal?.aborted) onAbort();
    options.signal?.addEventListener("abort", onAbort, { once: true });
    const shown = options.secret ? [argv[0] ?? "", "…"] : argv;
    child.stdout?.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => {
      err = (err + chunk.toString("utf8")).slice(-STDERR_TAIL);
    });
    const settle = (): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
    };
    child.on("error", (cause) => {
      settle();
      reject(new ToolError(tool, shown, -1, messageOfSpawn(tool, cause)));
    });
    child.on("close", (code, signal) => {
      settle();
      const exit = code ?? -1;
      if (why !== undefined) reject(new ToolError(tool, shown, exit, why));
      else if (code === null || !(options.ok ?? [0]).includes(code)) {
        reject(new ToolError(tool, shown, exit, err || (signal ? `killed by ${signal}` : "")));
      } else resolve({ code, stdout: Buffer.concat(out), stderr: err });
    });
    if (options.input !== undefined) {
      child.stdin?.on("error", () => {}); // the child's exit code tells
      child.stdin?.end(options.input);
    }
  });
}

const messageOfSpawn = (tool: string, cause: Error): string =>
  "code" in cause && cause.code === "ENOENT" ? `${tool}: not installed` : cause.message;
