import type { ContainerConfig } from "../base/container-config.ts";
import type { ImageDetails } from "../engine/images/inspect.ts";
import type { ImageSummary as Summary } from "../engine/images/list.ts";
import type { ImageInspect, ImageSummary } from "../wire/types/images.ts";
import type { Call } from "./call.ts";

/** What every image's Config carried before API 1.50, where it said nothing. */
const OLD_DEFAULTS = {
  Hostname: "",
  Domainname: "",
  User: "",
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: null,
  Cmd: null,
  Image: "",
  Volumes: null,
  WorkingDir: "",
  Entrypoint: null,
  OnBuild: null,
  Labels: null,
};

/** Fields of containers alone: an image's config may hold them from old builders. */
const CONTAINER_ONLY: (keyof ContainerConfig)[] = [
  "Hostname",
  "Domainname",
  "AttachStdin",
  "AttachStdout",
  "AttachStderr",
  "Tty",
  "OpenStdin",
  "StdinOnce",
  "Image",
  "NetworkDisabled",
  "MacAddress",
  "StopTimeout",
];

/** A row of the list in the shape of the client's API version. */
export function summaryJson(call: Call, summary: Summary): ImageSummary {
  const row: ImageSummary = { ...summary };
  if (!call.atLeast(43) && row.RepoTags?.length === 0) {
    row.RepoTags = ["<none>:<none>"];
    if (row.RepoDigests?.length === 0) row.RepoDigests = ["<none>@<none>"];
  }
  if (!call.atLeast(44)) row.VirtualSize = summary.Size;
  return row;
}

export function inspectJson(call: Call, details: ImageDetails): ImageInspect {
  const result: ImageInspect = { ...details, Config: configJson(call, details.Config) };
  if (!call.atLeast(44)) result.VirtualSize = details.Size;
  if (!call.atLeast(45)) {
    result.Container = "";
    result.ContainerConfig = { ...OLD_DEFAULTS } as unknown as ContainerConfig;
  }
  return result;
}

function configJson(call: Call, config: ContainerConfig): ContainerConfig {
  if (!call.atLeast(50)) return { ...(OLD_DEFAULTS as unknown as ContainerConfig), ...config };
  return Object.fromEntries(
    Object.entries(config).filter(
      ([key, value]) => value !== null && value !== "" && !CONTAINER_ONLY.includes(key as keyof ContainerConfig),
    ),
  );
}
