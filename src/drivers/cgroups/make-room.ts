import fs from "node:fs";
import path from "node:path";
import { errnoOf } from "../../base/errors.ts";
import type { CgroupRoots } from "./cgroups.ts";

/** Below the root that this machine shows; the name that others use for the same. */
const PLACE = "init";

/**
 * In a container on cgroup v2 the root we see is that container's own group, and the kernel limits nothing below a
 * group that has processes in it: so all of them, us too, move to a group beside ours. Returns how many did; 0 on a
 * machine whose true root we see, where there is no such rule. Throws the errno of the first that could not.
 */
export function makeRoom(roots: CgroupRoots): number {
  const root = roots.mounts.get("");
  // The true root is the one group without a type.
  if (roots.version !== 2 || root === undefined || !fs.existsSync(path.join(root, "cgroup.type"))) return 0;
  const place = path.join(root, PLACE);
  const moved = new Set<string>();
  // Once more for those that were forked meanwhile.
  for (let pids = processesIn(root); pids.some((pid) => !moved.has(pid)); pids = processesIn(root)) {
    fs.mkdirSync(place, { recursive: true });
    for (const pid of pids) {
      moved.add(pid);
      try {
        fs.writeFileSync(path.join(place, "cgroup.procs"), pid);
      } catch (error) {
        if (errnoOf(error) !== "ESRCH") throw error;
      }
    }
  }
  return moved.size;
}

const processesIn = (group: string): string[] =>
  fs
    .readFileSync(path.join(group, "cgroup.procs"), "utf8")
    .split("\n")
    .filter((pid) => pid !== "");
