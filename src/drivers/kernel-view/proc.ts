import fs from "node:fs";
import path from "node:path";
import type { CgroupPlace, Credentials, KernelView, MountView, ProcessView } from "../../ports/kernel-view.ts";
import { cgroupsOf, credentialsOf, mountsOf, processOf } from "./parse.ts";

/** So many are read in one go: some milliseconds. */
const BATCH = 64;

/** Reads /proc. */
export class ProcKernelView implements KernelView {
  private readonly root: string;

  /** `root`: where proc is mounted. */
  constructor(root = "/proc") {
    this.root = root;
  }

  async processes(pids: readonly number[]): Promise<ProcessView[]> {
    const found: ProcessView[] = [];
    for (const [index, pid] of pids.entries()) {
      const status = this.read(pid, "status");
      if (status !== undefined) found.push(processOf(status, this.read(pid, "cmdline") ?? ""));
      if (index % BATCH === BATCH - 1) await new Promise((resolve) => void setImmediate(resolve));
    }
    return found;
  }

  namespaces(pid: number | "self"): Record<string, number> | undefined {
    const folder = path.join(this.root, String(pid), "ns");
    try {
      const links = fs.readdirSync(folder).filter((name) => !name.endsWith("_for_children"));
      return Object.fromEntries(
        links.map((name) => [name, Number(/\d+/.exec(fs.readlinkSync(path.join(folder, name)))?.[0])]),
      );
    } catch {
      return undefined;
    }
  }

  credentials(pid: number): Credentials | undefined {
    const status = this.read(pid, "status");
    if (status === undefined) return undefined;
    return credentialsOf(status, {
      label: this.read(pid, "attr/current") ?? "",
      oomScoreAdj: this.read(pid, "oom_score_adj") ?? "0",
      uidMap: this.read(pid, "uid_map") ?? "",
      gidMap: this.read(pid, "gid_map") ?? "",
    });
  }

  mounts(pid: number): MountView[] | undefined {
    const text = this.read(pid, "mountinfo");
    // of a zombie there is nothing left
    return text === undefined || text === "" ? undefined : mountsOf(text);
  }

  cgroups(pid: number): CgroupPlace[] | undefined {
    const text = this.read(pid, "cgroup");
    return text === undefined ? undefined : cgroupsOf(text);
  }

  namesIn(folder: string): string[] {
    try {
      return fs.readdirSync(folder).toSorted();
    } catch {
      return [];
    }
  }

  private read(pid: number, name: string): string | undefined {
    try {
      return fs.readFileSync(path.join(this.root, String(pid), name), "utf8");
    } catch {
      return undefined;
    }
  }
}
