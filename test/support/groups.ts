import fs from "node:fs";

const ROOT = "/sys/fs/cgroup";
/** cgroup v2 alone, without v1 beside it. */
export const UNIFIED = fs.existsSync(`${ROOT}/cgroup.controllers`);

/** A control file of a container's group, as the kernel has it: by its v1 or its v2 name. "" when there is none. */
export function groupFile(id: string, v1: string, v2: string, parent = "/gantry"): string {
  const folder = UNIFIED ? ROOT : `${ROOT}/${v1.split(".")[0]}`;
  const file = `${folder}${parent}/${id}/${UNIFIED ? v2 : v1}`;
  return fs.existsSync(file) ? fs.readFileSync(file, "utf8").trim() : "";
}
