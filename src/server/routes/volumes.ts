import { GantryError } from "../../base/errors.ts";
import type { Volumes } from "../../engine/volumes/volumes.ts";
import type { Volume } from "../../engine/volumes/volume-record.ts";
import type {
  PruneVolumesResponse,
  VolumeCreateRequest,
  VolumeList,
  Volume as VolumeShape,
} from "../../wire/types/volumes.ts";
import type { Call, Route } from "../call.ts";
import { VOLUME_CREATE } from "../decode/bodies.ts";

export interface VolumeRoutesDeps {
  volumes: Volumes;
}

/** A volume in the API's shape; `usage` only where it is asked for (system df). */
export function volumeJson(
  { record, mountpoint, scope, status }: Volume,
  usage?: { size: number; references: number },
): VolumeShape {
  const { name, driver, created, labels, options } = record;
  return {
    // without fractions, as Docker's; not all plugins tell
    ...(created !== "" && { CreatedAt: created.replace(/\.\d+/, "") }),
    Driver: driver,
    Labels: Object.keys(labels).length > 0 ? labels : null,
    Mountpoint: mountpoint,
    Name: name,
    Options: Object.keys(options).length > 0 ? options : null,
    Scope: scope,
    ...(status && { Status: status }),
    ...(usage && { UsageData: { Size: usage.size, RefCount: usage.references } }),
  };
}

export function volumeRoutes({ volumes }: VolumeRoutesDeps): Route[] {
  return [
    {
      method: "GET",
      path: "/volumes",
      handler: async (call) => {
        const found = await volumes.list(call.filters());
        const list = found.volumes.map((volume) => volumeJson(volume));
        const warnings = found.warnings.length > 0 ? found.warnings : null;
        call.send(200, { Volumes: list, Warnings: warnings } satisfies VolumeList);
      },
    },
    {
      method: "POST",
      path: "/volumes/create",
      handler: async (call) => {
        const request = await call.json<VolumeCreateRequest>(VOLUME_CREATE);
        const { name } = await volumes.create({
          ...(request.Name !== undefined && { name: request.Name }),
          ...(request.Driver !== undefined && { driver: request.Driver }),
          options: request.DriverOpts ?? {},
          labels: request.Labels ?? {},
        });
        call.send(201, volumeJson(await volumes.inspect(name)));
      },
    },
    {
      method: "GET",
      path: "/volumes/:name",
      handler: async (call) => call.send(200, volumeJson(await volumes.inspect(call.param("name")))),
    },
    {
      method: "PUT",
      path: "/volumes/:name",
      handler: () => {
        const message = "volume update only valid for cluster volumes, but swarm is unavailable";
        throw new GantryError("unavailable", "NO_SWARM", message);
      },
    },
    {
      method: "DELETE",
      path: "/volumes/:name",
      handler: async (call) => {
        await volumes.remove(call.param("name"), { force: call.flag("force") });
        call.empty(204);
      },
    },
    { method: "POST", path: "/volumes/prune", handler: (call) => prune(volumes, call) },
  ];
}

/** Before API 1.42 prune took the named volumes too. */
async function prune(volumes: Volumes, call: Call): Promise<void> {
  const filters = call.filters();
  if (!call.atLeast(42)) filters.set("all", ["true"]);
  const { deleted, reclaimed } = await volumes.prune(filters);
  call.send(200, { VolumesDeleted: deleted, SpaceReclaimed: reclaimed } satisfies PruneVolumesResponse);
}
