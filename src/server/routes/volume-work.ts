import { pipeline } from "node:stream/promises";
import { GantryError } from "../../base/errors.ts";
import type { VolumeClone } from "../../engine/volumes/clone.ts";
import type { VolumeRename } from "../../engine/volumes/rename.ts";
import type { Compression, VolumeTransfer } from "../../engine/volumes/transfer.ts";
import type { VolumeUsage, VolumeUsages } from "../../engine/volumes/volume-usage.ts";
import type { VolumeUser } from "../../engine/volumes/volume-users.ts";
import type { Volumes } from "../../engine/volumes/volumes.ts";
import type {
  VolumeCloneResponse,
  VolumeImportResponse,
  VolumeUser as UserJson,
  VolumeWithUsage,
} from "../../wire/types/volume-work.ts";
import type { Call, Route } from "../call.ts";
import { requestBody } from "../request-body.ts";
import { volumeJson } from "./volumes.ts";

export interface VolumeWorkRoutesDeps {
  volumes: Volumes;
  transfer: VolumeTransfer;
  clone: VolumeClone;
  rename: VolumeRename;
  usage: VolumeUsages;
}

/** Names of containers that wrote meanwhile, comma-separated. */
const WRITERS = "Gantry-Writers";
const COMPRESSIONS = { none: "application/x-tar", gzip: "application/gzip", zstd: "application/zstd" } as const;

/** What one does with volumes and Docker has not: GET /gantry/volumes, …/{name}, …/{name}/export and so on. */
export function volumeWorkRoutes(deps: VolumeWorkRoutesDeps): Route[] {
  const { volumes, transfer, clone, rename, usage } = deps;
  return [
    {
      method: "GET",
      path: "/gantry/volumes",
      handler: async (call) => call.send(200, (await usage.list(call.filters())).map(usageJson)),
    },
    {
      method: "GET",
      path: "/gantry/volumes/:name",
      handler: async (call) => call.send(200, usageJson(await usage.get(call.param("name")))),
    },
    { method: "GET", path: "/gantry/volumes/:name/export", handler: (call) => exportVolume(transfer, call) },
    {
      method: "POST",
      path: "/gantry/volumes/:name/import",
      handler: async (call) => {
        const how = choice(call, "how", ["replace", "merge"]);
        const { name, created, bytes, entries } = await transfer.import(call.param("name"), requestBody(call.request), {
          ...(how && { how }),
          signal: call.signal,
        });
        call.send(200, { Name: name, Created: created, Bytes: bytes, Entries: entries } satisfies VolumeImportResponse);
      },
    },
    {
      method: "POST",
      path: "/gantry/volumes/:name/clone",
      handler: async (call) => {
        const options = { pause: call.flag("pause") };
        const { record, writers } = await clone.clone(call.param("name"), required(call, "to"), options);
        const answer: VolumeCloneResponse = {
          ...volumeJson(await volumes.inspect(record.name)),
          Writers: writers.map(userJson),
        };
        call.send(201, answer);
      },
    },
    {
      method: "POST",
      path: "/gantry/volumes/:name/rename",
      handler: async (call) => {
        await rename.rename(call.param("name"), required(call, "name"));
        call.empty(204);
      },
    },
  ];
}

async function exportVolume(transfer: VolumeTransfer, call: Call): Promise<void> {
  const compression = choice(call, "compress", Object.keys(COMPRESSIONS) as Compression[]) ?? "none";
  const { tar, writers } = await transfer.export(call.param("name"), {
    compression,
    pause: call.flag("pause"),
    signal: call.signal,
  });
  const headers = writers.length > 0 ? { [WRITERS]: writers.map((user) => user.name).join(",") } : undefined;
  // The status is out: after a failure the client sees the connection break.
  await pipeline(tar, call.stream(COMPRESSIONS[compression], headers)).catch(() => {});
}

function choice<T extends string>(call: Call, key: string, known: readonly T[]): T | undefined {
  const text = call.query.get(key);
  if (text === null || text === "") return undefined;
  const found = known.find((word) => word === text);
  if (found !== undefined) return found;
  throw new GantryError("invalid", "BAD_QUERY", `${key} can't be ${JSON.stringify(text)}`, {
    hint: `there are: ${known.join(", ")}`,
  });
}

function required(call: Call, key: string): string {
  const text = call.query.get(key);
  if (text) return text;
  throw new GantryError("invalid", "BAD_QUERY", `bad parameter: '${key}' cannot be empty`);
}

const userJson = ({ id, name, active }: VolumeUser): UserJson => ({ Id: id, Name: name, Active: active });

function usageJson({ volume, size, users }: VolumeUsage): VolumeWithUsage {
  return {
    ...volumeJson(volume),
    Usage: {
      Size: size ?? -1,
      ...(volume.record.lastUse && { LastUsed: volume.record.lastUse.at }),
      UsedBy: users.map(userJson),
    },
  };
}
