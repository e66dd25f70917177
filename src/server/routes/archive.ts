import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { GantryError } from "../../base/errors.ts";
import type { Containers } from "../../engine/containers/containers.ts";
import type { ContainerCreateRequest } from "../../wire/types/containers.ts";
import type { Call, Route } from "../call.ts";
import { checkCreateBody } from "../decode/create-body.ts";
import { pathStatHeader } from "../encode/path-stat.ts";
import { requestBody } from "../request-body.ts";
import { commandWords } from "./containers.ts";

export interface ArchiveRoutesDeps {
  containers: Containers;
}

const STAT = "X-Docker-Container-Path-Stat";

/** Files of containers: cp, export, commit. */
export function archiveRoutes({ containers }: ArchiveRoutesDeps): Route[] {
  const path = "/containers/:name/archive";
  return [
    {
      method: "HEAD",
      path,
      async handler(call) {
        const info = await containers.stat(call.param("name"), pathOf(call), call.signal);
        call.response.setHeader(STAT, pathStatHeader(info));
        call.empty(200);
      },
    },
    {
      method: "GET",
      path,
      async handler(call) {
        const { info, tar } = await containers.read(call.param("name"), pathOf(call), call.signal);
        await sendTar(call, "application/x-tar", tar, { [STAT]: pathStatHeader(info) });
      },
    },
    {
      method: "PUT",
      path,
      async handler(call) {
        await containers.write(call.param("name"), pathOf(call), requestBody(call.request), {
          noOverwriteDirNonDir: call.flag("noOverwriteDirNonDir"),
          copyUidGid: call.flag("copyUIDGID"),
          signal: call.signal,
        });
        call.empty(200);
      },
    },
    {
      method: "GET",
      path: "/containers/:name/export",
      async handler(call) {
        await sendTar(call, "application/octet-stream", await containers.export(call.param("name"), call.signal), {});
      },
    },
    { method: "POST", path: "/commit", handler: (call) => commit(containers, call) },
  ];
}

function pathOf(call: Call): string {
  const path = call.query.get("path");
  if (!path) throw new GantryError("invalid", "BAD_QUERY", "bad parameter: 'path' cannot be empty");
  return path;
}

async function sendTar(call: Call, type: string, tar: Readable, headers: Record<string, string>): Promise<void> {
  // The status is out: after a failure, which the engine logs, the client sees the connection break.
  await pipeline(tar, call.stream(type, headers)).catch(() => {});
}

async function commit(containers: Containers, call: Call): Promise<void> {
  const reference = call.query.get("container") ?? "";
  const { HostConfig: _, NetworkingConfig: __, ...body } = await readConfig(call);
  const repository = call.query.get("repo");
  const tag = call.query.get("tag");
  const given = Object.keys(body).length > 0;
  const config = { ...body, Entrypoint: commandWords(body.Entrypoint), Cmd: commandWords(body.Cmd) };
  const id = await containers.commit(
    reference,
    {
      ...(repository ? { name: repository + (tag ? `:${tag}` : "") } : {}),
      comment: call.query.get("comment") ?? "",
      author: call.query.get("author") ?? "",
      pause: call.query.get("pause") ? call.flag("pause") : true,
      changes: changeLines(call),
      ...(given ? { config } : {}),
    },
    call.signal,
  );
  call.send(201, { Id: id });
}

async function readConfig(call: Call): Promise<ContainerCreateRequest> {
  const body = await call.json<ContainerCreateRequest>();
  checkCreateBody(body);
  return body;
}

/** `changes`, several or several lines in one. */
export const changeLines = (call: Call): string[] =>
  call.query
    .getAll("changes")
    .flatMap((text) => text.split("\n"))
    .filter((text) => text.trim() !== "");
