import path from "node:path";
import type { ContainerConfig, HostConfig, Ulimit } from "../../../base/container-config.ts";
import { GantryError } from "../../../base/errors.ts";
import type { HostFacts } from "../../../ports/host-facts.ts";
import type { OciProcess } from "../../../ports/oci-spec.ts";
import { grantedCapabilities } from "./capabilities.ts";
import type { ResolvedUser, SpecFacts } from "./facts.ts";
import { readSecurityOptions } from "./security-options.ts";

export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Where `--init` finds its program inside the container. */
export const INIT_PATH = "/sbin/docker-init";

/** What the container runs: entrypoint and command. Throws invalid NO_COMMAND in Docker's words when both are empty. */
export function commandOf(config: ContainerConfig): string[] {
  const args = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  if (args.length === 0) throw new GantryError("invalid", "NO_COMMAND", "No command specified");
  return args;
}

/**
 * Docker's defaults, then the container's own variables over them, then HOME. A word without "=" takes a default away.
 */
export function environmentOf(facts: {
  env: readonly string[] | undefined;
  hostname: string;
  tty: boolean;
  home: string;
}): string[] {
  const values = new Map<string, string | undefined>([
    ["PATH", DEFAULT_PATH],
    ["HOSTNAME", facts.hostname],
  ]);
  if (facts.tty) values.set("TERM", "xterm");
  for (const entry of facts.env ?? []) {
    const cut = entry.indexOf("=");
    if (cut > 0) values.set(entry.slice(0, cut), entry.slice(cut + 1));
    else if (cut < 0) values.delete(entry);
  }
  if (!values.has("HOME")) values.set("HOME", facts.home);
  return [...values].map(([name, value]) => `${name}=${value}`);
}

/** The working folder, absolute and clean. */
export const workingDirectoryOf = (config: ContainerConfig): string =>
  path.posix.resolve("/", config.WorkingDir || "/");

/** The OCI user. The primary group is named among the others too, so that a set-group check can't be dodged. */
export function ociUser(user: ResolvedUser): OciProcess["user"] {
  const additionalGids = [...new Set([user.gid, ...user.additionalGids])];
  return { uid: user.uid, gid: user.gid, additionalGids };
}

/** Capability sets as execve would leave them: only uid 0 holds any, others are merely bounded. Nothing inheritable. */
export function capabilitySets(granted: string[], uid: number): NonNullable<OciProcess["capabilities"]> {
  const held = uid === 0 ? granted : [];
  return { bounding: granted, effective: held, permitted: held, inheritable: [], ambient: [] };
}

/** RLIM_INFINITY. Too large for a JavaScript number: `encodeSpec` writes it exactly. */
export const UNLIMITED = 2 ** 64;

/** Whether limits can be raised and the OOM score lowered: the right is the host's, and a runtime does it from inside. */
export const hasResourceRights = (host: Pick<HostFacts, "capabilities">, remapped: boolean): boolean =>
  host.capabilities.includes("CAP_SYS_RESOURCE") && !remapped;

/** Limits clamped to what the host lets anybody below gantryd have. */
export function resourceLimits(
  ulimits: readonly Ulimit[] | null | undefined,
  host: Pick<HostFacts, "hardLimits">,
  mayRaise: boolean,
): NonNullable<OciProcess["rlimits"]> {
  return (ulimits ?? []).map(({ Name, Soft, Hard }) => {
    const name = Name.toLowerCase();
    const most = mayRaise ? UNLIMITED : Math.min(host.hardLimits[name] ?? UNLIMITED, UNLIMITED);
    const hard = Math.min(Hard < 0 ? UNLIMITED : Hard, most);
    const soft = Math.min(Soft < 0 ? UNLIMITED : Soft, hard);
    return { type: `RLIMIT_${name.toUpperCase()}`, soft, hard };
  });
}

/** Never below gantryd's own without CAP_SYS_RESOURCE: the kernel would refuse. */
export function oomScore(wanted: number, host: Pick<HostFacts, "oomScoreAdj">, mayLower: boolean): number {
  return mayLower ? wanted : Math.max(wanted, host.oomScoreAdj);
}

/** A command with the terminal, user, rights and limits that a container's first process and every exec are given alike. */
export function framedProcess(facts: {
  command: Pick<OciProcess, "args" | "env" | "cwd">;
  hostConfig: HostConfig;
  privileged: boolean;
  tty: boolean;
  consoleSize: readonly number[] | null | undefined;
  user: ResolvedUser;
  /** In a user namespace other than the host's. */
  remapped: boolean;
  host: HostFacts;
}): OciProcess {
  const { hostConfig, host, tty, user } = facts;
  const [height = 0, width = 0] = facts.consoleSize ?? [];
  const granted = grantedCapabilities(
    { add: hostConfig.CapAdd, drop: hostConfig.CapDrop, privileged: facts.privileged },
    host.capabilities,
  );
  const hasRights = hasResourceRights(host, facts.remapped);
  const rlimits = resourceLimits(hostConfig.Ulimits, host, hasRights);
  return {
    terminal: tty,
    ...(tty && height > 0 && width > 0 && { consoleSize: { height, width } }),
    user: ociUser(user),
    ...facts.command,
    capabilities: capabilitySets(granted, user.uid),
    ...(rlimits.length > 0 && { rlimits }),
    noNewPrivileges: readSecurityOptions(hostConfig.SecurityOpt).noNewPrivileges,
    oomScoreAdj: oomScore(hostConfig.OomScoreAdj ?? 0, host, hasRights),
  };
}

/** `process` of config.json. */
export function planProcess(facts: SpecFacts): OciProcess {
  const { config, hostConfig, host, user } = facts;
  const args = commandOf(config);
  const { apparmor } = readSecurityOptions(hostConfig.SecurityOpt);
  const tty = config.Tty === true;
  const privileged = hostConfig.Privileged ?? false;
  const command = {
    args: facts.initBinary === undefined ? args : [INIT_PATH, "--", ...args],
    env: environmentOf({
      env: [...(facts.linkedEnv ?? []), ...(config.Env ?? [])],
      hostname: facts.hostname,
      tty,
      home: user.home,
    }),
    cwd: workingDirectoryOf(config),
  };
  return {
    ...framedProcess({
      ...{ command, hostConfig, privileged, tty, user, host },
      consoleSize: hostConfig.ConsoleSize,
      remapped: facts.userns !== undefined,
    }),
    ...(host.apparmor && apparmor !== undefined && apparmor !== "unconfined" && { apparmorProfile: apparmor }),
  };
}
