import type { HostConfig } from "../../../base/container-config.ts";
import { GantryError } from "../../../base/errors.ts";
import type { CgroupFacts, HostDevice } from "../../../ports/host-facts.ts";

/** Docker's field → OCI's. */
const THROTTLES = {
  BlkioDeviceReadBps: "throttleReadBpsDevice",
  BlkioDeviceWriteBps: "throttleWriteBpsDevice",
  BlkioDeviceReadIOps: "throttleReadIOPSDevice",
  BlkioDeviceWriteIOps: "throttleWriteIOPSDevice",
} as const;
const throttles = Object.keys(THROTTLES) as (keyof typeof THROTTLES)[];

/** Host paths of the block devices that limits name. */
export function blockDevicePaths(hostConfig: HostConfig): string[] {
  const limits = [hostConfig.BlkioWeightDevice, ...throttles.map((field) => hostConfig[field])];
  return limits.flatMap((list) => (list ?? []).map(({ Path }) => Path));
}

/** `linux.resources.blockIO`. Throws invalid NO_BLOCK_DEVICE for a path that is no block device. */
export function planBlockIo(
  hostConfig: HostConfig,
  cgroup: CgroupFacts,
  devices: Readonly<Record<string, readonly HostDevice[]>>,
): Record<string, unknown> {
  const numbered = <T extends { Path: string }>(list: readonly T[] | null | undefined) =>
    (list ?? []).map((limit) => ({ limit, ...numbersOf(limit.Path, devices[limit.Path]) }));
  const weights = numbered(hostConfig.BlkioWeightDevice).map(({ limit, ...device }) => ({
    ...device,
    weight: limit.Weight,
  }));
  const plan: Record<string, unknown> = {
    weight: (cgroup.ioWeight && hostConfig.BlkioWeight) || undefined,
    weightDevice: cgroup.ioWeightDevice && weights.length > 0 ? weights : undefined,
  };
  for (const field of throttles) {
    const rates = numbered(hostConfig[field]).map(({ limit, ...device }) => ({ ...device, rate: limit.Rate }));
    if (cgroup.ioThrottle && rates.length > 0) plan[THROTTLES[field]] = rates;
  }
  return plan;
}

function numbersOf(path: string, devices: readonly HostDevice[] | undefined): { major: number; minor: number } {
  const [device, another] = devices ?? [];
  if (device?.type !== "b" || another !== undefined) {
    throw new GantryError("invalid", "NO_BLOCK_DEVICE", `${path}: not a block device`, {
      hint: "lsblk -p lists them; a partition's I/O is limited at its disk",
    });
  }
  return { major: device.major, minor: device.minor };
}
