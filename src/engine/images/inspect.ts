import type { ContainerConfig } from "../../base/container-config.ts";
import { familiarName } from "../../base/reference.ts";
import type { Catalog } from "./catalog.ts";
import type { ImageRecord } from "./contract.ts";
import type { ImagesDeps } from "./deps.ts";
import { createdMs } from "./filters.ts";
import { digestsAmong, tagsAmong } from "./list.ts";

/** As GET /images/{name}/json has it. */
export interface ImageDetails {
  Id: string;
  RepoTags: string[];
  RepoDigests: string[];
  Parent: string;
  Comment: string;
  /** Absent if the image does not say. */
  Created?: string;
  DockerVersion: string;
  Author: string;
  Config: ContainerConfig;
  Architecture: string;
  Variant?: string;
  Os: string;
  Size: number;
  GraphDriver: { Name: string; Data: Record<string, string> };
  RootFS: { Type: string; Layers: string[] };
  Metadata: { LastTagTime: string };
}

/** As GET /images/{name}/history has it, newest first; Created in seconds. */
export interface HistoryItem {
  Id: string;
  Created: number;
  CreatedBy: string;
  Tags: string[] | null;
  Size: number;
  Comment: string;
}

/** Go's zero time: an image that was never named here. */
const NEVER = "0001-01-01T00:00:00Z";

export function inspect(deps: ImagesDeps, catalog: Catalog, record: ImageRecord): ImageDetails {
  const { config } = record;
  const names = catalog.namesOf(record.id);
  return {
    Id: record.id,
    RepoTags: tagsAmong(names),
    RepoDigests: digestsAmong(names),
    Parent: record.parent ?? "",
    Comment: config.history?.at(-1)?.comment ?? "",
    ...(config.created ? { Created: config.created } : {}),
    DockerVersion: "",
    Author: config.author ?? "",
    Config: config.config ?? {},
    Architecture: config.architecture,
    ...(config.variant ? { Variant: config.variant } : {}),
    Os: config.os,
    Size: record.size,
    GraphDriver: { Name: "overlay2", Data: overlayFolders(deps, record) },
    RootFS: { Type: "layers", Layers: config.rootfs.diff_ids },
    Metadata: { LastTagTime: record.lastTagTime ?? NEVER },
  };
}

/** Where the layers are: `UpperDir` is the top one, `LowerDir` those below it, topmost first. */
function overlayFolders(deps: ImagesDeps, record: ImageRecord): Record<string, string> {
  const folders = record.chain.flatMap((chainId) => {
    const layer = deps.layers.get(chainId);
    return layer === undefined ? [] : [`${deps.layersRoot}/${layer.dir}/diff`];
  });
  const top = folders.pop();
  if (top === undefined) return {};
  return { ...(folders.length > 0 ? { LowerDir: folders.toReversed().join(":") } : {}), UpperDir: top };
}

export function history(deps: ImagesDeps, catalog: Catalog, record: ImageRecord): HistoryItem[] {
  const items: HistoryItem[] = [];
  let layer = 0;
  for (const entry of record.config.history ?? []) {
    const size = entry.empty_layer ? 0 : (deps.layers.get(record.chain[layer++] ?? "")?.size ?? 0);
    items.unshift({
      Id: "<missing>",
      Created: entry.created ? Math.floor(Date.parse(entry.created) / 1000) : 0,
      CreatedBy: entry.created_by ?? "",
      Tags: null,
      Size: size,
      Comment: entry.comment ?? "",
    });
  }
  if (items.length === 0) {
    const Created = Math.floor(createdMs(record) / 1000);
    items.push({ Id: "", Created, CreatedBy: "", Tags: null, Size: record.size, Comment: "" });
  }
  const tags = catalog.namesOf(record.id).filter((name) => name.digest === undefined);
  items[0]!.Id = record.id;
  items[0]!.Tags = tags.length > 0 ? tags.map(familiarName) : null;
  return items;
}
