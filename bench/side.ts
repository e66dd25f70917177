import { spawn } from "node:child_process";

/** One of the engines that are compared, running, with roots of its own. */
export interface Side {
  name: "dockerd" | "gantryd";
  /** What the engine says of itself. */
  version: string;
  /** Folder of everything it owns; its monitors carry it in their command line. */
  folder: string;
  /** The engine's own process. */
  pid: number;
  /** For the clients: where it listens, and no configuration of the user's. */
  env: NodeJS.ProcessEnv;
  /** The network namespace in which `127.0.0.1` is the engine's own. */
  netns: string;
  /** Ends it and takes away all it left. */
  stop(): Promise<void>;
}

export const clientEnv = (folder: string, socket: string): NodeJS.ProcessEnv => ({
  PATH: process.env["PATH"],
  HOME: folder,
  DOCKER_HOST: `unix://${socket}`,
  GANTRY_HOST: `unix://${socket}`,
  DOCKER_CONFIG: `${folder}/client`,
  DOCKER_BUILDKIT: "0",
});

export interface RunOptions {
  env?: NodeJS.ProcessEnv;
  input?: Buffer;
  /** Milliseconds until SIGKILL; a minute unless told. */
  timeout?: number;
}

/** Runs a program to its end; its stdout, trimmed. Any exit code but 0 is an error. */
export function run(file: string, args: string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env: options.env, stdio: ["pipe", "pipe", "pipe"] });
    const timer = setTimeout(() => child.kill("SIGKILL"), options.timeout ?? 60_000);
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString("latin1")));
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString("latin1")));
    child.stdin.on("error", () => {}); // its exit code tells
    child.stdin.end(options.input);
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(out.trim());
      else reject(new Error(`${file} ${args.join(" ")}: exit ${code}: ${err.trim() || out.trim()}`));
    });
  });
}

/** The stock client against one engine. */
export const docker = (side: Side, args: string[], options: Omit<RunOptions, "env"> = {}): Promise<string> =>
  run("docker", args, { ...options, env: side.env });

export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Looks every 25 ms, for 20 s at most. */
export async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await condition().catch(() => false))) {
    if (Date.now() > end) throw new Error(`bench: timed out waiting for ${what}`);
    await wait(25);
  }
}
