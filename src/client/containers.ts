import type { HostConfig } from "../base/container-config.ts";
import { FrameDecoder, type FramePart, STREAM } from "../wire/frames.ts";
import type {
  ContainerCreateRequest,
  ContainerCreateResponse,
  ContainerInspect,
  ContainerStats,
  ContainerSummary,
  FilesystemChange,
  PathStat,
  PortsRequest,
  PortsResponse,
  PruneContainersResponse,
  TopResponse,
  WaitCondition,
  WaitResponse,
} from "../wire/types/containers.ts";
import type { ContainerExplanation } from "../wire/types/explain.ts";
import type { ShapeRequest, ShapesResponse } from "../wire/types/networks.ts";
import { drain, gather } from "./bodies.ts";
import { filtersText, segment } from "./query.ts";
import { type Hijacked, type Transport } from "./transport.ts";

export type Filters = Record<string, string[]>;

export interface ListContainers {
  all?: boolean;
  limit?: number;
  size?: boolean;
  filters?: Filters;
}

export interface AttachOptions {
  stdin?: boolean;
  stdout?: boolean;
  stderr?: boolean;
  /** What was logged so far comes first. */
  logs?: boolean;
  detachKeys?: string;
}

export interface LogOptions {
  stdout?: boolean;
  stderr?: boolean;
  follow?: boolean;
  /** Unix seconds, with a fraction of up to nine digits. */
  since?: string;
  until?: string;
  timestamps?: boolean;
  tail?: string;
  details?: boolean;
}

/** Output by stream; with a TTY all of it is stdout. */
export async function* demux(body: AsyncIterable<Buffer>, tty: boolean): AsyncGenerator<FramePart> {
  const decoder = new FrameDecoder();
  for await (const data of body) {
    if (tty) yield { stream: STREAM.stdout, data };
    else yield* decoder.push(data);
  }
}

export class Containers {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  list(options: ListContainers = {}, signal?: AbortSignal): Promise<ContainerSummary[]> {
    const { all, limit, size, filters } = options;
    return this.transport.json("GET", "/containers/json", {
      query: { all, limit: limit !== undefined && limit > 0 ? limit : undefined, size, filters: filtersText(filters) },
      signal,
    });
  }

  /** What it is in the kernel. `sections`: only these, beside the overview. Gantry's own: dockerd has no such thing. */
  explain(id: string, sections: string[] = [], signal?: AbortSignal): Promise<ContainerExplanation> {
    const query = { sections: sections.length > 0 ? sections.join(",") : undefined };
    return this.transport.json("GET", `/gantry/explain/containers/${segment(id)}`, { query, signal });
  }

  /** Publishes ports of a container that is there, without a restart. Gantry's own. */
  addPorts(id: string, ports: PortsRequest["PortBindings"], signal?: AbortSignal): Promise<PortsResponse> {
    return this.changePorts("POST", id, ports, signal);
  }

  /** Gives published ports up; a port without bindings is given up wherever it is published. Gantry's own. */
  removePorts(id: string, ports: PortsRequest["PortBindings"], signal?: AbortSignal): Promise<PortsResponse> {
    return this.changePorts("DELETE", id, ports, signal);
  }

  /** How the container's networks are made worse, or one of them. Gantry's own. */
  shapes(id: string, network?: string, signal?: AbortSignal): Promise<ShapesResponse> {
    return this.transport.json("GET", shapePath(id), { query: { network }, signal });
  }

  /** Makes the network worse for a container that runs, or all of its networks; in place of before. Gantry's own. */
  shape(id: string, shape: ShapeRequest, network?: string, signal?: AbortSignal): Promise<ShapesResponse> {
    return this.transport.json("PUT", shapePath(id), { query: { network }, body: shape, signal });
  }

  clearShape(id: string, network?: string, signal?: AbortSignal): Promise<ShapesResponse> {
    return this.transport.json("DELETE", shapePath(id), { query: { network }, signal });
  }

  create(
    request: ContainerCreateRequest,
    options: { name?: string; platform?: string } = {},
    signal?: AbortSignal,
  ): Promise<ContainerCreateResponse> {
    return this.transport.json("POST", "/containers/create", { query: { ...options }, body: request, signal });
  }

  inspect(id: string, options: { size?: boolean } = {}, signal?: AbortSignal): Promise<ContainerInspect> {
    return this.transport.json("GET", this.path(id, "json"), { query: { size: options.size }, signal });
  }

  /** False: it was running already. */
  async start(
    id: string,
    options: { detachKeys?: string; checkpoint?: string; checkpointDir?: string } = {},
    signal?: AbortSignal,
  ): Promise<boolean> {
    const { checkpointDir, ...query } = options;
    return (await this.post(id, "start", { ...query, "checkpoint-dir": checkpointDir }, signal)) !== 304;
  }

  /** The container's processes go to disk, and end unless `leaveRunning`. `dir`: absolute, on the engine's machine. */
  async createCheckpoint(
    id: string,
    name: string,
    options: { dir?: string; leaveRunning?: boolean } = {},
    signal?: AbortSignal,
  ): Promise<void> {
    const body = { CheckpointID: name, CheckpointDir: options.dir ?? "", Exit: !options.leaveRunning };
    await this.transport.send("POST", this.path(id, "checkpoints"), { body, signal });
  }

  listCheckpoints(id: string, dir?: string, signal?: AbortSignal): Promise<{ Name: string }[]> {
    return this.transport.json("GET", this.path(id, "checkpoints"), { query: { dir }, signal });
  }

  async removeCheckpoint(id: string, name: string, dir?: string, signal?: AbortSignal): Promise<void> {
    await this.transport.send("DELETE", `${this.path(id, "checkpoints")}/${segment(name)}`, { query: { dir }, signal });
  }

  /** `timeout` in seconds; -1 waits for ever. False: it was not running. */
  async stop(id: string, options: { signal?: string; timeout?: number } = {}, signal?: AbortSignal): Promise<boolean> {
    return (await this.post(id, "stop", { signal: options.signal, t: options.timeout }, signal)) !== 304;
  }

  /** Why the run before ended as it did, where the engine has something to say about it. */
  async restart(
    id: string,
    options: { signal?: string; timeout?: number } = {},
    signal?: AbortSignal,
  ): Promise<string | undefined> {
    const query = { signal: options.signal, t: options.timeout };
    const { body, headers } = await this.transport.request("POST", this.path(id, "restart"), { query, signal });
    await drain(body);
    const reason = headers.get("exit-reason");
    return reason === undefined ? undefined : decodeURIComponent(reason);
  }

  async kill(id: string, name?: string, signal?: AbortSignal): Promise<void> {
    await this.post(id, "kill", { signal: name }, signal);
  }

  async pause(id: string, signal?: AbortSignal): Promise<void> {
    await this.post(id, "pause", {}, signal);
  }

  async unpause(id: string, signal?: AbortSignal): Promise<void> {
    await this.post(id, "unpause", {}, signal);
  }

  async rename(id: string, name: string, signal?: AbortSignal): Promise<void> {
    await this.post(id, "rename", { name }, signal);
  }

  /** Rows and columns of the TTY. */
  async resize(id: string, height: number, width: number, signal?: AbortSignal): Promise<void> {
    await this.post(id, "resize", { h: height, w: width }, signal);
  }

  update(id: string, resources: Partial<HostConfig>, signal?: AbortSignal): Promise<{ Warnings: string[] | null }> {
    return this.transport.json("POST", this.path(id, "update"), { body: resources, signal });
  }

  async remove(
    id: string,
    options: { force?: boolean; volumes?: boolean; link?: boolean } = {},
    signal?: AbortSignal,
  ): Promise<void> {
    const { force, volumes: v, link } = options;
    await this.transport.send("DELETE", `/containers/${segment(id)}`, { query: { force, v, link }, signal });
  }

  /**
   * Resolves once the engine is watching, so that an exit after that can't be missed; `exit` resolves with the end.
   */
  async wait(
    id: string,
    condition: WaitCondition = "not-running",
    signal?: AbortSignal,
  ): Promise<{ exit: Promise<WaitResponse> }> {
    const answer = await this.transport.request("POST", this.path(id, "wait"), { query: { condition }, signal });
    const exit = gather(answer.body).then((body) => JSON.parse(body.toString("utf8")) as WaitResponse);
    exit.catch(() => {});
    return { exit };
  }

  attach(id: string, options: AttachOptions, signal?: AbortSignal): Promise<Hijacked> {
    return this.transport.hijack(this.path(id, "attach"), { query: { stream: true, ...options }, signal });
  }

  /** `tty`: whether the container has one (inspect's Config.Tty), since then the stream is not framed. */
  async logs(id: string, tty: boolean, options: LogOptions, signal?: AbortSignal): Promise<AsyncGenerator<FramePart>> {
    return demux(await this.rawLogs(id, options, signal), tty);
  }

  /** The stream as it comes, framed or not. */
  async rawLogs(id: string, options: LogOptions, signal?: AbortSignal): Promise<AsyncGenerator<Buffer>> {
    return (await this.transport.request("GET", this.path(id, "logs"), { query: { ...options }, signal })).body;
  }

  top(id: string, psArgs = "", signal?: AbortSignal): Promise<TopResponse> {
    return this.transport.json("GET", this.path(id, "top"), { query: { ps_args: psArgs }, signal });
  }

  changes(id: string, signal?: AbortSignal): Promise<FilesystemChange[] | null> {
    return this.transport.json("GET", this.path(id, "changes"), { signal });
  }

  stats(id: string, options: { oneShot?: boolean } = {}, signal?: AbortSignal): Promise<ContainerStats> {
    return this.transport.json("GET", this.path(id, "stats"), {
      query: { stream: "0", "one-shot": options.oneShot },
      signal,
    });
  }

  streamStats(id: string, signal?: AbortSignal): AsyncGenerator<ContainerStats> {
    return this.transport.lines("GET", this.path(id, "stats"), { query: { stream: "1" }, signal });
  }

  /** The whole file system as a tar. */
  async export(id: string, signal?: AbortSignal): Promise<AsyncGenerator<Buffer>> {
    return (await this.transport.request("GET", this.path(id, "export"), { signal })).body;
  }

  commit(
    id: string,
    options: { repo?: string; tag?: string; comment?: string; author?: string; changes?: string[]; pause?: boolean },
    signal?: AbortSignal,
  ): Promise<{ Id: string }> {
    const { pause = true, ...query } = options;
    return this.transport.json("POST", "/commit", {
      query: { container: id, ...query, pause: pause ? "1" : "0" },
      body: {},
      signal,
    });
  }

  prune(filters?: Filters, signal?: AbortSignal): Promise<PruneContainersResponse> {
    return this.transport.json("POST", "/containers/prune", { query: { filters: filtersText(filters) }, signal });
  }

  async stat(id: string, path: string, signal?: AbortSignal): Promise<PathStat> {
    const answer = await this.transport.request("HEAD", this.path(id, "archive"), { query: { path }, signal });
    await gather(answer.body); // empty; the connection is free again
    return statOf(answer.headers);
  }

  /** A file or folder as a tar whose top entry is its last name. */
  async copyFrom(
    id: string,
    path: string,
    signal?: AbortSignal,
  ): Promise<{ stat: PathStat; tar: AsyncGenerator<Buffer> }> {
    const answer = await this.transport.request("GET", this.path(id, "archive"), { query: { path }, signal });
    return { stat: statOf(answer.headers), tar: answer.body };
  }

  /** Unpacks a tar into a folder of the container. */
  async copyTo(
    id: string,
    path: string,
    tar: AsyncIterable<Uint8Array>,
    options: { copyUidGid?: boolean } = {},
    signal?: AbortSignal,
  ): Promise<void> {
    await this.transport.send("PUT", this.path(id, "archive"), {
      query: { path, noOverwriteDirNonDir: "true", copyUIDGID: options.copyUidGid },
      body: tar,
      signal,
    });
  }

  private changePorts(
    method: "POST" | "DELETE",
    id: string,
    PortBindings: PortsRequest["PortBindings"],
    signal: AbortSignal | undefined,
  ): Promise<PortsResponse> {
    return this.transport.json(method, `/gantry/containers/${segment(id)}/ports`, { body: { PortBindings }, signal });
  }

  private path(id: string, action: string): string {
    return `/containers/${segment(id)}/${action}`;
  }

  private post(
    id: string,
    action: string,
    query: Record<string, string | number | undefined>,
    signal?: AbortSignal,
  ): Promise<number> {
    return this.transport.send("POST", this.path(id, action), { query, signal });
  }
}

const shapePath = (id: string): string => `/gantry/containers/${segment(id)}/shape`;

function statOf(headers: Map<string, string>): PathStat {
  return JSON.parse(
    Buffer.from(headers.get("x-docker-container-path-stat") ?? "", "base64").toString("utf8"),
  ) as PathStat;
}
