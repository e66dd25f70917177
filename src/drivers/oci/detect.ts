import fs from "node:fs";
import path from "node:path";
import { withoutMount } from "../syscalls/namespaces.ts";

/** A crun before 1.9 gives up on a hybrid host unless the v2 tree is out of its sight. */
const UNIFIED = "/sys/fs/cgroup/unified";

export const findInPath = (name: string, search = process.env["PATH"] ?? ""): string | undefined =>
  [...search.split(":"), "/usr/sbin", "/usr/bin", "/usr/local/bin", "/usr/libexec/podman"]
    .map((folder) => path.join(folder, name))
    .find((file) => {
      try {
        fs.accessSync(file, fs.constants.X_OK);
        return fs.statSync(file).isFile();
      } catch {
        return false;
      }
    });

const isHybrid = (): boolean =>
  fs
    .readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .some((line) => line.includes(` ${UNIFIED} cgroup2 `));

/** How a runtime of this name has to be started on this host. */
export function wrapFor(name: string): <T>(body: () => T) => T {
  return name === "crun" && isHybrid() ? (body) => withoutMount(UNIFIED, body) : (body) => body();
}

/** True if containers' monitors live in copies of the mount namespace, which must hear of unmounts. */
export const needsSharedMounts = (name: string): boolean => name === "crun" && isHybrid();
