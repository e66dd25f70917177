import type { Snapshot, SnapshotRestoreResponse } from "../wire/types/snapshots.ts";
import type { ContainerExplanation } from "../wire/types/explain.ts";
import type { HostConfig, RestartPolicy } from "../base/container-config.ts";
import { GantryError } from "../base/errors.ts";
import type { Gantry as Client } from "../client/gantry.ts";
import type { Hijacked } from "../client/transport.ts";
import type {
  ContainerInspect,
  ContainerStats,
  FilesystemChange,
  PathStat,
  TopResponse,
  WaitCondition,
} from "../wire/types/containers.ts";
import type { NetworkShape } from "../wire/types/networks.ts";
import { archiveOf, type Files, unpackTo } from "./files.ts";
import { chunksOf, gatherOutput, type Input, linesOf, type LogLine, type RunResult } from "./output.ts";
import { Ports } from "./ports.ts";
import { type Address, type HttpReadiness, type Readiness, Waits } from "./ready.ts";
import { unlessGone } from "./remove.ts";
import { Session } from "./session.ts";
import { type Shape, shapeRequest } from "./shape.ts";
import { retry, type WaitOptions } from "./wait.ts";

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
  /** Of the terminal, at the start. */
  size?: { rows: number; columns: number };
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

/**
 * A container of the engine's. With `await using` it is removed at the end of the block, whatever state it is in, with its
 * anonymous volumes.
 */
export class Container implements AsyncDisposable {
  readonly id: string;
  readonly ports: Ports;
  private readonly client: Client;

  /** @internal */
  constructor(client: Client, id: string) {
    this.client = client;
    this.id = id;
    this.ports = new Ports(client, id);
  }

  inspect(options: SignalOption = {}): Promise<ContainerInspect> {
    return this.client.containers.inspect(this.id, {}, options.signal);
  }

  /** What it is in the kernel: processes, namespaces, control group, mounts, links; and why it ended if it has. */
  explain(options: SignalOption = {}): Promise<ContainerExplanation> {
    return this.client.containers.explain(this.id, [], options.signal);
  }

  /** False: it ran already. `checkpoint`: go on from there. */
  start(options: SignalOption & { checkpoint?: string; checkpointDir?: string } = {}): Promise<boolean> {
    const { signal, ...rest } = options;
    return this.client.containers.start(this.id, rest, signal);
  }

  /** `timeout`: seconds until SIGKILL. False: it did not run. */
  stop(options: SignalOption & { timeout?: number; stopSignal?: string } = {}): Promise<boolean> {
    const { timeout, stopSignal, signal } = options;
    return this.client.containers.stop(this.id, { timeout, signal: stopSignal }, signal);
  }

  async restart(options: SignalOption & { timeout?: number; stopSignal?: string } = {}): Promise<void> {
    const { timeout, stopSignal, signal } = options;
    await this.client.containers.restart(this.id, { timeout, signal: stopSignal }, signal);
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

  /** Changes limits, or what follows on its end, while it runs. Gives warnings. */
  async update(
    changes: Partial<HostConfig> & { restart?: NonNullable<RestartPolicy["Name"]> },
    options: SignalOption = {},
  ): Promise<string[]> {
    const { restart, ...resources } = changes;
    const request = restart === undefined ? resources : { ...resources, RestartPolicy: { Name: restart } };
    return (await this.client.containers.update(this.id, request, options.signal)).Warnings ?? [];
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

  /**
   * Makes the network slow, narrow or lossy for it while it runs, in both directions and in place of before; `network`: only
   * that one. Errors: invalid BAD_SHAPE, unavailable CANNOT_SHAPE, conflict NOT_RUNNING.
   */
  async shape(shape: Shape, options: SignalOption & { network?: string } = {}): Promise<Record<string, NetworkShape>> {
    return (await this.client.containers.shape(this.id, shapeRequest(shape), options.network, options.signal)).Shapes;
  }

  /** How its networks are made worse now, by the network's name. */
  async shapes(options: SignalOption = {}): Promise<Record<string, NetworkShape>> {
    return (await this.client.containers.shapes(this.id, undefined, options.signal)).Shapes;
  }

  async clearShape(options: SignalOption & { network?: string } = {}): Promise<void> {
    await this.client.containers.clearShape(this.id, options.network, options.signal);
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

  /** Writes its processes to disk, and ends them unless told to leave them. Needs CRIU. */
  checkpoint(name: string, options: SignalOption & { dir?: string; leaveRunning?: boolean } = {}): Promise<void> {
    const { signal, ...rest } = options;
    return this.client.containers.createCheckpoint(this.id, name, rest, signal);
  }

  async checkpoints(options: SignalOption & { dir?: string } = {}): Promise<string[]> {
    const found = (await this.client.containers.listCheckpoints(this.id, options.dir, options.signal)) ?? [];
    return found.map(({ Name }) => Name);
  }

  removeCheckpoint(name: string, options: SignalOption & { dir?: string } = {}): Promise<void> {
    return this.client.containers.removeCheckpoint(this.id, name, options.dir, options.signal);
  }

  /**
   * Keeps what it has in its own files and its volumes; gives the snapshot's name. `pause: false` does not hold it
   * meanwhile. Needs gantryd.
   */
  async snapshot(name?: string, options: SignalOption & { pause?: boolean } = {}): Promise<string> {
    const { signal, pause } = options;
    return (await this.client.snapshots.save(this.id, { name, pause }, signal)).Name;
  }

  /**
   * Puts its files and volumes back to a snapshot. One that runs is killed and started, with the same addresses and ports;
   * `force`: others that use its volumes too. Needs gantryd.
   */
  async restore(name: string, options: SignalOption & { force?: boolean } = {}): Promise<SnapshotRestoreResponse> {
    const { signal, ...rest } = options;
    return this.client.snapshots.restore(this.id, name, rest, signal);
  }

  snapshots(options: SignalOption = {}): Promise<Snapshot[]> {
    return this.client.snapshots.list(this.id, options.signal);
  }

  removeSnapshot(name: string, options: SignalOption = {}): Promise<void> {
    return this.client.snapshots.remove(this.id, name, options.signal);
  }

  /** Runs a program in it, to its end. An exit code other than 0 is no error. */
  async exec(command: string[], options: ExecOptions = {}): Promise<RunResult> {
    const { input, ...rest } = options;
    using session = await this.openExec(command, rest, input !== undefined);
    if (input !== undefined) void session.send(input).catch(() => {}); // it may end without reading all
    const output = await gatherOutput(session);
    return { exitCode: await session.exitCode(), ...output };
  }

  /** Starts a program in it and gives the connection to it. */
  execSession(command: string[], options: Omit<ExecOptions, "input"> = {}): Promise<Session> {
    return this.openExec(command, options, true);
  }

  /** Starts a program in it that nobody listens to; gives the id to ask `gantry.api.exec.inspect` about it. */
  async execDetached(command: string[], options: Omit<ExecOptions, "input" | "size"> = {}): Promise<string> {
    const { signal, tty = false } = options;
    const request = { ...execRequest(command, options, false), AttachStdout: false, AttachStderr: false };
    const { Id } = await this.client.exec.create(this.id, request, signal);
    await this.client.exec.detach(Id, { Tty: tty }, signal);
    return Id;
  }

  /** A connection to its main process. */
  async attach(options: SignalOption & { logs?: boolean; stdin?: boolean } = {}): Promise<Session> {
    const { signal, ...rest } = options;
    const tty = (await this.inspect({ signal })).Config.Tty === true;
    const streams = { ...rest, stdout: true, stderr: true };
    return this.session(await this.client.containers.attach(this.id, streams, signal), tty, signal);
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

  /** What a path of the container's is. Throws notFound. */
  stat(path: string, options: SignalOption = {}): Promise<PathStat> {
    return this.client.containers.stat(this.id, path, options.signal);
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

  /**
   * Where a port of the container's is reached: the first address it is published at, or the engine's own with
   * `network: "host"`. Throws notFound NOT_PUBLISHED.
   */
  async address(port: number | `${number}/${"tcp" | "udp" | "sctp"}`, options: SignalOption = {}): Promise<Address> {
    const key = typeof port === "number" ? `${port}/tcp` : port;
    const { NetworkSettings, State, HostConfig } = await this.inspect(options);
    if (HostConfig.NetworkMode === "host") return { host: this.client.host, port: parseInt(key, 10) };
    const [binding] = NetworkSettings.Ports?.[key] ?? [];
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
  waitForPort(port: number, options: WaitOptions = {}): Promise<Address> {
    return new Waits(this).port(port, options);
  }

  /** Until a page behind a published port answers well; gives its URL. Errors: as waitForPort. */
  waitForHttp(port: number, path = "/", options: WaitOptions & HttpReadiness = {}): Promise<string> {
    return new Waits(this).http(port, path, options);
  }

  /** Until it writes a line that matches; gives the line. Errors: as waitForPort. */
  waitForLog(pattern: RegExp | string, options: WaitOptions = {}): Promise<string> {
    return new Waits(this).log(pattern, options);
  }

  /** Until its health check says healthy. Errors: as waitForPort, and conflict UNHEALTHY or NO_HEALTHCHECK. */
  waitHealthy(options: WaitOptions = {}): Promise<void> {
    return new Waits(this).healthy(options);
  }

  /** Until all of it holds. What fails first ends the wait. Errors: as of the single ones. */
  waitReady(readiness: Readiness, options: SignalOption = {}): Promise<void> {
    return new Waits(this).all(readiness, options.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await unlessGone(this.remove({ force: true, volumes: true }));
  }

  /** @internal */
  session(connection: Hijacked, tty: boolean, signal: AbortSignal | undefined): Session {
    return new Session(connection, tty, {
      resize: (rows, columns) => this.resize(rows, columns, { signal }),
      exitCode: () => this.wait({ signal }),
    });
  }

  private async openExec(command: string[], options: Omit<ExecOptions, "input">, stdin: boolean): Promise<Session> {
    const { signal, tty = false, size } = options;
    const { exec } = this.client;
    const { Id } = await exec.create(this.id, execRequest(command, options, stdin), signal);
    const console = size && { ConsoleSize: [size.rows, size.columns] as [number, number] };
    return new Session(await exec.attach(Id, { Tty: tty, ...console }, signal), tty, {
      resize: (rows, columns) => exec.resize(Id, rows, columns, signal),
      exitCode: () => exitCodeOf(this.client, Id, signal),
    });
  }
}

const seconds = (date: Date): string => String(date.getTime() / 1000);

/** A program may close its output before it ends. */
async function exitCodeOf(client: Client, id: string, signal = new AbortController().signal): Promise<number> {
  let code = -1;
  await retry(signal, async () => {
    const { Running, ExitCode } = await client.exec.inspect(id, signal);
    code = ExitCode ?? -1;
    return !Running;
  });
  return code;
}

function execRequest(command: string[], options: Omit<ExecOptions, "input">, stdin: boolean) {
  const { env, user, workingDir, tty = false, privileged } = options;
  return {
    Cmd: command,
    AttachStdout: true,
    AttachStderr: true,
    AttachStdin: stdin,
    Tty: tty,
    ...(env && { Env: Object.entries(env).map(([name, value]) => `${name}=${value}`) }),
    ...(user === undefined ? {} : { User: user }),
    ...(workingDir === undefined ? {} : { WorkingDir: workingDir }),
    ...(privileged === undefined ? {} : { Privileged: privileged }),
  };
}
