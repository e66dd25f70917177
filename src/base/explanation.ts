/** What `explain` answers: facts of the kernel, joined with what the engine knows of them. Sizes in bytes. */

/** A command for the host's shell that shows the same by hand, as root. */
export interface ByHand {
  command: string;
  /** What it is good for, in a few words. */
  shows: string;
}

export interface Section {
  byHand: ByHand[];
}

export interface ExplainedProcess {
  /** On the host. */
  pid: number;
  /** In its own pid namespace. */
  inside: number;
  /** On the host. */
  parent: number;
  /** The program's name as the kernel keeps it. */
  name: string;
  /** Empty for one that has ended and is not waited for. */
  command: string[];
  /** Effective, as the host counts users. */
  uid: number;
  /** The kernel's letter: R, S, D, T, Z … */
  state: string;
  threads: number;
  /** Process 1 of the container; begun by an exec, or by somebody else from outside; below one of them. */
  role: "init" | "entered" | "child";
}

export interface ProcessesSection extends Section {
  list: ExplainedProcess[];
  /** How many there are; more than `list` has where there are very many. */
  total: number;
}

export interface ExplainedNamespace {
  /** As in /proc/PID/ns: cgroup, ipc, mnt, net, pid, time, user, uts. */
  type: string;
  inode: number;
  /** What it keeps apart. */
  isolates: string;
  /** It is the engine's own, which is the host's. */
  host: boolean;
  /** Names of the other running containers that are in it too. */
  sharedWith: string[];
}

export interface NamespacesSection extends Section {
  list: ExplainedNamespace[];
  /** Rows of /proc/PID/uid_map and gid_map. */
  uidMap: IdMapRow[];
  gidMap: IdMapRow[];
}

export interface IdMapRow {
  inside: number;
  outside: number;
  size: number;
}

export interface CgroupFile {
  controller: string;
  /** Whole path. */
  file: string;
  /** The kernel's text, without the last newline. */
  text: string;
  meaning: string;
  kind: "limit" | "use" | "event";
  /** The number in the text, where it is one; limits: missing means none. */
  value?: number;
  unit?: "bytes" | "microseconds" | "nanoseconds" | "processes" | "times";
}

export interface CgroupSection extends Section {
  version: 1 | 2;
  /** Lines of /proc/PID/cgroup: where process 1 is, by hierarchy. */
  paths: { hierarchy: number; controllers: string[]; path: string }[];
  files: CgroupFile[];
}

export type CapabilitySet = "bounding" | "permitted" | "effective" | "inheritable" | "ambient";

export interface ExplainedCapability {
  /** CAP_CHOWN … */
  name: string;
  allows: string;
  sets: CapabilitySet[];
  /** Held (in one set at least) though a container does not have it unless asked; or the other way round. */
  differs?: "added" | "dropped";
}

export interface CapabilitiesSection extends Section {
  /** Of process 1: 16 hex digits as /proc/PID/status has them. */
  masks: Record<CapabilitySet, string>;
  list: ExplainedCapability[];
}

export interface SecuritySection extends Section {
  noNewPrivileges: boolean;
  seccomp: { mode: "disabled" | "strict" | "filter"; filters?: number; profile: string };
  /** The label of AppArmor or SELinux, where there is one. */
  label?: string;
  /** Paths that are covered by nothing, and paths that can only be read. */
  masked: string[];
  readOnly: string[];
  readOnlyRoot: boolean;
  uid: number;
  gid: number;
  groups: number[];
  oomScoreAdj: number;
}

export interface ExplainedLayer {
  /** Digest of its uncompressed tar. */
  diffId: string;
  chainId: string;
  size: number;
  folder: string;
  /** The instruction that made it. */
  createdBy: string;
  /** Names at the top of it. */
  adds: string[];
  /** Of a running container: the kernel has it in the overlay. */
  mounted?: boolean;
  /** Other images that stand on the same layer. */
  sharedWith: string[];
}

export interface ExplainedMount {
  target: string;
  type: string;
  /** The kernel's own words for the source. */
  source: string;
  /** The part of that file system that is seen here. */
  root: string;
  options: string;
  /** "private", "shared:12", "master:3" … */
  propagation: string;
  /** Whose it is. */
  origin: "image" | "volume" | "bind" | "tmpfs" | "engine" | "kernel" | "device" | "masked" | "read-only" | "other";
  /** Where it comes from, in words. */
  from: string;
}

export interface FilesSection extends Section {
  image: { id: string; name: string };
  /** Bottom first. */
  layers: ExplainedLayer[];
  /** Missing for a container that never ran. */
  writable?: { folder: string; size: number; changes: number; first: string[] };
  /** Missing while it does not run: then nothing is mounted. */
  mounts?: ExplainedMount[];
  /** What it is to get when it starts. */
  asked: { destination: string; type: string; from: string; writable: boolean }[];
}

export interface ExplainedLink {
  name: string;
  index: number;
  kind: string;
  up: boolean;
  mtu: number;
  mac: string;
  addresses: string[];
  /** The other end of a cable on the host, and the bridge that it is plugged into. */
  host?: { name: string; index: number; bridge: string; bridgeAddresses: string[] };
  /** The host's link that a macvlan or ipvlan link is on. */
  parent?: { name: string; index: number };
  /** The network of the engine's. */
  network?: string;
  /** How it is made worse: "delay 200ms, loss 5%". */
  shape?: string;
}

export interface ExplainedRoute {
  /** "default" or "172.17.0.0/16". */
  to: string;
  via: string;
  link: string;
}

export interface FirewallRuleText {
  chain: string;
  handle: number;
  text: string;
}

export interface ExplainedPort {
  protocol: string;
  hostAddress: string;
  hostPort: number;
  address: string;
  port: number;
}

export interface NetworkSection extends Section {
  mode: string;
  /** Whose network namespace it is. */
  namespace: "own" | "host" | "container";
  /** The other container's name. */
  of?: string;
  links: ExplainedLink[];
  routes: ExplainedRoute[];
  /** The engine's nftables table; rules that say something of this container's bridges. */
  firewall?: { table: string; rules: FirewallRuleText[]; ports: ExplainedPort[] };
  /** Empty lists where its /etc has files that the engine did not write; `file`: the one that resolv.conf is, "" for the image's. */
  dns: { nameservers: string[]; search: string[]; hosts: string[]; file: string };
}

export interface MonitorSection extends Section {
  monitor?: { pid: number; command: string };
  log: { driver: string; file: string; size?: number };
  runtime: string;
  /** config.json, while it is up. */
  bundle?: string;
}

export interface OverviewSection extends Section {
  status: string;
  /** Process 1 on the host, while it is up. */
  pid?: number;
  command: string[];
  image: string;
  /** Names of the networks that it joins when it starts. */
  networks: string[];
  created: string;
  startedAt?: string;
  finishedAt?: string;
  restarts: number;
  restartPolicy: string;
  health?: { status: string; failingStreak: number; last?: string };
  /** One sentence: what a container is, of this one. */
  summary: string;
}

export interface EndSection extends Section {
  /** Its program ran; else its start failed. */
  started: boolean;
  exitCode: number;
  meaning: string;
  /** The engine's finding, where the code does not tell. */
  reason?: string;
  error?: string;
  oomKilled: boolean;
  oomKills: number;
  signal?: string;
  finishedAt: string;
  restarts: number;
  /** Newest last. */
  events: { time: string; action: string }[];
  health: { exitCode: number; output: string }[];
  lastLines: string[];
  /** Why there are none. */
  noLines?: string;
}

export interface ContainerExplanation {
  kind: "container";
  id: string;
  name: string;
  running: boolean;
  overview: OverviewSection;
  /** Of one that has ended, or restarts. */
  end?: EndSection;
  /** The next six: only of one that runs. The kernel has nothing of one that doesn't. */
  processes?: ProcessesSection;
  namespaces?: NamespacesSection;
  cgroup?: CgroupSection;
  capabilities?: CapabilitiesSection;
  security?: SecuritySection;
  network?: NetworkSection;
  /** Whether it runs or not. */
  files?: FilesSection;
  monitor?: MonitorSection;
}

export interface ImageExplanation extends Section {
  kind: "image";
  id: string;
  names: string[];
  platform: string;
  created: string;
  size: number;
  config: { entrypoint: string[]; command: string[]; user: string; workingDir: string; env: string[]; ports: string[] };
  layers: ExplainedLayer[];
  /** Manifests that are kept: what a registry calls it. */
  manifests: string[];
  containers: { name: string; running: boolean }[];
}

export interface NetworkExplanation extends Section {
  kind: "network";
  id: string;
  name: string;
  driver: string;
  internal: boolean;
  /** Of a bridge network; as the kernel has it. */
  bridge?: { name: string; index: number; up: boolean; mtu: number; mac: string; addresses: string[]; subnet: string };
  /** The host's link that the containers' own are on, of a macvlan or ipvlan network; `made`: for it. */
  parent?: { name: string; index: number; up: boolean; mtu: number; mac: string; made: boolean };
  /** Of such a network: how its links deal with one another. */
  mode?: string;
  /** Of such a network. */
  subnets?: string[];
  members: { container: string; addresses: string[]; mac: string; cable: string; link: string }[];
  firewall?: { table: string; rules: FirewallRuleText[]; ports: ExplainedPort[] };
}
