import { GantryError, isGantryError } from "../../../base/errors.ts";
import type { CdiDeviceNode, CdiEdits, CdiSpec, CdiSpecs } from "../../../ports/cdi-specs.ts";
import type { HostDevice } from "../../../ports/host-facts.ts";
import type { OciHook, OciLinux, OciMount, OciSpec } from "../../../ports/oci-spec.ts";
import { MADE_BY_RUNTIME } from "./devices.ts";

/** What reads a device's kind, numbers and owner on the host; throws NO_SUCH_DEVICE. */
export type LookUpDevice = (path: string) => HostDevice[];

const failed = (why: string, cause?: unknown): GantryError =>
  new GantryError("invalid", "CDI_INJECTION_FAILED", `CDI device injection failed: ${why}`, { cause });

/** "vendor.com/class=name" → the specification that has it. One that two files of the same folder have is nobody's. */
export function cdiDevices(specs: Pick<CdiSpecs, "read">): Map<string, CdiSpec> {
  const known = new Map<string, CdiSpec>();
  for (const folder of specs.read().folders) {
    const here = new Map<string, CdiSpec | undefined>();
    for (const { spec } of folder) {
      for (const { name } of spec.devices) {
        const full = `${spec.kind}=${name}`;
        here.set(full, here.has(full) ? undefined : spec);
      }
    }
    for (const [name, spec] of here) {
      if (spec) known.set(name, spec);
      else known.delete(name);
    }
  }
  return known;
}

/** What the devices ask for, in order: of each specification what holds for all of its devices comes first, once. */
export function editsFor(names: readonly string[], known: ReadonlyMap<string, CdiSpec>): CdiEdits[] {
  const missing = names.filter((name) => !known.has(name));
  if (missing.length > 0) throw failed(`unresolvable CDI devices ${missing.join(", ")}`);
  const begun = new Set<CdiSpec>();
  return names.flatMap((name) => {
    const spec = known.get(name) as CdiSpec;
    const common = begun.has(spec) ? undefined : spec.containerEdits;
    begun.add(spec);
    const own = spec.devices.find((device) => `${spec.kind}=${device.name}` === name)?.containerEdits;
    return [common, own].filter((edits) => edits !== undefined);
  });
}

/** The container's spec with the devices in it. Throws invalid CDI_INJECTION_FAILED. */
export function injectCdi(spec: OciSpec, edits: readonly CdiEdits[], lookUp: LookUpDevice): OciSpec {
  return edits.reduce((result, one) => applyEdits(result, one, lookUp), spec);
}

function applyEdits(spec: OciSpec, edits: CdiEdits, lookUp: LookUpDevice): OciSpec {
  const nodes = (edits.deviceNodes ?? []).map((node) => settleNode(node, spec.process.user, lookUp));
  const paths = new Set(nodes.map(({ device }) => device.path));
  const devices = [
    ...(spec.linux.devices ?? []).filter((device) => !paths.has(device.path)),
    ...nodes.map(({ device }) => device).filter(({ path }) => !MADE_BY_RUNTIME.has(path)),
  ];
  const rules = nodes
    .filter(({ device }) => device.type === "b" || device.type === "c")
    .map(({ device: { type, major, minor }, access }) => ({ allow: true, type, major, minor, access }));
  const { user } = spec.process;
  const gids = [...(user.additionalGids ?? []), ...(edits.additionalGids ?? [])];
  const hooks = { ...spec.hooks };
  for (const { hookName, ...hook } of edits.hooks ?? []) {
    hooks[hookName] = [...(hooks[hookName] ?? []), hook satisfies OciHook];
  }
  return {
    ...spec,
    process: {
      ...spec.process,
      env: withVariables(spec.process.env, edits.env ?? []),
      user: { ...user, additionalGids: [...new Set(gids)] },
    },
    mounts: withMounts(spec.mounts, edits.mounts ?? []),
    linux: {
      ...spec.linux,
      ...(devices.length > 0 && { devices }),
      resources: { ...spec.linux.resources, devices: [...deviceRules(spec), ...rules] },
    },
    ...(Object.keys(hooks).length > 0 && { hooks }),
  };
}

const deviceRules = (spec: OciSpec): unknown[] => (spec.linux.resources["devices"] as unknown[] | undefined) ?? [];

const nameOf = (entry: string): string => entry.split("=", 1)[0] ?? "";

function withVariables(env: readonly string[], added: readonly string[]): string[] {
  const own = new Set(added.map(nameOf));
  return [...env.filter((entry) => !own.has(nameOf(entry))), ...added];
}

/** A later mount on the same place replaces the earlier; parents come before what lies in them. */
function withMounts(mounts: readonly OciMount[], added: NonNullable<CdiEdits["mounts"]>): OciMount[] {
  if (added.length === 0) return [...mounts];
  const places = new Set(added.map((mount) => mount.containerPath));
  const depth = ({ destination }: OciMount): number => destination.split("/").filter(Boolean).length;
  const own = added.map(({ hostPath, containerPath, options, type }): OciMount => {
    const given = options ?? [];
    const bind = given.some((option) => option === "bind" || option === "rbind");
    return {
      destination: containerPath,
      source: hostPath,
      ...(type || bind ? { type: type || "bind" } : {}),
      options: type || bind ? given : ["rbind", ...given],
    };
  });
  return [...mounts.filter((mount) => !places.has(mount.destination)), ...own].toSorted((a, b) => depth(a) - depth(b));
}

interface SettledNode {
  device: NonNullable<OciLinux["devices"]>[number];
  /** What the device cgroup lets it be used for. */
  access: string;
}

/** What the file leaves open is as on the host; a node of root's own goes to the container's user. */
function settleNode(node: CdiDeviceNode, user: { uid: number; gid: number }, lookUp: LookUpDevice): SettledNode {
  const known = node.type && (node.major || node.type === "p") ? undefined : onHost(node, lookUp);
  const fileMode = node.fileMode ?? known?.fileMode;
  const uid = node.uid ?? (user.uid > 0 ? user.uid : undefined);
  const gid = node.gid ?? (user.gid > 0 ? user.gid : undefined);
  const device = {
    path: node.path,
    type: node.type || (known?.type ?? "c"),
    major: node.major ?? known?.major ?? 0,
    minor: node.minor ?? known?.minor ?? 0,
    ...(fileMode !== undefined && { fileMode: fileMode & 0o7777 }),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
  };
  return { device, access: node.permissions || "rwm" };
}

function onHost({ path, hostPath }: CdiDeviceNode, lookUp: LookUpDevice): HostDevice {
  const where = hostPath || path;
  try {
    const [device, another] = lookUp(where);
    if (device && !another) return device;
    throw failed(`${where} is not a device node`);
  } catch (cause) {
    if (!isGantryError(cause, "NO_SUCH_DEVICE")) throw cause;
    throw failed(`failed to stat CDI host device ${JSON.stringify(where)}: ${cause.message.split(": ").at(-1)}`, cause);
  }
}
