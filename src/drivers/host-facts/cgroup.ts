import fs from "node:fs";
import path from "node:path";
import type { CgroupFacts } from "../../ports/host-facts.ts";

const ROOT = "/sys/fs/cgroup";

interface CgroupMount {
  mountPoint: string;
  type: "cgroup" | "cgroup2";
  /** Super options: a v1 hierarchy's controllers are among them. */
  options: string[];
}

/** Lines of mountinfo(5): `… root mountPoint options … - type source superOptions`. */
function cgroupMounts(mountinfo: string): CgroupMount[] {
  const result: CgroupMount[] = [];
  for (const line of mountinfo.split("\n")) {
    const [left, right] = line.split(" - ");
    const [type, , options = ""] = (right ?? "").split(" ");
    const mountPoint = left?.split(" ")[4];
    if (mountPoint === undefined || (type !== "cgroup" && type !== "cgroup2")) continue;
    result.push({ mountPoint, type, options: options.split(",") });
  }
  return result;
}

const read = (file: string): string => {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return "";
  }
};

/** Every v1 controller is listed with its hierarchy; those on hierarchy 0 belong to v2 or to none. */
function kernelControllers(): Set<string> {
  const rows = read("/proc/cgroups").split("\n").slice(1);
  return new Set(rows.map((row) => row.split("\t")[0] ?? "").filter((name) => name !== ""));
}

/** How this machine's cgroups are laid out and what they can do. */
export function readCgroupFacts(): CgroupFacts {
  const mounts = cgroupMounts(read("/proc/self/mountinfo")).filter((mount) => mount.mountPoint.startsWith(ROOT));
  const pure = mounts.find((mount) => mount.type === "cgroup2" && mount.mountPoint === ROOT);
  return pure === undefined ? legacyFacts(mounts) : unifiedFacts(pure.mountPoint);
}

function unifiedFacts(mountPoint: string): CgroupFacts {
  const words = read(path.join(mountPoint, "cgroup.controllers")).trim().split(/\s+/).filter(Boolean);
  // devices is BPF and the freezer is built in, both always there
  const controllers = [...words, "devices", "freezer"];
  const io = controllers.includes("io");
  return {
    version: 2,
    controllers,
    mountpoints: { unified: mountPoint },
    swapLimit: controllers.includes("memory") && fs.existsSync("/proc/swaps"),
    cpuQuota: controllers.includes("cpu"),
    cpuRealtime: false,
    ioWeight: io && weighsIo(mountPoint),
    // The kernel can; crun 1.8 and runc 1.1 can't tell it.
    ioWeightDevice: false,
    ioThrottle: io,
  };
}

function legacyFacts(mounts: CgroupMount[]): CgroupFacts {
  const known = kernelControllers();
  const mountpoints: Record<string, string> = {};
  for (const { mountPoint, type, options } of mounts) {
    if (type === "cgroup2") mountpoints["unified"] = mountPoint;
    else for (const name of options.filter((option) => known.has(option))) mountpoints[name] ??= mountPoint;
  }
  const has = (controller: string, file: string): boolean => {
    const folder = mountpoints[controller];
    return folder !== undefined && (fs.existsSync(path.join(folder, file)) || anyChildHas(folder, [file]));
  };
  return {
    version: mountpoints["unified"] === undefined ? 1 : "hybrid",
    controllers: Object.keys(mountpoints).filter((name) => name !== "unified"),
    mountpoints,
    swapLimit: has("memory", "memory.memsw.limit_in_bytes"),
    cpuQuota: has("cpu", "cpu.cfs_quota_us"),
    cpuRealtime: has("cpu", "cpu.rt_runtime_us"),
    // Not BFQ's files of this kind: crun doesn't know them.
    ioWeight: has("blkio", "blkio.weight"),
    ioWeightDevice: has("blkio", "blkio.weight_device"),
    ioThrottle: has("blkio", "blkio.throttle.read_bps_device"),
  };
}

/**
 * Whether groups have an io.weight or io.bfq.weight. The root has neither, and a group only once `io` is enabled for it;
 * but the root has io.cost.qos on a kernel whose groups have io.weight.
 */
const weighsIo = (root: string): boolean =>
  fs.existsSync(path.join(root, "io.cost.qos")) || anyChildHas(root, ["io.weight", "io.bfq.weight"]);

/** Some files exist only below the root of a hierarchy. */
function anyChildHas(folder: string, files: string[]): boolean {
  let children: fs.Dirent[];
  try {
    children = fs.readdirSync(folder, { withFileTypes: true });
  } catch {
    return false;
  }
  return children.some(
    (child) => child.isDirectory() && files.some((file) => fs.existsSync(path.join(folder, child.name, file))),
  );
}
