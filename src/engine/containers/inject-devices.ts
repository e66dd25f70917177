import type { OciSpec } from "../../ports/oci-spec.ts";
import type { ContainerDeps } from "./deps.ts";
import type { ContainerRecord } from "./record.ts";
import { cdiDevices, editsFor, injectCdi } from "./spec/cdi.ts";
import { namesOfRequests } from "./spec/device-requests.ts";
import { refuseMountTarget } from "./spec/guards.ts";

/** The spec with the devices that the container asks for by what they can do, or by their names in CDI's files. */
export function withRequestedDevices(
  deps: Pick<ContainerDeps, "cdi" | "host" | "rootfs">,
  spec: OciSpec,
  { hostConfig }: ContainerRecord,
): OciSpec {
  const requests = hostConfig.DeviceRequests ?? [];
  if (requests.length === 0) return spec;
  const known = cdiDevices(deps.cdi);
  const edits = editsFor(namesOfRequests(requests, known), known);
  for (const { containerPath } of edits.flatMap((one) => one.mounts ?? [])) {
    const resolved = deps.rootfs.resolve(spec.root.path, containerPath);
    // where the file says counts; where the image's links lead does not
    if (resolved !== containerPath) refuseMountTarget(containerPath, resolved, false);
  }
  return injectCdi(spec, edits, (path) => deps.host.devices(path));
}
