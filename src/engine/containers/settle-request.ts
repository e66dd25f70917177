import type { ContainerConfig, EndpointSettings, HostConfig, NetworkingConfig } from "../../base/container-config.ts";
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

const MODES_WITHOUT_MAC = /^(host|none|container:.*)$/;

/**
 * The networks to join by their real names, that of the mode and those named besides, with the container-wide MacAddress of older clients given to the main
 * network. Throws invalid BAD_ENDPOINT in Docker's words.
 */
export function settleEndpoints(
  config: ContainerConfig,
  mode: string,
  networking: NetworkingConfig | undefined,
): { endpoints: Record<string, EndpointSettings>; warnings: string[] } {
  const named = Object.entries(networking?.EndpointsConfig ?? {}).map(([name, settings]) => [
    networkNameOf(name),
    settings ?? {},
  ]);
  const endpoints: Record<string, EndpointSettings> = mode.startsWith(CONTAINER)
    ? {}
    : { [mode]: {}, ...Object.fromEntries(named) };
  const mac = config.MacAddress;
  if (!mac) return { endpoints, warnings: [] };
  if (MODES_WITHOUT_MAC.test(mode)) {
    throw new GantryError("invalid", "BAD_ENDPOINT", "conflicting options: mac-address and the network mode");
  }
  const own = endpoints[mode]?.MacAddress;
  if (own && own !== mac) {
    throw new GantryError(
      "invalid",
      "BAD_ENDPOINT",
      "the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty",
    );
  }
  endpoints[mode] = { ...endpoints[mode], MacAddress: mac };
  return {
    endpoints,
    warnings: own
      ? []
      : ["The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead."],
  };
}
