import { GantryError } from "../../base/errors.ts";
import type { Builder } from "../../build/builder.ts";
import type { Containers } from "../../engine/containers/containers.ts";
import type { ContainerRecord } from "../../engine/containers/record.ts";
import type { Images } from "../../engine/images/images.ts";
import type { Volumes } from "../../engine/volumes/volumes.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ContainerSummary } from "../../wire/types/containers.ts";
import type { DiskUsage } from "../../wire/types/system.ts";
import type { Volume } from "../../wire/types/volumes.ts";
import type { Call, Route } from "../call.ts";
import { summarizeContainer } from "../encode/container.ts";
import { shaped } from "../encode/old-shapes.ts";
import { cacheRows } from "./build-cache.ts";
import { volumeJson } from "./volumes.ts";

export interface DiskUsageRoutesDeps {
  containers: Containers;
  images: Images;
  volumes: Volumes;
  builder: Pick<Builder, "cacheItems">;
  clock: Clock;
  imageName: (record: ContainerRecord) => string;
}

const TYPES = ["container", "image", "volume", "build-cache"];

export function diskUsageRoutes(deps: DiskUsageRoutesDeps): Route[] {
  return [{ method: "GET", path: "/system/df", handler: (call) => diskUsage(deps, call) }];
}

/** `type` (from API 1.42) limits what is counted: sizes of containers and volumes cost a walk over their files. */
async function diskUsage(deps: DiskUsageRoutesDeps, call: Call): Promise<void> {
  const asked = call.atLeast(42) ? call.query.getAll("type") : [];
  for (const type of asked) {
    if (!TYPES.includes(type)) throw new GantryError("invalid", "BAD_TYPE", `unknown object type: ${type}`);
  }
  const wanted = (type: string): boolean => asked.length === 0 || asked.includes(type);
  const layers = deps.images.layers();
  const answer: DiskUsage = {
    LayersSize: wanted("image") ? [...layers.values()].reduce((sum, size) => sum + size, 0) : 0,
    Images: wanted("image")
      ? deps.images
          .list({ sharedSize: true, containerCount: true })
          .map((summary) => shaped(call, "image-row", summary))
      : null,
    Containers: wanted("container") ? await containerRows(deps, call) : null,
    Volumes: wanted("volume") ? await volumeRows(deps.volumes) : null,
    BuildCache: wanted("build-cache")
      ? cacheRows(await deps.builder.cacheItems()).map((row) => shaped(call, "build-cache", row))
      : null,
  };
  call.send(200, shaped(call, "disk-usage", answer));
}

async function containerRows(
  { containers, clock, imageName }: DiskUsageRoutesDeps,
  call: Call,
): Promise<ContainerSummary[]> {
  const now = clock.now();
  const rows = [];
  for (const record of containers.list({ all: true, limit: 0, filters: new Map() })) {
    const linkNames = containers.linksOf(record).names;
    const facts = { now, image: imageName(record), linkNames, sizes: await containers.sizes(record) };
    rows.push(shaped(call, "container-row", summarizeContainer(record, facts)));
  }
  return rows;
}

async function volumeRows(volumes: Volumes): Promise<Volume[]> {
  const rows = [];
  for (const volume of volumes.plain()) rows.push(volumeJson(volume, await volumes.usage(volume.record.name)));
  return rows;
}
