import type { DeviceRequest } from "../../base/container-config.ts";
import { csvFields, pairOf } from "./key-values.ts";

/** A device of a CDI specification, `vendor.com/class=name`, rather than a path. */
export const isCdiName = (text: string): boolean =>
  /^[A-Za-z][A-Za-z0-9._-]*\/[A-Za-z][A-Za-z0-9_-]*=[A-Za-z0-9][A-Za-z0-9_.:-]*$/.test(text);

/** `--gpus all`, `--gpus 2`, `--gpus device=0,capabilities=utility`, `--gpus '"device=0,1"'`. */
export function gpuRequestOf(text: string): DeviceRequest {
  const request: DeviceRequest = { Driver: "", Capabilities: [["gpu"]], Options: {} };
  const seen = new Set<string>();
  for (const field of csvFields(text)) {
    const at = field.indexOf("=");
    const [key, value] = at === -1 ? ["count", field] : [field.slice(0, at), field.slice(at + 1)];
    if (seen.has(key)) throw new Error(`gpu request key '${key}' can be specified only once`);
    seen.add(key);
    if (key === "count") request.Count = countOf(value);
    else if (key === "driver") request.Driver = value;
    else if (key === "device") request.DeviceIDs = value.split(",");
    else if (key === "capabilities") request.Capabilities = [["gpu", ...value.split(",")]];
    else if (key === "options") request.Options = Object.fromEntries(csvFields(value).map(pairOf));
    else throw new Error(`unexpected key '${key}' in '${field}'`);
  }
  if (!seen.has("count") && !request.DeviceIDs) request.Count = 1;
  return request;
}

function countOf(text: string): number {
  if (text === "all") return -1;
  if (!/^[+-]?\d+$/.test(text)) throw new Error(`invalid count (${text}): value must be either "all" or an integer`);
  return Number(text);
}
