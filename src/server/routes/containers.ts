import type { HostConfig } from "../../base/container-config.ts";
import { GantryError, isGantryError, messageOf } from "../../base/errors.ts";
import { attributeWords } from "../../base/logging/subject.ts";
import { parseTimestamp } from "../../base/timestamps.ts";
import type { AttachOptions } from "../../engine/containers/attach.ts";
import type { Containers, WaitCondition } from "../../engine/containers/containers.ts";
import type { ContainerRecord } from "../../engine/containers/record.ts";
import type { ShapeRecord } from "../../engine/networks/record.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ContainerFiles } from "../../ports/container-files.ts";
import type { ProcessTable } from "../../ports/process-table.ts";
import { MULTIPLEXED, RAW } from "../../wire/frames.ts";
import type { ContainerCreateRequest } from "../../wire/types/containers.ts";
import type { Call, Route } from "../call.ts";
import { HijackedStream } from "../client-stream.ts";
import { checkCreateBody } from "../decode/create-body.ts";
import { checkUpdateBody, limitsOfVersion } from "../decode/limits.ts";
import { createRequestOf } from "../decode/old-requests.ts";
import { inspectContainer, summarizeContainer } from "../encode/container.ts";
import { streamLogs } from "../encode/logs.ts";
import { networkShapes } from "../encode/shape.ts";
import { shaped } from "../encode/old-shapes.ts";
import { WebSocketStream } from "../websocket-stream.ts";

export interface ContainerRoutesDeps {
  containers: Containers;
  files: ContainerFiles;
  processes: ProcessTable;
  clock: Clock;
  defaultRuntime: string;
  cgroupVersion: 1 | 2;
  /** How a container's networks are made worse, by their names. */
  shapesOf: (containerId: string) => Record<string, ShapeRecord>;
  /** The name under which `ps` shows an image: as asked for, or its short id once that name is gone. */
  imageName: (record: ContainerRecord) => string;
}

export function containerRoutes(deps: ContainerRoutesDeps): Route[] {
  const { containers } = deps;
  const name = (call: Call): string => call.param("name");
  const stopOptions = (call: Call): { seconds?: number; signal?: string } => {
    const seconds = call.int("t");
    const signal = call.atLeast(42) ? call.query.get("signal") : null;
    return { ...(seconds === undefined ? {} : { seconds }), ...(signal ? { signal } : {}) };
  };
  const route = (method: Route["method"], path: string, handler: Route["handler"]): Route => ({
    method,
    path,
    handler,
  });
  return [
    route("GET", "/containers/json", (call) => list(deps, call)),
    route("POST", "/containers/create", (call) => create(deps, call)),
    route("POST", "/containers/prune", async (call) => {
      const { deleted, reclaimed } = await containers.prune(call.filters());
      call.send(200, { ContainersDeleted: deleted, SpaceReclaimed: reclaimed });
    }),
    route("GET", "/containers/:name/json", (call) => inspect(deps, call, name(call))),
    route("POST", "/containers/:name/start", async (call) => {
      const checkpoint = call.query.get("checkpoint");
      const folder = call.query.get("checkpoint-dir");
      await containers.start(name(call), checkpoint ? { name: checkpoint, ...(folder ? { folder } : {}) } : undefined);
      call.empty(204);
    }),
    route("POST", "/containers/:name/stop", async (call) => {
      await containers.stop(name(call), stopOptions(call));
      call.empty(204);
    }),
    route("POST", "/containers/:name/restart", async (call) => {
      const reason = await containers.restart(name(call), stopOptions(call));
      // Inspect tells of the new run alone.
      if (reason !== undefined) call.response.setHeader("Exit-Reason", encodeURIComponent(reason));
      call.empty(204);
    }),
    route("POST", "/containers/:name/kill", async (call) => {
      await containers.kill(name(call), call.query.get("signal") ?? "");
      call.empty(204);
    }),
    route("POST", "/containers/:name/pause", async (call) => {
      await containers.pause(name(call));
      call.empty(204);
    }),
    route("POST", "/containers/:name/unpause", async (call) => {
      await containers.unpause(name(call));
      call.empty(204);
    }),
    route("POST", "/containers/:name/update", (call) => update(deps, call)),
    route("POST", "/containers/:name/rename", (call) => {
      containers.rename(name(call), call.query.get("name") ?? "");
      call.empty(204);
    }),
    route("DELETE", "/containers/:name", (call) => remove(deps, call, name(call))),
    // a link's name has two parts
    route("DELETE", "/containers/:name/:alias", (call) => remove(deps, call, `${name(call)}/${call.param("alias")}`)),
    route("GET", "/containers/:name/:alias/json", (call) =>
      inspect(deps, call, `${name(call)}/${call.param("alias")}`),
    ),
    route("POST", "/containers/:name/wait", (call) => wait(deps, call)),
    route("POST", "/containers/:name/resize", (call) => {
      containers.resize(name(call), sizeOf(call));
      call.empty(200);
    }),
    route("POST", "/containers/:name/attach", (call) => attach(deps, call)),
    route("GET", "/containers/:name/attach/ws", (call) => attachWebSocket(deps, call)),
    route("GET", "/containers/:name/logs", (call) => logs(deps, call)),
    route("GET", "/containers/:name/top", async (call) => {
      const pids = containers.pids(name(call));
      call.send(200, await deps.processes.list(pids, call.query.get("ps_args") || "-ef"));
    }),
    route("GET", "/containers/:name/changes", async (call) => {
      const changes = await containers.changes(name(call));
      call.send(200, changes.length === 0 ? null : changes.map(({ path, kind }) => ({ Path: path, Kind: kind })));
    }),
  ];
}

export function sizeOf(call: Call): { height: number; width: number } {
  const [height, width] = [call.int("h"), call.int("w")];
  if (height === undefined || width === undefined || height < 0 || width < 0 || height > 65535 || width > 65535) {
    throw new GantryError("invalid", "BAD_SIZE", "invalid resize height or width");
  }
  return { height, width };
}

async function list(deps: ContainerRoutesDeps, call: Call): Promise<void> {
  const records = deps.containers.list({
    all: call.flag("all"),
    limit: Math.max(0, call.int("limit") ?? 0),
    filters: call.filters(),
  });
  const now = deps.clock.now();
  const withSize = call.flag("size");
  const rows = [];
  for (const record of records) {
    const sizes = withSize ? await deps.containers.sizes(record) : undefined;
    const linkNames = deps.containers.linksOf(record).names;
    const facts = { now, image: deps.imageName(record), linkNames, ...(sizes ? { sizes } : {}) };
    rows.push(shaped(call, "container-row", summarizeContainer(record, facts)));
  }
  call.send(200, rows);
}

async function create(deps: ContainerRoutesDeps, call: Call): Promise<void> {
  const request = await call.json<ContainerCreateRequest>();
  checkCreateBody(request);
  const { body, warnings: notes } = createRequestOf(call, request, { cgroupVersion: deps.cgroupVersion });
  const { HostConfig: hostConfig = {}, NetworkingConfig: networking, ...config } = body;
  const asked = call.query.get("name");
  const platform = call.atLeast(41) ? call.query.get("platform") : null;
  const created = deps.containers.create({
    ...(asked ? { name: asked } : {}),
    config: { ...config, Entrypoint: commandWords(config.Entrypoint), Cmd: commandWords(config.Cmd) },
    hostConfig: limitsOfVersion(hostConfig ?? {}, (minor) => call.atLeast(minor)),
    ...(networking ? { networking } : {}),
    ...(platform ? { platform } : {}),
  });
  const { id, warnings } = await created.catch(onlyImagesMissing);
  call.send(201, { Id: id, Warnings: [...warnings, ...notes] });
}

async function update(deps: ContainerRoutesDeps, call: Call): Promise<void> {
  const body = await call.json<HostConfig>();
  checkUpdateBody(body);
  const change = limitsOfVersion(body, (minor) => call.atLeast(minor));
  // Before 1.40 0 meant "as it is".
  if (!call.atLeast(40)) delete change.PidsLimit;
  const warnings = await deps.containers.update(call.param("name"), change);
  call.send(200, { Warnings: warnings.length > 0 ? warnings : null });
}

/** To a 404 `docker run` pulls the image and tries again: whatever else is missing is a bad request, as from dockerd. */
function onlyImagesMissing(error: unknown): never {
  const aboutImage = isGantryError(error, "NO_SUCH_IMAGE") || isGantryError(error, "WRONG_PLATFORM");
  if (aboutImage || !isGantryError(error) || error.kind !== "notFound") throw error;
  const { code, message, hint } = error;
  throw new GantryError("invalid", code, message, { ...(hint === undefined ? {} : { hint }), cause: error });
}

/** Docker takes a bare string where a list of words is due. */
export const commandWords = (value: string[] | string | null | undefined): string[] | null =>
  typeof value === "string" ? [value] : (value ?? null);

async function remove({ containers }: ContainerRoutesDeps, call: Call, name: string): Promise<void> {
  if (call.flag("link")) containers.removeLink(name);
  else await containers.remove(name, { force: call.flag("force"), volumes: call.flag("v") });
  call.empty(204);
}

async function inspect(deps: ContainerRoutesDeps, call: Call, name: string): Promise<void> {
  const entry = deps.containers.find(name);
  const sizes = call.flag("size") ? await deps.containers.sizes(entry.record) : undefined;
  const answer = inspectContainer(entry.record, {
    paths: deps.files.paths(entry.id),
    execIds: [...entry.execIds],
    defaultRuntime: deps.defaultRuntime,
    links: deps.containers.linksOf(entry.record).links,
    folders: deps.containers.folders(entry.record),
    shapes: networkShapes(deps.shapesOf(entry.id)),
    ...(sizes ? { sizes } : {}),
  });
  call.send(200, shaped(call, "container", answer));
}

/** From 1.30 on the headers go out at once, so that the client knows that it is heard before it starts the container. */
async function wait(deps: ContainerRoutesDeps, call: Call): Promise<void> {
  const text = (call.atLeast(30) && call.query.get("condition")) || "not-running";
  if (!["not-running", "next-exit", "removed"].includes(text)) {
    throw new GantryError("invalid", "BAD_CONDITION", `invalid condition: "${text}"`);
  }
  const exit = deps.containers.wait(call.param("name"), text as WaitCondition, call.signal);
  exit.catch(() => {}); // a client that went away needs no answer
  if (call.atLeast(30)) call.stream("application/json");
  const answer = { StatusCode: await exit };
  if (call.response.headersSent) call.response.end(`${JSON.stringify(answer)}\n`);
  else call.send(200, answer);
}

function attachOptions(call: Call): AttachOptions {
  const detachKeys = call.query.get("detachKeys") ?? undefined;
  return {
    stdin: call.flag("stdin"),
    stdout: call.flag("stdout"),
    stderr: call.flag("stderr"),
    logs: call.flag("logs"),
    stream: call.flag("stream"),
    ...(detachKeys === undefined ? {} : { detachKeys }),
  };
}

/** The socket carries the live streams whatever `stream` says; before 1.42 always all of them. */
async function attachWebSocket(deps: ContainerRoutesDeps, call: Call): Promise<void> {
  const asked = attachOptions(call);
  const all = call.atLeast(42) ? {} : { stdin: true, stdout: true, stderr: true };
  const entry = deps.containers.checkAttach(call.param("name"), asked.detachKeys);
  const client = new WebSocketStream(call.websocket(), !call.atLeast(28));
  await deps.containers.attach(entry, client, { ...asked, ...all, stream: true });
}

async function attach(deps: ContainerRoutesDeps, call: Call): Promise<void> {
  const options = attachOptions(call);
  const entry = deps.containers.checkAttach(call.param("name"), options.detachKeys);
  const tty = entry.record.config.Tty ?? false;
  const framed = !tty;
  await call.skipBody();
  const socket = call.hijack(framed && call.atLeast(42) ? MULTIPLEXED : RAW);
  await deps.containers.attach(entry, new HijackedStream(socket, framed, deps.clock), options);
}

async function logs(deps: ContainerRoutesDeps, call: Call): Promise<void> {
  const entry = deps.containers.find(call.param("name"));
  const stdout = call.flag("stdout");
  const stderr = call.flag("stderr");
  if (!stdout && !stderr) {
    throw new GantryError("invalid", "NO_STREAM", "Bad parameters: you must choose at least one stream");
  }
  const time = (key: string): bigint | undefined => {
    const text = call.query.get(key);
    if (text === null || text === "" || text === "0") return undefined;
    return parseTimestamp(text, deps.clock.now());
  };
  const tailText = call.query.get("tail");
  const tail = tailText === null || !/^\d+$/.test(tailText) ? undefined : Number(tailText);
  const since = time("since");
  const until = time("until");
  const entries = deps.containers.logs(entry.id, {
    follow: call.flag("follow"),
    signal: call.signal,
    ...(tail === undefined ? {} : { tail }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  });
  const tty = entry.record.config.Tty ?? false;
  const out = call.stream(!tty && call.atLeast(42) ? MULTIPLEXED : RAW);
  try {
    await streamLogs(entries, out, {
      stdout,
      stderr,
      framed: !tty,
      timestamps: call.flag("timestamps"),
      ...(call.flag("details") ? { details: attributeWords(entry.record.logSubject?.attributes ?? {}) } : {}),
      signal: call.signal,
    });
  } catch (error) {
    if (!call.signal.aborted) out.write(`Error grabbing logs: ${messageOf(error)}\n`);
  }
  out.end();
}
