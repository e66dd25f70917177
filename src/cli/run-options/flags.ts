import { isIpAddress } from "../../base/ip-address.ts";
import { parseBytes, parseDuration } from "../../base/units.ts";
import {
  type FlagTable,
  flag,
  flagMaybe,
  flagOn,
  integer,
  list,
  map,
  quote,
  text,
  textOr,
  type Values,
  value,
} from "../flags.ts";
import { CAPABILITIES, LOG_DRIVERS, SIGNALS } from "./known-words.ts";
import { bytesRateOf, operationsRateOf, weightOf } from "./block-io.ts";
import { pairOf } from "./key-values.ts";
import { ulimitOf } from "./resources.ts";
import { mountOf } from "./volumes.ts";

/** Bytes as `512m`; -1 where it has a meaning of its own. */
const bytes = (usage: string, short?: string) =>
  value<number | undefined>("bytes", undefined, (text) => (text === "-1" ? -1 : parseBytes(text)), usage, short);

const duration = (usage: string) =>
  value<number | undefined>("duration", undefined, (text) => parseDuration(text), usage, undefined, { shown: "0s" });

/** A count of CPUs in billionths. */
const nanoCpus = (text: string): number => {
  if (!/^[+-]?(?:\d*\.?\d+|\d+\.)$/.test(text)) throw new Error(`failed to parse ${text} as a rational number`);
  const value = Number(text) * 1e9;
  if (Math.abs(value - Math.round(value)) > 1e-6) throw new Error("value is too precise");
  return Math.round(value);
};

const attach = (text: string, streams: string[]): string[] => {
  const stream = text.toLowerCase();
  if (!["stdin", "stdout", "stderr"].includes(stream)) throw new Error("valid streams are STDIN, STDOUT and STDERR");
  return [...streams, stream];
};

const environment = (text: string, before: string[]): string[] => {
  if (text === "" || text.startsWith("=")) throw new Error(`invalid environment variable: ${text}`);
  return [...before, text];
};

const extraHost = (text: string, before: string[]): string[] => {
  const match = /^([^:=]+)[:=](.+)$/.exec(text);
  if (match === null) throw new Error(`bad format for add-host: ${quote(text)}`);
  const address = match[2]!.replace(/^\[(.*)\]$/, "$1");
  if (address !== "host-gateway" && !isIpAddress(address)) {
    throw new Error(`invalid IP address in add-host: ${quote(address)}`);
  }
  return [...before, `${match[1]}:${address}`];
};

const NAMESPACED = new Set(
  "msgmax msgmnb msgmni sem shmall shmmax shmmni shm_rmid_forced".split(" ").map((name) => `kernel.${name}`),
);

/** Only what a namespace has of its own: the others would change the host. */
const sysctl = (text: string, before: Record<string, string>): Record<string, string> => {
  const [name, setting] = pairOf(text);
  const own = NAMESPACED.has(name) || name.startsWith("net.") || name.startsWith("fs.mqueue.");
  if (!own || !text.includes("=")) throw new Error(`sysctl '${text}' is not allowed`);
  return { ...before, [name]: setting };
};

/** Repeatable, each value read by `parse`. */
const each = <T>(word: string, parse: (text: string) => T, usage: string, extra: { shown?: string } = {}) =>
  value<T[]>(word, [], (text, before) => [...before, parse(text)], usage, undefined, extra);

const link = (text: string, before: string[]): string[] => {
  if (text === "") throw new Error("empty string specified for links");
  if (text.split(":").length > 2) throw new Error(`bad format for links: ${text}`);
  return [...before, text];
};

const NETWORKS = ["<network>", "container:<running container>"];

/** What `create` and `run` share. */
export const createFlags = {
  "add-host": value("list", [] as string[], extraHost, "Add a custom host-to-IP mapping (host:ip)"),
  annotation: map("Add an annotation to the container (passed through to the OCI runtime)"),
  attach: value("list", [] as string[], attach, "Attach to STDIN, STDOUT or STDERR", "a", {
    completes: ["stderr", "stdin", "stdout"],
  }),
  "blkio-weight": integer("Block IO (relative weight), between 10 and 1000, or 0 to disable", undefined, {
    word: "uint16",
    shown: "0",
  }),
  "blkio-weight-device": each("list", weightOf, "Block IO weight (relative device weight)", { shown: "[]" }),
  "cap-add": list("Add Linux capabilities", undefined, { completes: CAPABILITIES }),
  "cap-drop": list("Drop Linux capabilities", undefined, { completes: CAPABILITIES }),
  "cgroup-parent": text("Optional parent cgroup for the container"),
  cgroupns: textOr("", "Cgroup namespace to use (host|private); the engine's default if empty", undefined, {
    completes: ["host", "private"],
  }),
  cidfile: text("Write the container ID to the file", undefined, { completes: "file" }),
  "cpu-count": integer("CPU count (Windows only)"),
  "cpu-percent": integer("CPU percent (Windows only)"),
  "cpu-period": integer("Limit CPU CFS (Completely Fair Scheduler) period"),
  "cpu-quota": integer("Limit CPU CFS (Completely Fair Scheduler) quota"),
  "cpu-rt-period": integer("Limit CPU real-time period in microseconds"),
  "cpu-rt-runtime": integer("Limit CPU real-time runtime in microseconds"),
  "cpu-shares": integer("CPU shares (relative weight)", "c"),
  cpus: value<number | undefined>("decimal", undefined, nanoCpus, "Number of CPUs"),
  "cpuset-cpus": text("CPUs in which to allow execution (0-3, 0,1)"),
  "cpuset-mems": text("MEMs in which to allow execution (0-3, 0,1)"),
  device: list("Add a host device to the container", undefined, { completes: "file" }),
  "device-cgroup-rule": list("Add a rule to the cgroup allowed devices list"),
  "device-read-bps": each("list", bytesRateOf, "Limit read rate (bytes per second) from a device", { shown: "[]" }),
  "device-read-iops": each("list", operationsRateOf, "Limit read rate (IO per second) from a device", { shown: "[]" }),
  "device-write-bps": each("list", bytesRateOf, "Limit write rate (bytes per second) to a device", { shown: "[]" }),
  "device-write-iops": each("list", operationsRateOf, "Limit write rate (IO per second) to a device", { shown: "[]" }),
  "disable-content-trust": flagOn("Skip image verification"),
  dns: list("Set custom DNS servers"),
  "dns-option": list("Set DNS options"),
  "dns-search": list("Set custom DNS search domains"),
  domainname: text("Container NIS domain name"),
  entrypoint: text("Overwrite the default ENTRYPOINT of the image"),
  env: value("list", [] as string[], environment, "Set environment variables", "e"),
  "env-file": list("Read in a file of environment variables", undefined, { completes: "file" }),
  expose: list("Expose a port or a range of ports"),
  gpus: text("GPU devices to add to the container ('all' to pass all GPUs)", undefined, { word: "gpu-request" }),
  "group-add": list("Add additional groups to join"),
  "health-cmd": text("Command to run to check health"),
  "health-interval": duration("Time between running the check (ms|s|m|h)"),
  "health-retries": integer("Consecutive failures needed to report unhealthy"),
  "health-start-interval": duration("Time between running the check during the start period (ms|s|m|h)"),
  "health-start-period": duration(
    "Start period for the container to initialize before starting health-retries countdown (ms|s|m|h)",
  ),
  "health-timeout": duration("Maximum time to allow one check to run (ms|s|m|h)"),
  hostname: text("Container host name", "h"),
  init: flagMaybe("Run an init inside the container that forwards signals and reaps processes"),
  interactive: flag("Keep STDIN open even if not attached", "i"),
  "io-maxbandwidth": bytes("Maximum IO bandwidth limit for the system drive (Windows only)"),
  "io-maxiops": integer("Maximum IOps limit for the system drive (Windows only)", undefined, { word: "uint" }),
  ip: text("IPv4 address (e.g., 172.30.100.104)"),
  ip6: text("IPv6 address (e.g., 2001:db8::33)"),
  ipc: text("IPC mode to use", undefined, {
    completes: ["host", "none", "private", "shareable", "container:<running container>"],
  }),
  isolation: text("Container isolation technology"),
  "kernel-memory": bytes("Kernel memory limit"),
  label: list("Set meta data on a container", "l"),
  "label-file": list("Read in a line delimited file of labels", undefined, { completes: "file" }),
  link: value("list", [] as string[], link, "Add link to another container"),
  "link-local-ip": list("Container IPv4/IPv6 link-local addresses"),
  "log-driver": text("Logging driver for the container", undefined, { completes: LOG_DRIVERS }),
  "log-opt": list("Log driver options"),
  "mac-address": text("Container MAC address (e.g., 92:d0:c6:0a:29:33)"),
  memory: bytes("Memory limit", "m"),
  "memory-reservation": bytes("Memory soft limit"),
  "memory-swap": bytes("Swap limit equal to memory plus swap: '-1' to enable unlimited swap"),
  "memory-swappiness": integer("Tune container memory swappiness (0 to 100)", undefined, { shown: "-1" }),
  mount: each("mount", mountOf, "Attach a filesystem mount to the container"),
  name: text("Assign a name to the container"),
  network: list("Connect a container to a network", undefined, { word: "network", completes: NETWORKS }),
  net: list("Connect a container to a network", undefined, { word: "network", hidden: true, completes: NETWORKS }),
  "network-alias": list("Add network-scoped alias for the container"),
  "net-alias": list("Add network-scoped alias for the container", undefined, { hidden: true }),
  "no-healthcheck": flag("Disable any container-specified HEALTHCHECK"),
  "oom-kill-disable": flagMaybe("Disable OOM Killer"),
  "oom-score-adj": integer("Tune host's OOM preferences (-1000 to 1000)"),
  pid: text("PID namespace to use", undefined, { completes: ["host", "container:<running container>"] }),
  "pids-limit": integer("Tune container pids limit (set -1 for unlimited)"),
  platform: text("Set platform if server is multi-platform capable"),
  privileged: flag("Give extended privileges to this container"),
  publish: list("Publish a container's port(s) to the host", "p"),
  "publish-all": flag("Publish all exposed ports to random ports", "P"),
  pull: textOr("missing", 'Pull image before creating ("always", "missing", "never")', undefined, {
    completes: ["always", "missing", "never"],
  }),
  quiet: flag("Suppress the pull output", "q"),
  "read-only": flag("Mount the container's root filesystem as read only"),
  restart: textOr("no", "Restart policy to apply when a container exits", undefined, {
    completes: ["always", "no", "on-failure", "on-failure:", "unless-stopped"],
  }),
  rm: flag("Automatically remove the container and its associated anonymous volumes when it exits"),
  runtime: text("Runtime to use for this container"),
  "security-opt": list("Security Options", undefined, {
    completes: ["apparmor=", "label=", "no-new-privileges", "seccomp=", "systempaths=unconfined"],
  }),
  "shm-size": bytes("Size of /dev/shm"),
  "stop-signal": text("Signal to stop the container", undefined, { completes: SIGNALS }),
  "stop-timeout": integer("Timeout (in seconds) to stop a container"),
  "storage-opt": list("Storage driver options for the container"),
  sysctl: { ...map("Sysctl options"), take: sysctl },
  tmpfs: list("Mount a tmpfs directory"),
  tty: flag("Allocate a pseudo-TTY", "t"),
  ulimit: each("ulimit", ulimitOf, "Ulimit options", { shown: "[]" }),
  "use-api-socket": flag("Bind mount the engine's API socket, and hand on the registries' credentials"),
  user: text("Username or UID (format: <name|uid>[:<group|gid>])", "u"),
  userns: text("User namespace to use", undefined, { completes: ["host"] }),
  uts: text("UTS namespace to use", undefined, { completes: ["host"] }),
  volume: list("Bind mount a volume", "v", { completes: ["<volume>:", "<file>"] }),
  "volume-driver": text("Optional volume driver for the container"),
  "volumes-from": list("Mount volumes from the specified container(s)", undefined, { completes: "container" }),
  workdir: text("Working directory inside the container", "w"),
} satisfies FlagTable;

export type CreateOptions = Values<typeof createFlags>;
