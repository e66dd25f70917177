import type { BuildEvent } from "../../base/build-events.ts";
import type { ContainerConfig } from "../../base/container-config.ts";
import type { ErrorKind } from "../../base/errors.ts";

/** One row of GET /images/json. Created is in seconds since 1970, sizes in bytes; -1: not computed. */
export interface ImageSummary {
  Id: string;
  ParentId: string;
  RepoTags: string[] | null;
  RepoDigests: string[] | null;
  Created: number;
  Size: number;
  SharedSize: number;
  VirtualSize?: number;
  Labels: Record<string, string> | null;
  Containers: number;
  /** Engines that keep several platforms of an image tell them when asked to. */
  Manifests?: {
    ID: string;
    Kind: string;
    Available: boolean;
    Size: { Total: number; Content: number };
    ImageData?: { Platform: { os: string; architecture: string; variant?: string }; Containers: string[] | null };
  }[];
}

/** GET /images/{name}/json */
export interface ImageInspect {
  Id: string;
  RepoTags: string[];
  RepoDigests: string[];
  Parent: string;
  Comment: string;
  Created?: string;
  Container?: string;
  ContainerConfig?: ContainerConfig;
  DockerVersion: string;
  Author: string;
  Config: ContainerConfig;
  Architecture: string;
  Variant?: string;
  Os: string;
  Size: number;
  VirtualSize?: number;
  GraphDriver: { Name: string; Data: Record<string, string> | null };
  RootFS: { Type: string; Layers?: string[] };
  Metadata: { LastTagTime: string };
}

/** One row of GET /images/{name}/history, newest first. Created is in seconds. */
export interface ImageHistoryItem {
  Id: string;
  Created: number;
  CreatedBy: string;
  Tags: string[] | null;
  Size: number;
  Comment: string;
}

export interface ImageDeleteItem {
  Untagged?: string;
  Deleted?: string;
}

export interface PruneImagesResponse {
  ImagesDeleted: ImageDeleteItem[] | null;
  SpaceReclaimed: number;
}

export interface BuildCacheRecord {
  ID: string;
  Parents?: string[] | null;
  Type: string;
  Description: string;
  InUse: boolean;
  Shared: boolean;
  Size: number;
  CreatedAt: string;
  LastUsedAt: string | null;
  UsageCount: number;
}

export interface PruneBuildResponse {
  CachesDeleted: string[] | null;
  SpaceReclaimed: number;
}

/** One line of the streams of pull, push, load, import, build. */
export interface ProgressLine {
  id?: string;
  status?: string;
  stream?: string;
  /** The bar that old servers draw; clients of today draw their own. */
  progress?: string;
  progressDetail?: { current?: number; total?: number; hidecounts?: boolean; units?: string };
  aux?: Record<string, unknown>;
  /** Gantry's own: what a build has to say, where `progress=events` asked for it. */
  build?: BuildEvent;
  error?: string;
  /** `code`: a command's exit code. `hint`, `kind` and `reason` (a GantryError's code): Gantry's own. */
  errorDetail?: { code?: number; message: string; hint?: string; kind?: ErrorKind; reason?: string };
}

/** GET /distribution/{name}/json */
export interface DistributionInspect {
  Descriptor: {
    mediaType: string;
    digest: string;
    size: number;
    urls?: string[];
    annotations?: Record<string, string>;
  };
  Platforms: { architecture?: string; os?: string; variant?: string; "os.version"?: string }[] | null;
}

/** One row of GET /images/search. */
export interface ImageSearchResult {
  name: string;
  description: string;
  star_count: number;
  is_official: boolean;
  is_automated?: boolean;
}
