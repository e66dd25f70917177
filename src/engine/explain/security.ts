import type { SecuritySection } from "../../base/explanation.ts";
import type { Credentials, MountView } from "../../ports/kernel-view.ts";
import type { HostConfig } from "../../base/container-config.ts";
import { readSecurityOptions } from "../containers/spec/security-options.ts";
import { byHand } from "./words.ts";

const isReadOnly = ({ options }: MountView): boolean => options.split(",").includes("ro");
const inKernelFolder = ({ target }: MountView): boolean => /^\/(proc|sys)\//.test(target);

/** Covered by an empty, read-only folder or by /dev/null. */
export const isMask = (mount: MountView): boolean =>
  inKernelFolder(mount) &&
  ((mount.type === "tmpfs" && isReadOnly(mount) && !mount.target.startsWith("/sys/fs/cgroup")) ||
    mount.root === "/null");

/** A part of /proc or /sys mounted on itself, to be read only. */
export const isReadOnlyPart = (mount: MountView): boolean =>
  inKernelFolder(mount) && ["proc", "sysfs"].includes(mount.type) && mount.root !== "/" && isReadOnly(mount);

const MODES = ["disabled", "strict", "filter"] as const;

function profileOf(hostConfig: HostConfig): string {
  const { seccomp } = readSecurityOptions(hostConfig.SecurityOpt);
  if (seccomp === "unconfined") return "none: asked to be unconfined";
  if (seccomp !== "default") return "a profile of its own";
  return hostConfig.Privileged ? "none: privileged" : "the engine's default";
}

/** What holds process 1 back besides namespaces and capabilities. Pure. */
export function explainSecurity(facts: {
  pid: number;
  credentials: Credentials;
  mounts: readonly MountView[];
  hostConfig: HostConfig;
}): SecuritySection {
  const { pid, credentials, mounts, hostConfig } = facts;
  const { filters, label, seccomp, uid, gid, groups, noNewPrivileges, oomScoreAdj } = credentials;
  const root = mounts.findLast(({ target }) => target === "/");
  const targets = (of: (mount: MountView) => boolean): string[] => mounts.filter(of).map(({ target }) => target);
  return {
    noNewPrivileges,
    seccomp: {
      mode: MODES[seccomp ?? 0],
      ...(filters !== undefined && { filters }),
      profile: profileOf(hostConfig),
    },
    ...(label !== "" && { label }),
    masked: targets(isMask),
    readOnly: targets(isReadOnlyPart),
    readOnlyRoot: root !== undefined && isReadOnly(root),
    ...{ uid, gid, groups, oomScoreAdj },
    byHand: [
      byHand(
        `grep -E 'NoNewPrivs|Seccomp|^Uid|^Gid|Groups' /proc/${pid}/status`,
        "as the kernel has it; Seccomp 2 is a filter",
      ),
      byHand(
        `findmnt -N ${pid} -rn -o TARGET,SOURCE,OPTIONS`,
        "masks are a tmpfs or /dev/null on a path of /proc or /sys",
      ),
      byHand(`cat /proc/${pid}/oom_score_adj`, "how early the kernel kills it when memory is out"),
    ],
  };
}
