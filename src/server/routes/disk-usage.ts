import { GantryError } from "../../base/errors.ts";
import type { Builder } from "../../build/builder.ts";
import type { Containers } from "../../engine/containers/containers.ts";
import type { ContainerRecord } from "../../engine/containers/record.ts";
import type { Images } from "../../engine/images/images.ts";
import type { Volumes } from "../../engine/volumes/volumes.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ContainerSummary } from "../../wire/types/containers.ts";
import type { BuildCacheRecord } from "../../wire/types/images.ts";
import type { DiskUsage } from "../../wire/types/system.ts";
import type { Volume } from "../../wire/types/volumes.ts";
import type { Call, Route } from "../call.ts";
import { summarizeContainer } from "../encode/container.ts";
import { shaped } from "../encode/old-shapes.ts";
import { volumeJson } from "./volumes.ts";

export interface DiskUsageRoutesDeps {
  containers: Containers;
  images: Images;
  volumes: Volumes;
  builder: Pick<Builder, "cacheEntries">;
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
      ? cacheRows(deps.builder, layers).map((row) => shaped(call, "build-cache", row))
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
  for (const record of volumes.list()) rows.push(volumeJson(volumes, record, await volumes.usage(record.name)));
  return rows;
}

/** A layer that an image or an earlier row counts already is marked as shared, so that sums come out right. */
function cacheRows(builder: DiskUsageRoutesDeps["builder"], layers: ReadonlyMap<string, number>): BuildCacheRecord[] {
  const counted = new Set(layers.keys());
  return builder.cacheEntries().map(({ key, created, chainId, bytes }) => {
    const shared = chainId !== undefined && counted.has(chainId);
    if (chainId !== undefined) counted.add(chainId);
    return {
      ID: key,
      Type: "regular",
      Description: "",
      InUse: false,
      Shared: shared,
      Size: bytes,
      CreatedAt: created,
      LastUsedAt: null,
      UsageCount: 0,
    };
  });
}
