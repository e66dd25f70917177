import type { HostConfig } from "../../../base/container-config.ts";
import type { IdRange } from "../../../base/id-map.ts";
import type { HostFacts } from "../../../ports/host-facts.ts";
import type { OciLinux } from "../../../ports/oci-spec.ts";
import type { SpecFacts } from "./facts.ts";

/** `host`, `container:ID` … → the mode's first word; "" stays "". */
const kindOf = (mode: string | undefined): string => (mode ?? "").split(":")[0] ?? "";

export type IpcMode = "none" | "private" | "shareable" | "host" | "container";

/** Docker's default since 20.10 is private. */
export const ipcModeOf = (hostConfig: HostConfig): IpcMode => (kindOf(hostConfig.IpcMode) || "private") as IpcMode;

export const ownsPidNamespace = (hostConfig: HostConfig): boolean =>
  !["host", "container"].includes(kindOf(hostConfig.PidMode));

export const ownsUtsNamespace = (hostConfig: HostConfig): boolean => kindOf(hostConfig.UTSMode) !== "host";

/** Its own, not the host's and not another container's. */
export const ownsNetwork = (hostConfig: HostConfig): boolean =>
  !["host", "container"].includes(kindOf(hostConfig.NetworkMode));

/** As dockerd: private on cgroup v2, for a privileged container too; the host's on v1. */
export function cgroupNamespaceOf(hostConfig: HostConfig, host: Pick<HostFacts, "cgroup">): "private" | "host" {
  if (hostConfig.CgroupnsMode) return hostConfig.CgroupnsMode;
  return host.cgroup.version === 2 ? "private" : "host";
}

/** `linux.namespaces` of config.json. */
export function planNamespaces(facts: SpecFacts): OciLinux["namespaces"] {
  const { hostConfig, joined } = facts;
  const list: OciLinux["namespaces"] = [{ type: "mount" }];
  if (facts.userns !== undefined) list.push({ type: "user", path: facts.userns.path });
  if (facts.netns !== undefined) list.push({ type: "network", path: facts.netns });
  if (ownsUtsNamespace(hostConfig)) list.push({ type: "uts" });
  if (joined?.pid !== undefined) list.push({ type: "pid", path: joined.pid });
  else if (ownsPidNamespace(hostConfig)) list.push({ type: "pid" });
  if (joined?.ipc !== undefined) list.push({ type: "ipc", path: joined.ipc });
  else if (ipcModeOf(hostConfig) !== "host") list.push({ type: "ipc" });
  if (cgroupNamespaceOf(hostConfig, facts.host) === "private") list.push({ type: "cgroup" });
  return list;
}

/** `linux.uidMappings` and `gidMappings`, which a runtime wants to be told although the namespace has them. */
export function planIdMappings(facts: SpecFacts): Pick<OciLinux, "uidMappings" | "gidMappings"> {
  if (facts.userns === undefined) return {};
  const rows = (ranges: readonly IdRange[]): OciLinux["uidMappings"] =>
    ranges.map(({ inside, outside, size }) => ({ containerID: inside, hostID: outside, size }));
  return { uidMappings: rows(facts.userns.map.uids), gidMappings: rows(facts.userns.map.gids) };
}

/** Ports from 0 on and ping without privileges, as Docker, in a network that is the container's own. */
const OWN_NETWORK_SYSCTLS: Readonly<Record<string, string>> = {
  "net.ipv4.ip_unprivileged_port_start": "0",
  "net.ipv4.ping_group_range": "0 2147483647",
};

/** `linux.sysctl`: the user's, over defaults for an own network; the NIS domain is one as well. */
export function planSysctls(facts: SpecFacts): Record<string, string> {
  const { hostConfig, config, host } = facts;
  const result: Record<string, string> = {};
  if (facts.netns !== undefined && ownsNetwork(hostConfig)) {
    Object.assign(result, OWN_NETWORK_SYSCTLS);
    // group ids of a user namespace need not reach that far
    const groups = facts.userns?.map.gids.find(({ inside }) => inside === 0);
    if (groups !== undefined) result["net.ipv4.ping_group_range"] = `0 ${groups.size - 1}`;
    else if (host.inUserNamespace) delete result["net.ipv4.ping_group_range"];
  }
  if (config.Domainname && ownsUtsNamespace(hostConfig)) result["kernel.domainname"] = config.Domainname;
  return Object.assign(result, hostConfig.Sysctls);
}
