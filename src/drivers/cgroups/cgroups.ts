import fs from "node:fs";
import path from "node:path";
import { errnoOf } from "../../base/errors.ts";
import type { CgroupText, CgroupUsage, Cgroups } from "../../ports/cgroups.ts";
import { killIfThere } from "../process/handle.ts";
import { readText } from "./text.ts";
import { usageV1 } from "./usage-v1.ts";
import { usageV2 } from "./usage-v2.ts";

/** Where the hierarchies are: v1 has one mount a controller, v2 one for all. */
export interface CgroupRoots {
  version: 1 | 2;
  /** v1: folder of each controller, e.g. memory → /sys/fs/cgroup/memory. v2: only "". */
  mounts: Map<string, string>;
  /** The v2 tree beside v1 controllers, on a hybrid host. */
  unified?: string;
}

/**
 * Reads /proc/self/mounts; a hybrid host counts as v1, since its controllers are there. Of several mounts of a controller
 * the first is the host's own; others may go again.
 */
export function findCgroupRoots(mounts = fs.readFileSync("/proc/self/mounts", "utf8")): CgroupRoots {
  const found = new Map<string, string>();
  let unified: string | undefined;
  for (const line of mounts.split("\n")) {
    const [, target, type, options] = line.split(" ");
    if (target === undefined) continue;
    if (type === "cgroup2") unified ??= target;
    if (type !== "cgroup") continue;
    for (const option of (options ?? "").split(",")) {
      if (!found.has(option) && !["rw", "ro", "relatime", "nosuid", "nodev", "noexec", "xattr"].includes(option))
        found.set(option, target);
    }
  }
  return found.size > 0
    ? { version: 1, mounts: found, ...(unified === undefined ? {} : { unified }) }
    : { version: 2, mounts: new Map([["", unified ?? "/sys/fs/cgroup"]]) };
}

export class HostCgroups implements Cgroups {
  private readonly roots: CgroupRoots;

  constructor(roots: CgroupRoots) {
    this.roots = roots;
  }

  pids(cgroupsPath: string): number[] {
    const root = this.folder("pids", cgroupsPath) ?? this.folder("memory", cgroupsPath);
    return root === undefined ? [] : readTree(root);
  }

  usage(cgroupsPath: string): CgroupUsage | undefined {
    return this.roots.version === 1
      ? usageV1((controller) => this.folder(controller, cgroupsPath))
      : usageV2(this.folder("", cgroupsPath) ?? "");
  }

  texts(cgroupsPath: string, files: Parameters<Cgroups["texts"]>[1]): ReturnType<Cgroups["texts"]> {
    const { version } = this.roots;
    const texts = files(version).flatMap(([controller, name]): CgroupText[] => {
      const folder = this.folder(controller, cgroupsPath);
      if (folder === undefined) return [];
      const file = path.join(folder, name);
      const text = readText(file).trimEnd();
      return text === "" ? [] : [{ controller, file, text }];
    });
    return { version, texts };
  }

  lift(cgroupsPath: string, limit: "pids" | "cpuQuota"): void {
    const [controller, file, word] =
      limit === "pids"
        ? ["pids", "pids.max", "max"]
        : this.roots.version === 1
          ? ["cpu", "cpu.cfs_quota_us", "-1"]
          : ["cpu", "cpu.max", "max"];
    const folder = this.folder(controller, cgroupsPath);
    if (folder === undefined) return;
    try {
      fs.writeFileSync(path.join(folder, file), word);
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
    }
  }

  oomKills(cgroupsPath: string): number {
    const folder = this.folder("memory", cgroupsPath);
    if (folder === undefined) return 0;
    const text = readText(path.join(folder, this.roots.version === 1 ? "memory.oom_control" : "memory.events"));
    return Number(text.match(/^oom_kill (\d+)$/m)?.[1] ?? 0);
  }

  memoryPeak(cgroupsPath: string): number | undefined {
    const folder = this.folder("memory", cgroupsPath);
    if (folder === undefined) return undefined;
    const text = readText(path.join(folder, this.roots.version === 1 ? "memory.max_usage_in_bytes" : "memory.peak"));
    return text === "" ? undefined : Number(text);
  }

  frozen(cgroupsPath: string): boolean {
    const [file, words] = this.freezer(cgroupsPath);
    return words.frozen.test(readText(file));
  }

  async destroy(cgroupsPath: string): Promise<void> {
    // In a frozen group nothing dies.
    if (this.frozen(cgroupsPath)) {
      const [file, words] = this.freezer(cgroupsPath);
      fs.writeFileSync(file, words.thaw);
    }
    for (let attempt = 0; attempt < 50; attempt++) {
      const pids = this.pids(cgroupsPath);
      if (pids.length === 0) break;
      for (const pid of pids) killIfThere(pid);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    this.removeFolders(cgroupsPath);
  }

  removeFolders(cgroupsPath: string): void {
    for (const mount of this.trees()) removeTree(path.join(mount, cgroupsPath));
  }

  children(parent: string): string[] {
    const names = new Set<string>();
    for (const mount of this.trees()) {
      for (const name of foldersIn(path.join(mount, parent))) names.add(path.join(parent, name));
    }
    return [...names];
  }

  private trees(): Set<string> {
    const { mounts, unified } = this.roots;
    return new Set([...mounts.values(), ...(unified === undefined ? [] : [unified])]);
  }

  private freezer(cgroupsPath: string): [file: string, words: { frozen: RegExp; thaw: string }] {
    const folder = this.folder("freezer", cgroupsPath) ?? "";
    return this.roots.version === 1
      ? [path.join(folder, "freezer.state"), { frozen: /^FR/, thaw: "THAWED" }]
      : [path.join(folder, "cgroup.freeze"), { frozen: /^1/, thaw: "0" }];
  }

  private folder(controller: string, cgroupsPath: string): string | undefined {
    const mount = this.roots.version === 2 ? this.roots.mounts.get("") : this.roots.mounts.get(controller);
    return mount === undefined ? undefined : path.join(mount, cgroupsPath);
  }
}

function foldersIn(folder: string): string[] {
  try {
    return fs
      .readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}

function readTree(folder: string): number[] {
  const own = readText(path.join(folder, "cgroup.procs"))
    .split("\n")
    .filter((line) => line !== "")
    .map(Number);
  return [...own, ...foldersIn(folder).flatMap((name) => readTree(path.join(folder, name)))];
}

function removeTree(folder: string): void {
  for (const name of foldersIn(folder)) removeTree(path.join(folder, name));
  try {
    fs.rmdirSync(folder);
  } catch (error) {
    if (!["ENOENT", "EBUSY"].includes(errnoOf(error) ?? "")) throw error;
  }
}
