import type { DeviceMapping } from "../../../base/container-config.ts";
import { GantryError } from "../../../base/errors.ts";
import type { HostDevice } from "../../../ports/host-facts.ts";
import type { OciLinux } from "../../../ports/oci-spec.ts";
import type { SpecFacts } from "./facts.ts";

/** One line of the device cgroup. */
export interface DeviceRule {
  allow: boolean;
  type?: "a" | "b" | "c";
  major?: number;
  minor?: number;
  access: string;
}

const MEM = 1;
const TTY = 5;
const PTS = 136;

/**
 * Deny all, then the short list: make any node (only CAP_MKNOD can), null, zero, full, random, urandom, tty, ptmx and
 * the container's own terminals. Not the host's console.
 */
export const DEFAULT_DEVICE_RULES: readonly DeviceRule[] = [
  { allow: false, access: "rwm" },
  { allow: true, type: "c", access: "m" },
  { allow: true, type: "b", access: "m" },
  ...[3, 5, 7, 8, 9].map((minor): DeviceRule => ({ allow: true, type: "c", major: MEM, minor, access: "rwm" })),
  { allow: true, type: "c", major: TTY, minor: 0, access: "rwm" },
  { allow: true, type: "c", major: TTY, minor: 2, access: "rwm" },
  { allow: true, type: "c", major: PTS, access: "rwm" },
];

/** Made by every runtime itself; naming them again would clash. */
export const MADE_BY_RUNTIME = new Set(
  ["null", "zero", "full", "random", "urandom", "tty", "console", "ptmx"].map((name) => `/dev/${name}`),
);

const RULE = /^([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})$/;

/** A `--device-cgroup-rule`. Throws invalid BAD_DEVICE_RULE in Docker's words. */
export function readDeviceRule(text: string): DeviceRule {
  const match = RULE.exec(text);
  if (!match) {
    throw new GantryError("invalid", "BAD_DEVICE_RULE", `invalid device cgroup rule format: '${text}'`);
  }
  const [, type, major, minor, access] = match;
  return {
    allow: true,
    type: type as "a" | "b" | "c",
    ...(major !== "*" && { major: Number(major) }),
    ...(minor !== "*" && { minor: Number(minor) }),
    access: access ?? "rwm",
  };
}

export interface DevicePlan {
  nodes: NonNullable<OciLinux["devices"]>;
  rules: DeviceRule[];
}

/** Device nodes and the device cgroup's rules. */
export function planDevices(facts: SpecFacts): DevicePlan {
  const { hostConfig } = facts;
  const nodes: DevicePlan["nodes"] = [];
  const rules = [...DEFAULT_DEVICE_RULES];
  if (hostConfig.Privileged) {
    const all = (facts.devices?.["/dev"] ?? []).filter((device) => !MADE_BY_RUNTIME.has(device.path));
    nodes.push(...all.map((device) => nodeAt(device, device.path)));
    const moved = (hostConfig.Devices ?? []).filter(
      (mapping) => mapping.PathInContainer && mapping.PathInContainer !== mapping.PathOnHost,
    );
    for (const mapping of moved) nodes.push(...mappedNodes(facts, mapping));
    return { nodes, rules: [{ allow: true, access: "rwm" }] };
  }
  for (const mapping of hostConfig.Devices ?? []) {
    nodes.push(...mappedNodes(facts, mapping));
    for (const device of facts.devices?.[mapping.PathOnHost] ?? []) {
      const access = mapping.CgroupPermissions || "rwm";
      rules.push({ allow: true, type: device.type, major: device.major, minor: device.minor, access });
    }
  }
  for (const rule of hostConfig.DeviceCgroupRules ?? []) rules.push(readDeviceRule(rule));
  return { nodes, rules };
}

const mappedNodes = (facts: SpecFacts, mapping: DeviceMapping): DevicePlan["nodes"] =>
  (facts.devices?.[mapping.PathOnHost] ?? [])
    .map((device) => nodeAt(device, inContainer(mapping, device.path)))
    .filter((node) => !MADE_BY_RUNTIME.has(node.path));

/** A folder's devices keep their place below the folder's path in the container. */
function inContainer(mapping: DeviceMapping, devicePath: string): string {
  const target = mapping.PathInContainer || mapping.PathOnHost;
  const below = `${mapping.PathOnHost.replace(/\/+$/, "")}/`;
  return devicePath.startsWith(below) ? `${target.replace(/\/+$/, "")}/${devicePath.slice(below.length)}` : target;
}

const nodeAt = (device: HostDevice, path: string): DevicePlan["nodes"][number] => ({
  path,
  type: device.type,
  major: device.major,
  minor: device.minor,
  fileMode: device.fileMode,
  uid: device.uid,
  gid: device.gid,
});
