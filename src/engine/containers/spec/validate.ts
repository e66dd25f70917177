import type { ContainerConfig, HealthConfig, HostConfig } from "../../../base/container-config.ts";
import { GantryError } from "../../../base/errors.ts";
import { isIpAddress } from "../../../base/ip-address.ts";
import type { HostFacts } from "../../../ports/host-facts.ts";
import { readExtraHost } from "../etc-files.ts";
import { normalizeCapabilities } from "./capabilities.ts";
import { readDeviceRule } from "./devices.ts";
import { refuseProcFd } from "./guards.ts";
import { hiddenPathsOf } from "./mounts.ts";
import { cgroupNamespaceOf, ipcModeOf } from "./namespaces.ts";
import { hasResourceRights, oomScore, resourceLimits, UNLIMITED } from "./process.ts";
import { customSeccomp } from "./seccomp.ts";
import { readSecurityOptions } from "./security-options.ts";
import { tmpfsOptions } from "./tmpfs-options.ts";
import { supportedResources } from "./supported.ts";
import { validateResources } from "./validate-resources.ts";

const refuse = (message: string, code = "BAD_CONFIG"): never => {
  throw new GantryError("invalid", code, message);
};

/**
 * Checks a create request before anything is stored. Throws GantryError invalid in Docker's words; returns the
 * warnings that the client shows (what the host cannot do is left out by the planner).
 */
export function validateHostConfig(
  config: ContainerConfig,
  hostConfig: HostConfig,
  host: HostFacts,
  remapped: boolean,
): string[] {
  validateConfig(config);
  const warnings = [...validateResources(hostConfig, host), ...validateCapabilities(hostConfig, host)];
  validateModes(config, hostConfig);
  if (remapped) refuseInUserNamespace(hostConfig);
  validateSysctls(hostConfig);
  validateUlimits(hostConfig);
  validateRestartPolicy(hostConfig);
  warnings.push(...clampedLimits(hostConfig, host, remapped));
  const { OomScoreAdj = 0, ShmSize = 0 } = hostConfig;
  if (OomScoreAdj < -1000 || OomScoreAdj > 1000) {
    refuse(`Invalid value ${OomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  }
  if (ShmSize < 0) refuse("SHM size can not be less than 0");
  for (const [target, options] of Object.entries(hostConfig.Tmpfs ?? {})) {
    tmpfsOptions(options.split(","));
    if (!target.startsWith("/")) refuse(`invalid mount path: '${target}' mount path must be absolute`);
  }
  for (const rule of hostConfig.DeviceCgroupRules ?? []) readDeviceRule(rule);
  for (const device of hostConfig.Devices ?? []) {
    if (!/^[rwm]*$/.test(device.CgroupPermissions ?? "")) refuse(`invalid device mode: ${device.CgroupPermissions}`);
  }
  const { Isolation = "" } = hostConfig;
  if (Isolation !== "" && Isolation.toLowerCase() !== "default") {
    refuse(`Invalid isolation: ${JSON.stringify(Isolation)} - linux only supports 'default'`);
  }
  validateStorage(hostConfig);
  for (const entry of hostConfig.ExtraHosts ?? []) readExtraHost(entry);
  for (const address of hostConfig.Dns ?? []) {
    if (!isIpAddress(address)) refuse(`ParseAddr(${JSON.stringify(address)}): unable to parse IP`);
  }
  if (Object.hasOwn(hostConfig.Annotations ?? {}, "")) {
    refuse("invalid Annotations: the empty string is not permitted as an annotation key");
  }
  const security = readSecurityOptions(hostConfig.SecurityOpt);
  if (!["default", "unconfined"].includes(security.seccomp)) customSeccomp(security.seccomp, [], host);
  if (hostConfig.NetworkMode === "host" && Object.keys(hostConfig.PortBindings ?? {}).length > 0) {
    warnings.push("Published ports are discarded when using host network mode");
  }
  return warnings;
}

/** A kernel call cannot carry a NUL, and whoever sends one is up to something. */
function refuseNul(what: string, values: readonly (string | undefined)[] | null | undefined): void {
  if ((values ?? []).some((value) => value?.includes("\0"))) refuse(`invalid ${what}: it holds a NUL byte`, "NUL_BYTE");
}

function validateConfig(config: ContainerConfig): void {
  const { WorkingDir = "" } = config;
  if (WorkingDir !== "" && !WorkingDir.startsWith("/")) {
    refuse(`the working directory '${WorkingDir}' is invalid, it needs to be an absolute path`);
  }
  refuseProcFd(WorkingDir || "/");
  refuseNul("working directory", [WorkingDir]);
  refuseNul("environment variable", config.Env);
  refuseNul("command", [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])]);
  refuseNul("user", [config.User]);
  refuseNul("hostname", [config.Hostname, config.Domainname]);
  for (const entry of config.Env ?? []) {
    if (entry === "" || entry.startsWith("=")) refuse(`invalid environment variable: ${entry}`);
  }
  if ((config.Hostname ?? "").length > 64) refuse(`invalid hostname: '${config.Hostname}' has more than 64 characters`);
  if (config.Healthcheck) validateHealthcheck(config.Healthcheck);
}

/** The writable layer has no quota: it lies on whatever file system the data root is on. */
function validateStorage(hostConfig: HostConfig): void {
  for (const key of Object.keys(hostConfig.StorageOpt ?? {})) {
    if (key.toLowerCase() !== "size") refuse(`unknown option ${key}`);
    refuse("--storage-opt is supported only for overlay over xfs with 'pquota' mount option");
  }
}

const MILLISECOND = 1_000_000;

function validateHealthcheck(health: HealthConfig): void {
  for (const field of ["Interval", "Timeout", "StartPeriod", "StartInterval"] as const) {
    const value = health[field] ?? 0;
    if (value !== 0 && value < MILLISECOND) refuse(`${field} in Healthcheck cannot be less than 1ms`);
  }
  if ((health.Retries ?? 0) < 0) refuse("Retries in Healthcheck cannot be negative");
}

/** Docker's start fails where the kernel refuses; here the container gets as much as can be had, and a warning. */
function clampedLimits(hostConfig: HostConfig, host: HostFacts, remapped: boolean): string[] {
  const wanted = hostConfig.OomScoreAdj ?? 0;
  const hasRights = hasResourceRights(host, remapped);
  const why = remapped ? "in a user namespace" : "without CAP_SYS_RESOURCE";
  const score = oomScore(wanted, host, hasRights);
  const clamped = (hostConfig.Ulimits ?? []).filter(({ Name, Hard }) => {
    const [limit] = resourceLimits([{ Name, Hard, Soft: Hard }], host, hasRights);
    return limit !== undefined && limit.hard < (Hard < 0 ? UNLIMITED : Hard);
  });
  return [
    ...(score === wanted ? [] : [`OOM score adjustment ${wanted} can't be had ${why}: it is ${score}.`]),
    ...clamped.map(({ Name, Hard }) => {
      const most = host.hardLimits[Name.toLowerCase()];
      return `Ulimit ${Name}=${Hard} can't be had ${why}: it is ${most}.`;
    }),
  ];
}

function validateCapabilities(hostConfig: HostConfig, host: HostFacts): string[] {
  const added = normalizeCapabilities(hostConfig.CapAdd, "CapAdd");
  normalizeCapabilities(hostConfig.CapDrop, "CapDrop");
  return added
    .filter((name) => name !== "ALL" && !host.capabilities.includes(name))
    .map((name) => `capability "${name}" is not available on this host and was not added`);
}

const kindOf = (mode: string | undefined): string => (mode ?? "").split(":")[0] ?? "";

function oneOf(mode: string | undefined, kinds: string[], message: string): void {
  const kind = kindOf(mode);
  if (kind === "") return;
  const named = kind === "container" ? (mode ?? "").length > "container:".length : mode === kind;
  if (!kinds.includes(kind) || !named) refuse(`${message}: ${mode}`);
}

function validateModes(config: ContainerConfig, hostConfig: HostConfig): void {
  oneOf(hostConfig.IpcMode, ["none", "private", "shareable", "host", "container"], "invalid IPC mode");
  oneOf(hostConfig.PidMode, ["private", "host", "container"], "invalid PID mode");
  oneOf(hostConfig.UTSMode, ["private", "host"], "invalid UTS mode");
  oneOf(hostConfig.UsernsMode, ["host"], "invalid USER mode");
  oneOf(hostConfig.CgroupnsMode, ["private", "host"], "invalid cgroup namespace mode");
  if (kindOf(hostConfig.UTSMode) === "host" && config.Hostname) {
    refuse("conflicting options: hostname and the UTS mode");
  }
  const network = kindOf(hostConfig.NetworkMode);
  if (hostConfig.Links?.length && (network === "host" || network === "container")) {
    refuse(
      `conflicting options: ${network} type ${network === "host" ? "networking" : "network"} can't be used with links. This would result in undefined behavior`,
    );
  }
  if (network !== "container") return;
  const ports = Object.keys(hostConfig.PortBindings ?? {}).length > 0 || hostConfig.PublishAllPorts;
  const conflicts: [unknown, string][] = [
    [config.Hostname, "hostname and the network mode"],
    [hostConfig.Dns?.length, "dns and the network mode"],
    [hostConfig.ExtraHosts?.length, "custom host-to-IP mapping and the network mode"],
    [config.MacAddress, "mac-address and the network mode"],
    [ports, "port publishing and the container type network mode"],
  ];
  for (const [given, what] of conflicts) if (given) refuse(`conflicting options: ${what}`);
}

/** What needs the host's own rights cannot be had in a user namespace. Throws invalid NOT_IN_USERNS in Docker's words. */
export function refuseInUserNamespace(hostConfig: HostConfig): void {
  const conflicts: [unknown, string][] = [
    [
      hostConfig.Privileged,
      "privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode",
    ],
    [
      kindOf(hostConfig.NetworkMode) === "host",
      "cannot share the host's network namespace when user namespaces are enabled",
    ],
    [kindOf(hostConfig.PidMode) === "host", "cannot share the host PID namespace when user namespaces are enabled"],
  ];
  for (const [given, message] of conflicts) {
    if (!given) continue;
    throw new GantryError("invalid", "NOT_IN_USERNS", message, { hint: "add --userns=host" });
  }
}

const IPC_SYSCTLS = /^(kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|fs\.mqueue\..+)$/;
const UTS_SYSCTLS = new Set(["kernel.domainname"]);

/** Only what a namespace of the container's own holds: anything else would change the host. */
function validateSysctls(hostConfig: HostConfig): void {
  const ownIpc = !["host", "container"].includes(ipcModeOf(hostConfig));
  for (const [name, value] of Object.entries(hostConfig.Sysctls ?? {})) {
    refuseNul("sysctl", [name, value]);
    if (name.includes("/") || name.includes("..")) refuse(`sysctl '${name}' is not allowed`);
    else if (IPC_SYSCTLS.test(name)) {
      if (!ownIpc) refuse(`sysctl '${name}' is not allowed in the hosts ipc namespace`);
    } else if (name.startsWith("net.")) {
      if (kindOf(hostConfig.NetworkMode) === "host") refuse(`sysctl "${name}" not allowed in host network namespace`);
    } else if (UTS_SYSCTLS.has(name)) {
      if (kindOf(hostConfig.UTSMode) === "host") refuse(`sysctl '${name}' is not allowed in the hosts UTS namespace`);
    } else refuse(`sysctl '${name}' is not allowed`);
  }
}

const ULIMITS = new Set(
  "as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(" "),
);

function validateUlimits(hostConfig: HostConfig): void {
  for (const { Name, Soft, Hard } of hostConfig.Ulimits ?? []) {
    if (!ULIMITS.has(Name.toLowerCase())) refuse(`invalid ulimit type: ${Name}`);
    if (Hard >= 0 && (Soft > Hard || Soft < 0)) {
      refuse(`ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`);
    }
  }
}

export function validateRestartPolicy(hostConfig: HostConfig): void {
  const { Name = "", MaximumRetryCount = 0 } = hostConfig.RestartPolicy ?? {};
  if (!["", "no", "always", "unless-stopped", "on-failure"].includes(Name)) {
    refuse(
      `invalid restart policy: unknown policy '${Name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    );
  }
  if (MaximumRetryCount !== 0 && Name !== "on-failure") {
    refuse("invalid restart policy: maximum retry count can only be used with 'on-failure'");
  }
  if (MaximumRetryCount < 0) refuse("invalid restart policy: maximum retry count cannot be negative");
  if (hostConfig.AutoRemove && Name !== "" && Name !== "no") {
    refuse("can't create 'AutoRemove' container with restart policy");
  }
}

/** The rows that inspect shows for what was left open, as dockerd fills them in, and without what the host can't do. */
export function withDefaults(asked: HostConfig, host: HostFacts): HostConfig {
  const hostConfig = supportedResources(asked, host);
  return {
    ...hostConfig,
    ...hiddenPathsOf(hostConfig, host.cpus),
    IpcMode: ipcModeOf(hostConfig) === "private" ? "private" : (hostConfig.IpcMode ?? "private"),
    CgroupnsMode: cgroupNamespaceOf(hostConfig, host),
    ShmSize: hostConfig.ShmSize || 64 * 1024 * 1024,
    ...((hostConfig.Memory ?? 0) > 0 && !hostConfig.MemorySwap && { MemorySwap: (hostConfig.Memory ?? 0) * 2 }),
  };
}
