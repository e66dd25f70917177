import type { ContainerConfig } from "../../base/container-config.ts";
import type { ImageDetails } from "../../engine/images/inspect.ts";
import type { ImageInspect } from "../../wire/types/images.ts";

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

/** GET /images/{name}/json: its config has what it says, and of an image alone. */
export function imageJson(details: ImageDetails): ImageInspect {
  const config = Object.entries(details.Config).filter(
    ([key, value]) => value !== null && value !== "" && !CONTAINER_ONLY.includes(key as keyof ContainerConfig),
  );
  return { ...details, Config: Object.fromEntries(config) };
}
