import type { OciLinux, OciSpec } from "../../../ports/oci-spec.ts";
import type { SeccompCompiler, SeccompSource } from "../../../ports/seccomp-compiler.ts";
import { planDevices } from "./devices.ts";
import type { SpecFacts } from "./facts.ts";
import { planHiddenPaths, planMounts, rootPropagation } from "./mounts.ts";
import { ownsUtsNamespace, planIdMappings, planNamespaces, planSysctls } from "./namespaces.ts";
import { planProcess } from "./process.ts";
import { cgroupsPath, planResources } from "./resources.ts";
import { customSeccomp, defaultSeccomp, type SeccompFilter } from "./seccomp.ts";
import { readSecurityOptions } from "./security-options.ts";

/** What both runc 1.1 and crun 1.8 read. */
const OCI_VERSION = "1.0.2";

/**
 * A container's config.json from Docker's configuration and the host's facts. Pure. What the host cannot grant is
 * left out or clamped: run `validateHostConfig` first, it warns. Throws invalid for what cannot be expressed.
 */
export function planSpec(facts: SpecFacts): OciSpec {
  const { hostConfig, host } = facts;
  const process = planProcess(facts);
  const devices = planDevices(facts);
  const sysctl = planSysctls(facts);
  const seccomp = planSeccomp(facts, process.capabilities?.bounding ?? []);
  const propagation = rootPropagation(facts.mounts);
  const linux: OciLinux = {
    namespaces: planNamespaces(facts),
    ...planIdMappings(facts),
    ...(devices.nodes.length > 0 && { devices: devices.nodes }),
    cgroupsPath: cgroupsPath(facts.id, hostConfig.CgroupParent),
    resources: planResources(hostConfig, host, devices.rules, facts.devices),
    ...(Object.keys(sysctl).length > 0 && { sysctl }),
    ...(seccomp && { seccomp: { ...seccomp } }),
    ...planHiddenPaths(facts),
    ...(propagation && { rootfsPropagation: propagation }),
  };
  return {
    ociVersion: OCI_VERSION,
    process,
    root: { path: facts.rootfs, ...(hostConfig.ReadonlyRootfs && { readonly: true }) },
    ...(ownsUtsNamespace(hostConfig) && { hostname: facts.hostname }),
    mounts: planMounts(facts),
    ...(hostConfig.Annotations && { annotations: hostConfig.Annotations }),
    linux,
  };
}

/** A privileged container has a filter only if it asks for one by profile. */
function planSeccomp(facts: SpecFacts, capabilities: readonly string[]): SeccompFilter | undefined {
  const { host, hostConfig } = facts;
  if (host.seccomp.length === 0) return undefined;
  const { seccomp } = readSecurityOptions(hostConfig.SecurityOpt);
  if (seccomp === "unconfined") return undefined;
  if (seccomp !== "default") return customSeccomp(seccomp, capabilities, host);
  return hostConfig.Privileged ? undefined : defaultSeccomp(capabilities, host);
}

/** crun loads a ready program from here in place of compiling `linux.seccomp`, also for its execs. */
const CRUN_PROGRAM = "run.oci.seccomp_bpf_data";

/**
 * The spec with its filter compiled beforehand, for crun: two thirds of its time for a start go into compiling. Other
 * runtimes ignore the annotation and read the filter itself, which stays. A user's own annotation is left alone.
 */
export function withCompiledSeccomp(spec: OciSpec, compiler: SeccompCompiler): OciSpec {
  const source = spec.linux.seccomp as unknown as SeccompSource | undefined;
  if (source === undefined || spec.annotations?.[CRUN_PROGRAM] !== undefined) return spec;
  const program = compiler.compile(source);
  return program === undefined ? spec : { ...spec, annotations: { ...spec.annotations, [CRUN_PROGRAM]: program } };
}

/** 2^64 as JSON.stringify prints it: the nearest a number gets to RLIM_INFINITY. */
const ROUNDED_INFINITY = /"(soft|hard)":18446744073709552000/g;

/** The text of config.json. An unlimited rlimit comes out as the exact 64-bit number. */
export function encodeSpec(spec: OciSpec): string {
  // inside a JSON string a quote is escaped, so the pattern matches only real fields
  return JSON.stringify(spec).replace(ROUNDED_INFINITY, '"$1":18446744073709551615');
}
