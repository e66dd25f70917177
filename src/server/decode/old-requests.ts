import type { HostConfig, MountSpec } from "../../base/container-config.ts";
import { GantryError } from "../../base/errors.ts";
import type { ContainerCreateRequest } from "../../wire/types/containers.ts";
import type { Call } from "../call.ts";

const refuse = (message: string): never => {
  throw new GantryError("invalid", "BAD_VERSION", message);
};

/**
 * A create request as it was meant in the client's version of the API: options that came later are ignored (or refused
 * where a client may rely on them), defaults that changed are the old ones. Throws invalid BAD_VERSION.
 */
export function createRequestOf(
  call: Call,
  request: ContainerCreateRequest,
  host: { cgroupVersion: 1 | 2 },
): { body: ContainerCreateRequest; warnings: string[] } {
  const body = { ...request };
  const hostConfig: HostConfig = { ...request.HostConfig };
  const mounts = hostConfig.Mounts?.map((mount) => mountOf(call, mount));
  if (mounts) hostConfig.Mounts = mounts;
  const since = (minor: number, ...fields: (keyof HostConfig)[]): void => {
    if (!call.atLeast(minor)) for (const field of fields) delete hostConfig[field];
  };
  // until 1.25 the client removed its --rm containers itself
  since(25, "AutoRemove");
  since(42, "ConsoleSize");
  since(43, "Annotations");
  if (!call.atLeast(40) && !hostConfig.IpcMode) hostConfig.IpcMode = "shareable";
  if (!call.atLeast(41) && !hostConfig.CgroupnsMode && host.cgroupVersion === 1) hostConfig.CgroupnsMode = "host";
  if (!call.atLeast(44) && body.Healthcheck) body.Healthcheck = { ...body.Healthcheck, StartInterval: 0 };
  const settings = request.NetworkingConfig?.EndpointsConfig ?? {};
  if (!call.atLeast(48)) for (const endpoint of Object.values(settings)) delete endpoint?.GwPriority;
  const endpoints = Object.keys(settings);
  if (!call.atLeast(44) && endpoints.length > 1) {
    refuse(`Container cannot be created with multiple network endpoints: ${endpoints.join(", ")}`);
  }
  body.HostConfig = hostConfig;
  return { body, warnings: moveMacAddress(call, body) };
}

function mountOf(call: Call, mount: MountSpec): MountSpec {
  const result = { ...mount };
  const { BindOptions: bind, VolumeOptions: volume } = mount;
  const options = { BindOptions: "bind", VolumeOptions: "volume", TmpfsOptions: "tmpfs" } as const;
  for (const [field, type] of Object.entries(options) as [keyof typeof options, string][]) {
    if (!mount[field] || mount.Type === type) continue;
    if (call.atLeast(42)) refuse(`${field} must not be specified on mount type "${mount.Type}"`);
    delete result[field];
  }
  if (bind && result.BindOptions) {
    result.BindOptions = {
      ...bind,
      ...(call.atLeast(42) ? {} : { CreateMountpoint: false }),
      ...(call.atLeast(40) ? {} : { NonRecursive: false }),
    };
  }
  if (!call.atLeast(45) && volume?.Subpath) refuse("VolumeOptions.Subpath needs API v1.45 or newer");
  if (!call.atLeast(48) && mount.Type === "image") refuse('Mount type "Image" needs API v1.48 or newer');
  return result;
}

/** A MAC address of the whole container means its main network's since 1.44; gives a warning from then on. */
function moveMacAddress(call: Call, body: ContainerCreateRequest): string[] {
  const { MacAddress: address } = body;
  const endpoints = { ...body.NetworkingConfig?.EndpointsConfig };
  if (!address) {
    if (call.atLeast(44)) return [];
    for (const endpoint of Object.values(endpoints)) delete endpoint?.MacAddress;
    return [];
  }
  const mode = body.HostConfig?.NetworkMode || "default";
  if (mode === "host" || mode === "none" || mode.startsWith("container:")) {
    if (!call.atLeast(44)) refuse("conflicting options: mac-address and the network mode");
  } else {
    const main = mode === "default" && !endpoints["default"] ? "bridge" : mode;
    const asked = endpoints[main]?.MacAddress;
    if (asked && asked !== address) {
      refuse(
        "the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty",
      );
    }
    endpoints[main] = { ...endpoints[main], MacAddress: address };
    body.NetworkingConfig = { EndpointsConfig: endpoints };
  }
  delete body.MacAddress;
  const moved =
    "The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.";
  return call.atLeast(44) ? [moved] : [];
}
