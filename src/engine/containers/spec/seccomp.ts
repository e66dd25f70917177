import { GantryError, messageOf } from "../../../base/errors.ts";
import type { HostFacts } from "../../../ports/host-facts.ts";
import {
  ALWAYS_ALLOWED,
  ARCHITECTURES,
  BY_ARCHITECTURE,
  BY_ARGUMENT,
  BY_CAPABILITY,
  CLONE_NAMESPACES,
  TRACING,
} from "./seccomp-profile.ts";

export interface SeccompArg {
  index: number;
  value: number;
  valueTwo?: number;
  op: string;
}

export interface SeccompRule {
  names: readonly string[];
  action: string;
  errnoRet?: number;
  args?: SeccompArg[];
}

/** linux.seccomp of config.json. */
export interface SeccompFilter {
  defaultAction: string;
  defaultErrnoRet?: number;
  architectures?: readonly string[];
  flags?: string[];
  listenerPath?: string;
  listenerMetadata?: string;
  syscalls?: SeccompRule[];
}

const EPERM = 1;
const ENOSYS = 38;
const ALLOW = "SCMP_ACT_ALLOW";

/** The default filter for a container that holds `capabilities`. */
export function defaultSeccomp(
  capabilities: readonly string[],
  host: Pick<HostFacts, "architecture" | "kernel">,
): SeccompFilter {
  const allowed = new Set<string>();
  for (const capability of capabilities) {
    for (const name of BY_CAPABILITY[capability] ?? []) allowed.add(name);
  }
  for (const name of BY_ARCHITECTURE[host.architecture] ?? []) allowed.add(name);
  if (atLeast(host.kernel, 4, 8)) for (const name of TRACING) allowed.add(name);

  const syscalls: SeccompRule[] = [{ names: ALWAYS_ALLOWED, action: ALLOW }];
  if (allowed.size > 0) syscalls.push({ names: [...allowed].toSorted(), action: ALLOW });
  for (const { syscall, any } of BY_ARGUMENT) {
    for (const [index, op, value] of any) {
      syscalls.push({ names: [syscall], action: ALLOW, args: [{ index, value, op: `SCMP_CMP_${op}` }] });
    }
  }
  if (!allowed.has("clone")) {
    const index = host.architecture === "s390x" ? 1 : 0;
    const args = [{ index, value: CLONE_NAMESPACES, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }];
    syscalls.push({ names: ["clone"], action: ALLOW, args });
    // clone3's flags are behind a pointer; ENOSYS makes libc fall back to clone
    syscalls.push({ names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: ENOSYS });
  }
  syscalls.push({ names: ["socketcall"], action: "SCMP_ACT_ERRNO", errnoRet: ENOSYS });
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: EPERM,
    ...architectures(host.architecture),
    syscalls,
  };
}

interface Conditions {
  caps?: string[];
  arches?: string[];
  minKernel?: string;
}

/** Docker's profile format, which is OCI's with conditions and an architecture map. */
interface ProfileDocument extends Omit<SeccompFilter, "syscalls"> {
  archMap?: { architecture: string; subArchitectures?: string[] | null }[];
  syscalls?: (Omit<SeccompRule, "names"> & {
    name?: string;
    names?: string[];
    args?: SeccompArg[] | null;
    includes?: Conditions;
    excludes?: Conditions;
    comment?: string;
  })[];
}

const refused = (why: string, cause?: unknown): GantryError =>
  new GantryError("invalid", "BAD_SECCOMP_PROFILE", `Decoding seccomp profile failed: ${why}`, { cause });

/** A user's profile, its conditions decided. Throws invalid BAD_SECCOMP_PROFILE. */
export function customSeccomp(
  text: string,
  capabilities: readonly string[],
  host: Pick<HostFacts, "architecture" | "kernel">,
): SeccompFilter {
  const document = parseProfile(text);
  const { archMap, architectures: listed, syscalls, ...rest } = document;
  if (listed?.length && archMap?.length) {
    throw refused(
      "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or 'archMap'",
    );
  }
  const applies = (rule: { includes?: Conditions; excludes?: Conditions }): boolean => {
    const { includes, excludes } = rule;
    if (includes?.arches?.length && !includes.arches.includes(host.architecture)) return false;
    if (includes?.caps?.some((name) => !capabilities.includes(name))) return false;
    if (includes?.minKernel && !kernelReaches(host.kernel, includes.minKernel)) return false;
    if (excludes?.arches?.includes(host.architecture)) return false;
    if (excludes?.caps?.some((name) => capabilities.includes(name))) return false;
    return !(excludes?.minKernel && kernelReaches(host.kernel, excludes.minKernel));
  };
  const rules = (syscalls ?? []).filter(applies).map((rule): SeccompRule => {
    if (rule.name && rule.names?.length) {
      throw refused("both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'");
    }
    return {
      names: rule.name ? [rule.name] : (rule.names ?? []),
      action: rule.action,
      ...(rule.errnoRet !== undefined && { errnoRet: rule.errnoRet }),
      ...(rule.args?.length && { args: rule.args }),
    };
  });
  const native = ARCHITECTURES[host.architecture]?.[0];
  const mapped = archMap?.find((entry) => entry.architecture === native);
  const arches = mapped ? [mapped.architecture, ...(mapped.subArchitectures ?? [])] : listed;
  return {
    ...rest,
    ...(arches?.length && { architectures: arches }),
    syscalls: rules.filter((rule) => rule.names.length > 0),
  };
}

function parseProfile(text: string): ProfileDocument {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw refused(messageOf(cause), cause);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw refused("an object is expected");
  const document = parsed as ProfileDocument;
  if (typeof document.defaultAction !== "string") throw refused("defaultAction is missing");
  if (document.syscalls !== undefined && document.syscalls !== null && !Array.isArray(document.syscalls)) {
    throw refused("syscalls must be a list");
  }
  return document;
}

function architectures(architecture: string): Pick<SeccompFilter, "architectures"> {
  const list = ARCHITECTURES[architecture];
  return list ? { architectures: list } : {};
}

const atLeast = (kernel: HostFacts["kernel"], major: number, minor: number): boolean =>
  kernel.major > major || (kernel.major === major && kernel.minor >= minor);

function kernelReaches(kernel: HostFacts["kernel"], wanted: string): boolean {
  const [major = 0, minor = 0] = wanted.split(".").map(Number);
  return atLeast(kernel, major, minor);
}
