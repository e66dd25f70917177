import type { HostConfig } from "../../../base/container-config.ts";
import { GantryError } from "../../../base/errors.ts";
import { outsideOf } from "../../../base/id-map.ts";
import { ipcModeOf } from "./namespaces.ts";
import type { ResolvedMount, SpecFacts } from "./facts.ts";
import { INIT_PATH } from "./process.ts";
import { readSecurityOptions } from "./security-options.ts";
import { tmpfsOptions } from "./tmpfs-options.ts";
import type { OciMount } from "../../../ports/oci-spec.ts";

const TTY_GROUP = 5;
export const DEFAULT_SHM_SIZE = 64 * 1024 * 1024;

/** Below these nothing of the host or the hardware is shown to a container that is not privileged. */
export const MASKED_PATHS: readonly string[] = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/sys/devices/virtual/powercap",
  "/sys/firmware",
];

export const READONLY_PATHS: readonly string[] = [
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/sys",
  "/proc/sysrq-trigger",
];

/** How often a CPU was throttled tells of other tenants' load; one path for each CPU. */
export const throttlePaths = (cpus: number): string[] =>
  Array.from({ length: cpus }, (_, i) => `/sys/devices/system/cpu/cpu${i}/thermal_throttle`);

/** The kernel's file systems that each container gets. */
function kernelMounts(facts: SpecFacts): OciMount[] {
  const { hostConfig } = facts;
  const access = hostConfig.Privileged ? "rw" : "ro";
  const groups = readSecurityOptions(hostConfig.SecurityOpt).writableCgroups ? "rw" : access;
  const mounts: OciMount[] = [
    { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
    {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", ...terminalGroup(facts)],
    },
    { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", access] },
    {
      destination: "/sys/fs/cgroup",
      type: "cgroup",
      source: "cgroup",
      options: [groups, "nosuid", "noexec", "nodev"],
    },
  ];
  // the host's queues are not the user namespace's to mount
  if (facts.userns === undefined || ipcModeOf(hostConfig) !== "host") {
    const options = ["nosuid", "noexec", "nodev"];
    mounts.push({ destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options });
  }
  const shm = sharedMemory(facts);
  if (shm) mounts.push(shm);
  return mounts;
}

/** Group tty, where the container has so many groups. */
const terminalGroup = ({ userns }: SpecFacts): string[] =>
  userns === undefined || outsideOf(userns.map.gids, TTY_GROUP) !== undefined ? [`gid=${TTY_GROUP}`] : [];

function sharedMemory(facts: SpecFacts): OciMount | undefined {
  const flags = ["nosuid", "noexec", "nodev"];
  const source = facts.shm ?? (ipcModeOf(facts.hostConfig) === "host" ? "/dev/shm" : undefined);
  if (source !== undefined) {
    return { destination: "/dev/shm", type: "bind", source, options: ["rbind", "rprivate", ...flags] };
  }
  if (ipcModeOf(facts.hostConfig) === "none") return undefined;
  const size = facts.hostConfig.ShmSize || DEFAULT_SHM_SIZE;
  return { destination: "/dev/shm", type: "tmpfs", source: "shm", options: [...flags, "mode=1777", `size=${size}`] };
}

const bind = (destination: string, source: string | undefined, options: string[]): OciMount[] =>
  source === undefined ? [] : [{ destination, type: "bind", source, options: ["rbind", "rprivate", ...options] }];

/** The files that Gantry keeps for the container, and `--init`'s program. */
function ownFiles(facts: SpecFacts): OciMount[] {
  const access = facts.hostConfig.ReadonlyRootfs ? ["ro"] : [];
  return [
    ...bind("/etc/resolv.conf", facts.files.resolvConf, access),
    ...bind("/etc/hostname", facts.files.hostname, access),
    ...bind("/etc/hosts", facts.files.hosts, access),
    ...bind(INIT_PATH, facts.initBinary, ["ro"]),
  ];
}

function userMount(mount: ResolvedMount, recursiveReadOnly: boolean): OciMount {
  const { destination } = mount;
  if (mount.type === "tmpfs") {
    const options = tmpfsOptions([...(mount.options ?? []), ...(mount.readOnly ? ["ro"] : [])]);
    return { destination, type: "tmpfs", source: "tmpfs", options };
  }
  const propagation = mount.propagation || "rprivate";
  // crun 1.8 takes the "r" of either word for the bind's
  const options = mount.nonRecursive ? ["bind", propagation.replace(/^r/, "")] : ["rbind", propagation];
  if (mount.readOnly) options.push("ro");
  // without it, what is mounted below the source would stay writable; crun 1.8 fails with it on a file
  if (mount.readOnly && mount.folder && !mount.nonRecursive && mount.submounts !== "writable") {
    if (recursiveReadOnly) options.push("rro");
    else if (mount.submounts === "required") {
      throw new GantryError(
        "invalid",
        "NO_RECURSIVE_READ_ONLY",
        `cannot mount ${mount.source} recursively read-only: kernel 5.12 or newer is needed`,
      );
    }
  }
  return { destination, type: "bind", source: mount.source, options };
}

const depth = (mount: OciMount): number => mount.destination.split("/").filter(Boolean).length;

/** `mounts` of config.json: the kernel's first, then all others, parents before what lies in them. */
export function planMounts(facts: SpecFacts): OciMount[] {
  const { major, minor } = facts.host.kernel;
  const recursiveReadOnly = major > 5 || (major === 5 && minor >= 12);
  const theirs = facts.mounts.map((mount) => userMount(mount, recursiveReadOnly));
  const taken = new Set(theirs.map((mount) => mount.destination));
  const free = (mount: OciMount): boolean => !taken.has(mount.destination);
  const others = [...ownFiles(facts).filter(free), ...theirs];
  return [...kernelMounts(facts).filter(free), ...others.toSorted((a, b) => depth(a) - depth(b))];
}

/**
 * A shared or slave bind needs the root's own propagation to let events through. Otherwise it stays unsaid: every
 * runtime then cuts the whole tree off from the host's, while a plain "private" would do so for the topmost mount only.
 */
export function rootPropagation(mounts: readonly ResolvedMount[]): "shared" | "rslave" | undefined {
  const asked = new Set(mounts.map((mount) => mount.propagation));
  if (asked.has("shared") || asked.has("rshared")) return "shared";
  return asked.has("slave") || asked.has("rslave") ? "rslave" : undefined;
}

/** Masked and read-only paths: the defaults unless the user gave lists of their own; none when privileged. */
export function hiddenPathsOf(
  hostConfig: HostConfig,
  cpus: number,
): { MaskedPaths: string[] | null; ReadonlyPaths: string[] | null } {
  if (hostConfig.Privileged) return { MaskedPaths: null, ReadonlyPaths: null };
  return {
    MaskedPaths: hostConfig.MaskedPaths ?? [...MASKED_PATHS, ...throttlePaths(cpus)],
    ReadonlyPaths: hostConfig.ReadonlyPaths ?? [...READONLY_PATHS],
  };
}

export function planHiddenPaths(facts: SpecFacts): { maskedPaths: string[]; readonlyPaths: string[] } {
  const { MaskedPaths, ReadonlyPaths } = hiddenPathsOf(facts.hostConfig, facts.host.cpus);
  return { maskedPaths: MaskedPaths ?? [], readonlyPaths: ReadonlyPaths ?? [] };
}
