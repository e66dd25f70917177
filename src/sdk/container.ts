import type { ContainerExplanation } from "../wire/types/explain.ts";
import type { HostConfig } from "../base/container-config.ts";
import { GantryError } from "../base/errors.ts";
import type { Gantry as Client } from "../client/gantry.ts";
import type {
  ContainerInspect,
  ContainerStats,
  FilesystemChange,
  PathStat,
  TopResponse,
  WaitCondition,
} from "../wire/types/containers.ts";
import { archiveOf, type Files, unpackTo } from "./files.ts";
import { chunksOf, gatherOutput, type Input, linesOf, type LogLine, type RunResult, Session } from "./output.ts";
import { accepts, retry, type WaitOptions, within } from "./wait.ts";

export interface SignalOption {
  signal?: AbortSignal;
}

export interface ExecOptions extends SignalOption {
  env?: Record<string, string>;
  user?: string;
  workingDir?: string;
  /** Written to its stdin, which is closed then. */
  input?: Input;
  tty?: boolean;
  privileged?: boolean;
}

export interface LogsOptions extends SignalOption {
  /** Go on as long as the container runs. */
  follow?: boolean;
  /** The last so many lines only. */
  tail?: number;
  since?: Date;
  until?: Date;
  /** Give each line its `time`. */
  timestamps?: boolean;
  /** Only one of the two. */
  stream?: "stdout" | "stderr";
}

const LAST_LINES = 20;

/**
 * A container of the engine's. With `await using` it is removed at the end of the block, whatever state it is in, with its
 * anonymous volumes.
 */
export class Container implements AsyncDisposable {
  readonly id: string;
  private readonly client: Client;

  /** @internal */
  constructor(client: Client, id: string) {
    this.client = client;
    this.id = id;
  }

  inspect(options: SignalOption = {}): Promise<ContainerInspect> {
    return this.client.containers.inspect(this.id, {}, options.signal);
  }

  /** What it is in the kernel: processes, namespaces, control group, mounts, links; and why it ended if it has. */
  explain(options: SignalOption = {}): Promise<ContainerExplanation> {
    return this.client.containers.explain(this.id, [], options.signal);
  }

  /** False: it ran already. */
  start(options: SignalOption = {}): Promise<boolean> {
    return this.client.containers.start(this.id, {}, options.signal);
  }

  /** `timeout`: seconds until SIGKILL. False: it did not run. */
  stop(options: SignalOption & { timeout?: number; stopSignal?: string } = {}): Promise<boolean> {
    const { timeout, stopSignal, signal } = options;
    return this.client.containers.stop(this.id, { timeout, signal: stopSignal }, signal);
  }

  restart(options: SignalOption & { timeout?: number } = {}): Promise<void> {
    return this.client.containers.restart(this.id, { timeout: options.timeout }, options.signal);
  }

  /** `name`: SIGKILL if missing. */
  kill(name?: string, options: SignalOption = {}): Promise<void> {
    return this.client.containers.kill(this.id, name, options.signal);
  }

  pause(options: SignalOption = {}): Promise<void> {
    return this.client.containers.pause(this.id, options.signal);
  }

  unpause(options: SignalOption = {}): Promise<void> {
    return this.client.containers.unpause(this.id, options.signal);
  }

  rename(name: string, options: SignalOption = {}): Promise<void> {
    return this.client.containers.rename(this.id, name, options.signal);
  }

  /** Changes limits while it runs. Gives warnings. */
  async update(resources: Partial<HostConfig>, options: SignalOption = {}): Promise<string[]> {
    return (await this.client.containers.update(this.id, resources, options.signal)).Warnings ?? [];
  }

  /** `volumes`: its anonymous ones too. */
  remove(options: SignalOption & { force?: boolean; volumes?: boolean } = {}): Promise<void> {
    const { signal, ...rest } = options;
    return this.client.containers.remove(this.id, rest, signal);
  }

  /** The exit code. */
  async wait(options: SignalOption & { condition?: WaitCondition } = {}): Promise<number> {
    const { exit } = await this.client.containers.wait(this.id, options.condition, options.signal);
    return (await exit).StatusCode;
  }

  /** What it wrote, line by line. */
  async *logs(options: LogsOptions = {}): AsyncGenerator<LogLine> {
    const { follow, tail, since, until, timestamps = false, stream, signal } = options;
    const tty = (await this.inspect({ signal })).Config.Tty === true;
    const query = {
      follow,
      timestamps,
      stdout: stream !== "stderr",
      stderr: stream !== "stdout",
      ...(tail === undefined ? {} : { tail: String(tail) }),
      ...(since ? { since: seconds(since) } : {}),
      ...(until ? { until: seconds(until) } : {}),
    };
    yield* linesOf(chunksOf(await this.client.containers.rawLogs(this.id, query, signal), tty), timestamps);
  }

  /** One measurement. */
  stats(options: SignalOption = {}): Promise<ContainerStats> {
    return this.client.containers.stats(this.id, {}, options.signal);
  }

  /** A measurement each second. */
  followStats(options: SignalOption = {}): AsyncGenerator<ContainerStats> {
    return this.client.containers.streamStats(this.id, options.signal);
  }

  /** `psArgs`: what `ps` is asked for. */
  top(psArgs?: string, options: SignalOption = {}): Promise<TopResponse> {
    return this.client.containers.top(this.id, psArgs, options.signal);
  }

  /** Files that differ from the image. */
  async changes(options: SignalOption = {}): Promise<FilesystemChange[]> {
    return (await this.client.containers.changes(this.id, options.signal)) ?? [];
  }

  /** Runs a program in it, to its end. An exit code other than 0 is no error. */
  async exec(command: string[], options: ExecOptions = {}): Promise<RunResult> {
    const { signal, tty = false, input } = options;
    const { Id } = await this.client.exec.create(this.id, execRequest(command, options), signal);
    using session = new Session(await this.client.exec.attach(Id, { Tty: tty }, signal), tty);
    if (input !== undefined) void session.send(input).catch(() => {}); // it may end without reading all
    const output = await gatherOutput(session);
    const { ExitCode } = await this.client.exec.inspect(Id, signal);
    return { exitCode: ExitCode ?? -1, ...output };
  }

  /** Starts a program in it and gives the connection to it. */
  async execSession(command: string[], options: Omit<ExecOptions, "input"> = {}): Promise<Session> {
    const { signal, tty = false } = options;
    const { Id } = await this.client.exec.create(this.id, execRequest(command, { ...options, input: "" }), signal);
    return new Session(await this.client.exec.attach(Id, { Tty: tty }, signal), tty);
  }

  /** A connection to its main process. */
  async attach(options: SignalOption & { logs?: boolean; stdin?: boolean } = {}): Promise<Session> {
    const { signal, ...rest } = options;
    const tty = (await this.inspect({ signal })).Config.Tty === true;
    return new Session(
      await this.client.containers.attach(this.id, { ...rest, stdout: true, stderr: true }, signal),
      tty,
    );
  }

  /** Rows and columns of its terminal. */
  resize(rows: number, columns: number, options: SignalOption = {}): Promise<void> {
    return this.client.containers.resize(this.id, rows, columns, options.signal);
  }

  /** Puts files into a folder of the container's: a path of this machine, or names with contents. */
  async copyTo(folder: string, files: Files, options: SignalOption = {}): Promise<void> {
    await this.client.containers.copyTo(this.id, folder, archiveOf(files), {}, options.signal);
  }

  /** Unpacks a file or folder of the container's into a folder of this machine, under its own name. */
  async copyFrom(path: string, folder: string, options: SignalOption = {}): Promise<void> {
    const { tar } = await this.client.containers.copyFrom(this.id, path, options.signal);
    await unpackTo(folder, tar);
  }

  /** The same as a tar. */
  async archive(path: string, options: SignalOption = {}): Promise<{ stat: PathStat; tar: AsyncGenerator<Buffer> }> {
    return this.client.containers.copyFrom(this.id, path, options.signal);
  }

  /** The whole file system as a tar. */
  export(options: SignalOption = {}): Promise<AsyncGenerator<Buffer>> {
    return this.client.containers.export(this.id, options.signal);
  }

  /** Makes an image of it; gives the image's id. `changes`: Dockerfile instructions such as `CMD ["a"]`. */
  async commit(
    reference: {
      repo?: string;
      tag?: string;
      comment?: string;
      author?: string;
      changes?: string[];
      pause?: boolean;
    } = {},
    options: SignalOption = {},
  ): Promise<string> {
    return (await this.client.containers.commit(this.id, reference, options.signal)).Id;
  }

  /** Where a port of the container's is reached: the first address it is published at. Throws notFound NOT_PUBLISHED. */
  async address(port: number | `${number}/${"tcp" | "udp" | "sctp"}`): Promise<{ host: string; port: number }> {
    const key = typeof port === "number" ? `${port}/tcp` : port;
    const { NetworkSettings, State } = await this.inspect();
    const [binding] = NetworkSettings.Ports[key] ?? [];
    if (!binding?.HostPort) {
      throw new GantryError(
        "notFound",
        "NOT_PUBLISHED",
        `port ${key} of container ${this.id.slice(0, 12)} is not published`,
        {
          hint: State.Running ? `create it with ports: ["${key}"]` : "the container does not run",
        },
      );
    }
    const everywhere = ["", "0.0.0.0", "::"].includes(binding.HostIp ?? "");
    return { host: everywhere ? this.client.host : (binding.HostIp as string), port: Number(binding.HostPort) };
  }

  /** Until a published TCP port takes connections. Errors: deadline WAIT_TIMEOUT, conflict CONTAINER_ENDED. */
  async waitForPort(port: number, options: WaitOptions = {}): Promise<{ host: string; port: number }> {
    return await within(`port ${port}`, options, async (signal) => {
      const address = await this.address(port);
      await retry(signal, async () => {
        if (await accepts(address.host, address.port)) return true;
        await this.requireRunning(signal);
        return false;
      });
      return address;
    });
  }

  /** Until it writes a line that matches; gives the line. Errors: as waitForPort. */
  async waitForLog(pattern: RegExp | string, options: WaitOptions = {}): Promise<string> {
    const matches = (line: string): boolean =>
      typeof pattern === "string" ? line.includes(pattern) : pattern.test(line);
    return await within(`a line like ${pattern}`, options, async (signal) => {
      for await (const { line } of this.logs({ follow: true, signal })) if (matches(line)) return line;
      throw await this.ended(signal);
    });
  }

  /** Until its health check says healthy. Errors: as waitForPort, and conflict UNHEALTHY. */
  async waitHealthy(options: WaitOptions = {}): Promise<void> {
    await within("a healthy container", options, (signal) =>
      retry(signal, async () => {
        const { State } = await this.requireRunning(signal);
        if (State.Health?.Status === "unhealthy") {
          throw new GantryError("conflict", "UNHEALTHY", `container ${this.id.slice(0, 12)} is unhealthy`, {
            hint: State.Health.Log?.at(-1)?.Output.trim() || "its health check gave no output",
          });
        }
        return State.Health === undefined || State.Health.Status === "healthy" || State.Health.Status === "none";
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.remove({ force: true, volumes: true });
    } catch (error) {
      if (!(error instanceof GantryError && error.kind === "notFound")) throw error;
    }
  }

  private async requireRunning(signal: AbortSignal): Promise<ContainerInspect> {
    const found = await this.inspect({ signal });
    if (!found.State.Running) throw await this.ended(signal);
    return found;
  }

  private async ended(signal: AbortSignal): Promise<GantryError> {
    const { State } = await this.inspect({ signal });
    const lines: string[] = [];
    for await (const { line } of this.logs({ tail: LAST_LINES, signal })) lines.push(line);
    return new GantryError(
      "conflict",
      "CONTAINER_ENDED",
      `container ${this.id.slice(0, 12)} ended with ${State.ExitCode}`,
      {
        hint: lines.length > 0 ? `it wrote last:\n${lines.join("\n")}` : "it wrote nothing",
        details: { exitCode: State.ExitCode },
      },
    );
  }
}

const seconds = (date: Date): string => String(date.getTime() / 1000);

function execRequest(command: string[], options: ExecOptions) {
  const { env, user, workingDir, tty = false, privileged, input } = options;
  return {
    Cmd: command,
    AttachStdout: true,
    AttachStderr: true,
    AttachStdin: input !== undefined,
    Tty: tty,
    ...(env && { Env: Object.entries(env).map(([name, value]) => `${name}=${value}`) }),
    ...(user === undefined ? {} : { User: user }),
    ...(workingDir === undefined ? {} : { WorkingDir: workingDir }),
    ...(privileged === undefined ? {} : { Privileged: privileged }),
  };
}
