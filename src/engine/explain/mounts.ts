import type { ExplainedMount } from "../../base/explanation.ts";
import type { MountView } from "../../ports/kernel-view.ts";
import type { MountPoint } from "../containers/record.ts";
import { INIT_PATH } from "../containers/spec/process.ts";
import { isMask, isReadOnlyPart } from "./security.ts";

/** The kernel's own file systems, and what each shows. */
const KERNEL: Readonly<Record<string, string>> = {
  proc: "processes and the kernel's settings",
  sysfs: "devices and drivers",
  devpts: "pseudo terminals",
  mqueue: "POSIX message queues",
  cgroup: "control groups, v1",
  cgroup2: "control groups, v2",
};

/** In memory, for the kernel's things. */
const FOLDERS: Readonly<Record<string, string>> = {
  "/dev": "device nodes, made by the runtime",
  "/dev/shm": "POSIX shared memory",
  "/sys/fs/cgroup": "a folder for each tree of control groups",
};

export interface Asked {
  /** `Mounts` of inspect. */
  rows: readonly MountPoint[];
  /** Where `--tmpfs` has one. */
  tmpfs: readonly string[];
  /** Target → file that the engine keeps. */
  own: ReadonlyMap<string, string>;
}

type Origin = Pick<ExplainedMount, "origin" | "from">;

const IN_MEMORY: Origin = { origin: "tmpfs", from: "memory, empty at each start" };

const asked = (row: MountPoint): Origin => {
  switch (row.Type) {
    case "volume":
      return { origin: "volume", from: `volume ${row.Name}` };
    case "bind":
      return { origin: "bind", from: `${row.Source} of the host` };
    case "image":
      return { origin: "image", from: `image ${row.Source}` };
    case "tmpfs":
      return IN_MEMORY;
  }
};

function originOf(mount: MountView, { rows, tmpfs, own }: Asked): Origin {
  const { target, type } = mount;
  if (target === "/") return { origin: "image", from: "the image's layers and the writable one, as an overlay" };
  const row = rows.find(({ Destination }) => Destination === target);
  if (row !== undefined) return asked(row);
  if (tmpfs.includes(target)) return IN_MEMORY;
  if (isMask(mount)) return { origin: "masked", from: "covers what the host would show" };
  if (isReadOnlyPart(mount)) return { origin: "read-only", from: "the same part of /proc or /sys, to be read only" };
  const file = own.get(target);
  if (file !== undefined) return { origin: "engine", from: `kept by the engine: ${file}` };
  if (target === INIT_PATH) return { origin: "engine", from: "the program of --init" };
  if (Object.hasOwn(KERNEL, type)) return { origin: "kernel", from: KERNEL[type] ?? "" };
  const folder = FOLDERS[target];
  if (folder !== undefined) return { origin: "kernel", from: folder };
  if (target.startsWith("/dev/")) return { origin: "device", from: "a device node or terminal of the host" };
  const above = rows.find(({ Destination }) => target.startsWith(`${Destination}/`));
  if (above !== undefined) return { origin: "bind", from: `mounted below the source of ${above.Destination}` };
  return { origin: "other", from: "mounted later, by a process inside or the runtime" };
}

/** Each mount that process 1 sees, and where it comes from. Pure. */
export const explainMounts = (mounts: readonly MountView[], facts: Asked): ExplainedMount[] =>
  mounts.map((mount) => ({
    target: mount.target,
    type: mount.type,
    source: mount.source,
    root: mount.root,
    options: mount.options,
    propagation: mount.propagation || "private",
    ...originOf(mount, facts),
  }));
