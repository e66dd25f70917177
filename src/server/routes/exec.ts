import { GantryError } from "../../base/errors.ts";
import type { Containers } from "../../engine/containers/containers.ts";
import type { ExecConfig, ExecRecord } from "../../engine/containers/execs.ts";
import type { Clock } from "../../ports/clock.ts";
import { MULTIPLEXED, RAW } from "../../wire/frames.ts";
import type { Call, Route } from "../call.ts";
import { HijackedStream } from "../client-stream.ts";
import { EXEC_CREATE, EXEC_START } from "../decode/bodies.ts";
import { sizeOf } from "./containers.ts";

export interface ExecRoutesDeps {
  containers: Containers;
  clock: Clock;
}

export function execRoutes({ containers, clock }: ExecRoutesDeps): Route[] {
  return [
    {
      method: "POST",
      path: "/containers/:name/exec",
      handler: async (call) => {
        const config = await call.json<ExecConfig>(EXEC_CREATE);
        if (!call.atLeast(42)) delete config.ConsoleSize;
        const record = containers.execs.create(containers.find(call.param("name")), config);
        call.send(201, { Id: record.id });
      },
    },
    { method: "POST", path: "/exec/:id/start", handler: (call) => start(containers, clock, call) },
    {
      method: "POST",
      path: "/exec/:id/resize",
      handler: async (call) => {
        await containers.execs.resize(call.param("id"), sizeOf(call));
        call.empty(200);
      },
    },
    {
      method: "GET",
      path: "/exec/:id/json",
      handler: (call) => call.send(200, encode(containers.execs.inspect(call.param("id")))),
    },
  ];
}

async function start(containers: Containers, clock: Clock, call: Call): Promise<void> {
  const body = await call.json<{ Detach?: boolean; Tty?: boolean; ConsoleSize?: [number, number] | null }>(EXEC_START);
  const record = containers.execs.checkStart(call.param("id"));
  if (body.ConsoleSize && !record.config.Tty) {
    throw new GantryError("invalid", "NO_TTY", "console size is only supported when TTY is enabled");
  }
  if (body.ConsoleSize) record.config.ConsoleSize = body.ConsoleSize;
  if (body.Detach) {
    await containers.execs.start(record.id, undefined);
    call.empty(200);
    return;
  }
  const framed = !(record.config.Tty ?? false);
  const socket = call.hijack(framed && call.atLeast(42) ? MULTIPLEXED : RAW);
  await containers.execs.start(record.id, new HijackedStream(socket, framed, clock));
}

function encode(record: ExecRecord): object {
  const { config } = record;
  const [entrypoint = "", ...args] = config.Cmd ?? [];
  return {
    ID: record.id,
    Running: record.running,
    ExitCode: record.exitCode,
    ProcessConfig: {
      tty: config.Tty ?? false,
      entrypoint,
      arguments: args,
      privileged: config.Privileged ?? false,
      ...(config.User ? { user: config.User } : {}),
    },
    OpenStdin: config.AttachStdin ?? false,
    OpenStderr: config.AttachStderr ?? false,
    OpenStdout: config.AttachStdout ?? false,
    CanRemove: record.started && !record.running,
    ContainerID: record.containerId,
    DetachKeys: config.DetachKeys ?? "",
    Pid: record.pid,
  };
}
