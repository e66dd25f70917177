import type {
  CapabilitiesSection,
  CgroupSection,
  NamespacesSection,
  NetworkSection,
  ProcessesSection,
  SecuritySection,
} from "../../base/explanation.ts";
import { shapeWords } from "../../base/traffic-shape.ts";
import { isGantryError } from "../../base/errors.ts";
import type { Credentials, MountView } from "../../ports/kernel-view.ts";
import { cgroupsPathOf, type ContainerRecord, isUp } from "../containers/record.ts";
import { explainCapabilities } from "./capabilities.ts";
import { cgroupFilesOf, explainCgroup } from "./cgroup.ts";
import type { ExplainerDeps } from "./deps.ts";
import { explainNetwork, type FirewallState, type NetworkFacts } from "./network.ts";
import { explainNamespaces, explainProcesses } from "./processes.ts";
import { explainSecurity } from "./security.ts";

export interface LiveSections {
  processes: ProcessesSection;
  namespaces: NamespacesSection;
  cgroup: CgroupSection;
  capabilities: CapabilitiesSection;
  security: SecuritySection;
  network: NetworkSection;
}

export interface Live {
  pid: number;
  mounts: MountView[];
  summary: string;
  sections: LiveSections;
}

/** A file in /etc that the engine keeps, by its container. */
const KEPT = /\/containers\/([0-9a-f]{64})\/(?:resolv\.conf|hosts)$/;

/** More processes than these are counted and not read. */
const MOST_PROCESSES = 2000;

/** What the kernel has of a running container; undefined when it has nothing. */
export async function explainLive(
  deps: ExplainerDeps,
  record: ContainerRecord,
  firewall: () => FirewallState | undefined,
): Promise<Live | undefined> {
  const handle = record.state.process;
  if (!isUp(record) || handle === undefined || !deps.monitor.alive(handle)) return undefined;
  const { pid } = handle;
  const pids = deps.cgroups.pids(cgroupsPathOf(record));
  const processes = await deps.kernel.processes(pids.slice(0, MOST_PROCESSES));
  const others = await namespacesOfOthers(deps, record);
  // from here on without a pause: all of one moment
  const own = deps.kernel.namespaces(pid);
  const credentials = deps.kernel.credentials(pid);
  const mounts = deps.kernel.mounts(pid);
  const places = deps.kernel.cgroups(pid);
  const network = own && mounts && networkOf(deps, record, { pid, own, mounts }, firewall);
  if (!deps.monitor.alive(handle) || !own || !credentials || !mounts || !places || !network) return undefined;
  const host = deps.kernel.namespaces("self") ?? {};
  const { version, texts } = deps.cgroups.texts(cgroupsPathOf(record), cgroupFilesOf);
  const sections: LiveSections = {
    processes: explainProcesses(processes, pid, pids.length),
    namespaces: explainNamespaces({ pid, own, host, others, credentials }),
    cgroup: explainCgroup(version, texts, places, pid),
    capabilities: explainCapabilities(credentials.capabilities, {
      pid,
      privileged: record.hostConfig.Privileged ?? false,
    }),
    security: explainSecurity({ pid, credentials, mounts, hostConfig: record.hostConfig }),
    network,
  };
  return { pid, mounts, sections, summary: summaryOf(sections, credentials) };
}

function summaryOf({ processes, namespaces, capabilities, security }: LiveSections, { uid }: Credentials): string {
  const own = namespaces.list.filter(({ host }) => !host).length;
  const held = capabilities.list.filter(({ sets }) => sets.includes("bounding")).length;
  const count = (number: number, noun: string): string =>
    `${number} ${noun}${number === 1 ? "" : noun.endsWith("s") ? "es" : "s"}`;
  const filter = security.seccomp.mode === "filter" ? "a seccomp filter" : "no seccomp filter";
  return (
    `${count(processes.total, "process")} of this host's kernel, apart from the host in ${own} of ${namespaces.list.length} namespaces, ` +
    `in a control group, with ${held} of ${capabilities.list.length} capabilities and ${filter}, as user ${uid}`
  );
}

async function namespacesOfOthers(
  deps: ExplainerDeps,
  record: ContainerRecord,
): Promise<{ name: string; namespaces: Record<string, number> }[]> {
  const found: { name: string; namespaces: Record<string, number> }[] = [];
  for (const [index, other] of deps.containers.all().entries()) {
    if (index % 32 === 31) await new Promise((resolve) => void setImmediate(resolve));
    const handle = other.state.process;
    if (other.id === record.id || !isUp(other) || handle === undefined || !deps.monitor.alive(handle)) continue;
    const namespaces = deps.kernel.namespaces(handle.pid);
    if (namespaces !== undefined) found.push({ name: other.name, namespaces });
  }
  return found;
}

function networkOf(
  deps: ExplainerDeps,
  record: ContainerRecord,
  { pid, own, mounts }: { pid: number; own: Readonly<Record<string, number>>; mounts: readonly MountView[] },
  firewall: () => FirewallState | undefined,
): NetworkSection | undefined {
  const mode = record.hostConfig.NetworkMode || "bridge";
  const [kind, other = ""] = mode.split(":");
  const isHost = own["net"] === deps.kernel.namespaces("self")?.["net"];
  const host = deps.links.state();
  let inside = host;
  if (!isHost) {
    try {
      inside = deps.links.state(`/proc/${pid}/ns/net`);
    } catch (error) {
      if (deps.kernel.namespaces(pid) === undefined) return undefined; // it has just ended
      throw error;
    }
  }
  const donor = kind === "container" ? recordOf(deps, other) : undefined;
  return explainNetwork({
    pid,
    mode,
    namespace: isHost ? "host" : kind === "container" ? "container" : "own",
    ...(donor && { of: donor.name }),
    inside,
    host,
    networks: deps.networks.records(),
    shapes: shapesOf(deps, donor?.id ?? record.id),
    firewall: firewall(),
    ...etcOf(deps, mounts),
  });
}

const shapesOf = ({ networks }: ExplainerDeps, id: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(networks.shapes.of({ containerId: id })).map(([name, { shape }]) => [name, shapeWords(shape)]),
  );

/** The files in /etc that are mounted there, where they are ones that the engine keeps for this container or another. */
function etcOf(
  deps: ExplainerDeps,
  mounts: readonly MountView[],
): Pick<NetworkFacts, "resolvConf" | "hosts" | "resolvConfFile"> {
  const rootOf = (target: string): string => mounts.findLast((mount) => mount.target === target)?.root ?? "";
  const keeperOf = (target: string): string | undefined => KEPT.exec(rootOf(target))?.[1];
  const [resolver, hosts] = ["/etc/resolv.conf", "/etc/hosts"].map(keeperOf);
  return {
    resolvConf: resolver === undefined ? "" : (deps.files.readResolvConf(resolver) ?? ""),
    hosts: hosts === undefined ? "" : (deps.files.readHosts(hosts) ?? ""),
    resolvConfFile: resolver === undefined ? rootOf("/etc/resolv.conf") : deps.files.paths(resolver).resolvConf,
  };
}

function recordOf(deps: ExplainerDeps, reference: string): ContainerRecord | undefined {
  try {
    return deps.containers.find(reference).record;
  } catch (error) {
    if (isGantryError(error, "NO_SUCH_CONTAINER")) return undefined; // removed since
    throw error;
  }
}
