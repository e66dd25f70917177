import type { EndpointSettings, HostConfig, NetworkingConfig } from "../../base/container-config.ts";
import { GantryError, isGantryError } from "../../base/errors.ts";
import { mergeLogConfig } from "../../base/logging/options.ts";
import type { ContainerDeps } from "./deps.ts";
import type { ContainerRegistry } from "./registry.ts";

const CONTAINER = "container:";

/** The values that Docker's inspect shows for what the client left out, and other containers by their ids. */
export function settleHostConfig(
  host: HostConfig,
  registry: ContainerRegistry,
  logDefaults: ContainerDeps["logDefaults"],
): HostConfig {
  const joined = (mode: string | undefined): string | undefined =>
    mode?.startsWith(CONTAINER) && mode.length > CONTAINER.length
      ? `${CONTAINER}${joinedId(mode.slice(CONTAINER.length), registry)}`
      : mode;
  const open = host.Privileged || host.PidMode === "host" || host.IpcMode === "host";
  return {
    ...host,
    NetworkMode: joined(networkNameOf(host.NetworkMode)),
    ...(host.IpcMode === undefined ? {} : { IpcMode: joined(host.IpcMode) }),
    ...(host.PidMode === undefined ? {} : { PidMode: joined(host.PidMode) }),
    // what reaches into the host could not do its work under labels
    SecurityOpt: host.SecurityOpt ?? (open ? ["label=disable"] : null),
    RestartPolicy: {
      Name: host.RestartPolicy?.Name || "no",
      MaximumRetryCount: host.RestartPolicy?.MaximumRetryCount ?? 0,
    },
    LogConfig: mergeLogConfig(host.LogConfig, logDefaults),
    PortBindings: host.PortBindings ?? {},
  };
}

/** Throws invalid in Docker's words: to a client a missing container must not look like a missing image. */
function joinedId(reference: string, registry: ContainerRegistry): string {
  try {
    return registry.find(reference).id;
  } catch (error) {
    if (!isGantryError(error, "NO_SUCH_CONTAINER")) throw error;
    throw new GantryError("invalid", error.code, error.message, { cause: error });
  }
}

const networkNameOf = (mode: string | undefined): string => (!mode || mode === "default" ? "bridge" : mode);

/** The networks to join by their real names: that of the mode and those named besides. */
export function settleEndpoints(
  mode: string,
  networking: NetworkingConfig | undefined,
): Record<string, EndpointSettings> {
  if (mode.startsWith(CONTAINER)) return {};
  const named = Object.entries(networking?.EndpointsConfig ?? {}).map(([name, settings]) => [
    networkNameOf(name),
    settings ?? {},
  ]);
  return { [mode]: {}, ...Object.fromEntries(named) };
}
