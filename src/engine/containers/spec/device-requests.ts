import type { DeviceRequest } from "../../../base/container-config.ts";
import { GantryError } from "../../../base/errors.ts";
import type { CdiSpec } from "../../../ports/cdi-specs.ts";

const NVIDIA = "nvidia.com/gpu";
/** What a GPU of that vendor can be asked for. */
const NVIDIA_CAPABILITIES = new Set("gpu nvidia compute compat32 graphics utility video display ngx".split(" "));

const invalid = (code: string, message: string, hint?: string): GantryError =>
  new GantryError("invalid", code, message, hint === undefined ? {} : { hint });

/**
 * HostConfig.DeviceRequests as names of devices in CDI's files. `--gpus` is served by the vendor's file. Throws invalid
 * NO_DEVICE_DRIVER and BAD_DEVICE_REQUEST in Docker's words.
 */
export function namesOfRequests(
  requests: readonly DeviceRequest[] | null | undefined,
  known: ReadonlyMap<string, CdiSpec>,
): string[] {
  return (requests ?? []).flatMap((request) => {
    switch (request.Driver || "") {
      case "cdi":
        return cdiNames(request);
      case "":
      case "nvidia":
        return gpuNames(request, known);
      default:
        throw noDriver(request);
    }
  });
}

function cdiNames({ Count, DeviceIDs, Options }: DeviceRequest): string[] {
  if (Count) throw invalid("BAD_DEVICE_REQUEST", "unexpected count in CDI device request");
  if (Object.keys(Options ?? {}).length > 0) {
    throw invalid("BAD_DEVICE_REQUEST", "unexpected options in CDI device request");
  }
  return DeviceIDs ?? [];
}

function gpuNames(request: DeviceRequest, known: ReadonlyMap<string, CdiSpec>): string[] {
  const { Count = 0, Capabilities } = request;
  const ids = request.DeviceIDs ?? [];
  const suits = (Capabilities ?? []).some((set) => set.every((name) => NVIDIA_CAPABILITIES.has(name)));
  const there = [...known.keys()].some((name) => name.startsWith(`${NVIDIA}=`));
  if (!suits || !there) throw noDriver(request);
  if (Count !== 0 && ids.length > 0) {
    throw invalid("BAD_DEVICE_REQUEST", "cannot set both Count and DeviceIDs on device request");
  }
  if (ids.length > 0) return ids.map((id) => `${NVIDIA}=${id}`);
  if (Count < 0) return [`${NVIDIA}=all`];
  return Array.from({ length: Count }, (_, index) => `${NVIDIA}=${index}`);
}

/** As Go prints a list of lists. */
const shown = (sets: readonly (readonly string[])[]): string =>
  `[${sets.map((set) => `[${set.join(" ")}]`).join(" ")}]`;

const noDriver = ({ Driver = "", Capabilities }: DeviceRequest): GantryError =>
  invalid(
    "NO_DEVICE_DRIVER",
    `could not select device driver ${JSON.stringify(Driver)} with capabilities: ${shown(Capabilities ?? [])}`,
    `GPUs come from CDI's files: nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml`,
  );
