import type { Containers } from "../../engine/containers/containers.ts";
import { sizeOf, type SnapshotRecord } from "../../engine/snapshots/snapshot-record.ts";
import type { Snapshots } from "../../engine/snapshots/snapshots.ts";
import type { Snapshot, SnapshotRestoreResponse, SnapshotSaveResponse } from "../../wire/types/snapshots.ts";
import type { Route } from "../call.ts";

export interface SnapshotRoutesDeps {
  containers: Containers;
  snapshots: Snapshots;
}

/** GET /gantry/snapshots; GET and POST /gantry/containers/{name}/snapshots; GET, DELETE …/{snapshot}; POST …/{snapshot}/restore. */
export function snapshotRoutes({ containers, snapshots }: SnapshotRoutesDeps): Route[] {
  const json = (record: SnapshotRecord): Snapshot => snapshotJson(containers, record);
  const path = "/gantry/containers/:name/snapshots";
  return [
    {
      method: "GET",
      path: "/gantry/snapshots",
      handler: (call) => call.send(200, snapshots.list().map(json)),
    },
    {
      method: "GET",
      path,
      handler: (call) => call.send(200, snapshots.list(containers.find(call.param("name"))).map(json)),
    },
    {
      method: "POST",
      path,
      handler: async (call) => {
        const name = call.query.get("name");
        const began = performance.now();
        const record = await snapshots.save(containers.find(call.param("name")), {
          ...(name ? { name } : {}),
          pause: call.flag("pause", true),
          signal: call.signal,
        });
        const Milliseconds = Math.round(performance.now() - began);
        call.send(201, { ...json(record), Milliseconds } satisfies SnapshotSaveResponse);
      },
    },
    {
      method: "GET",
      path: `${path}/:snapshot`,
      handler: (call) =>
        call.send(200, json(snapshots.get(containers.find(call.param("name")), call.param("snapshot")))),
    },
    {
      method: "DELETE",
      path: `${path}/:snapshot`,
      handler: async (call) => {
        await snapshots.remove(containers.find(call.param("name")), call.param("snapshot"));
        call.empty(204);
      },
    },
    {
      method: "POST",
      path: `${path}/:snapshot/restore`,
      handler: async (call) => {
        const entry = containers.find(call.param("name"));
        const restored = await snapshots.restore(entry, call.param("snapshot"), { force: call.flag("force") });
        const [Copying, Swapping, Starting] = [restored.copying, restored.swapping, restored.starting].map(Math.round);
        const answer = { Milliseconds: { Copying, Swapping, Starting }, Restarted: restored.restarted };
        call.send(200, answer as SnapshotRestoreResponse);
      },
    },
  ];
}

function snapshotJson(containers: Containers, record: SnapshotRecord): Snapshot {
  const { container, name, created, layer, volumes } = record;
  return {
    Container: container,
    ContainerName: containers.find(container).record.name,
    Name: name,
    Created: created,
    Size: sizeOf(record),
    ...(layer && { LayerSize: layer.size }),
    Volumes: volumes.map(({ destination, size }) => ({ Destination: destination, Size: size })),
  };
}
