import type { BuildOptions } from "../../client/images.ts";
import type { Context } from "../command.ts";
import { proxyVariables } from "../config/file.ts";
import { pairOf } from "../run-options/key-values.ts";
import type { BuildValues } from "./flags.ts";

/** The flags as POST /build takes them. */
export function buildQuery(
  context: Context,
  host: string,
  options: BuildValues,
  dockerfile: string | undefined,
): BuildOptions {
  const given = Object.fromEntries(
    options["build-arg"].map((given): [string, string | null] =>
      given.includes("=") ? pairOf(given) : [given, context.env[given] ?? null],
    ),
  );
  const epoch = context.env["SOURCE_DATE_EPOCH"];
  const args = {
    ...Object.fromEntries(proxyVariables(context.config(), host)),
    ...(epoch && { SOURCE_DATE_EPOCH: epoch }),
    ...given,
  };
  const attest = [...options.attest, ...options.provenance, ...options.sbom];
  return {
    dockerfile,
    ...(options.annotation.length > 0 && { annotations: options.annotation }),
    ...(attest.length > 0 && { attest }),
    ...(Object.keys(args).length > 0 && { buildargs: args }),
    ...(options.label.length > 0 && { labels: Object.fromEntries(options.label.map(pairOf)) }),
    ...(options["cache-from"].length > 0 && { cachefrom: options["cache-from"] }),
    ...(options["cache-to"].length > 0 && { cacheto: options["cache-to"] }),
    target: options.target,
    nocache: options["no-cache"],
    nocachefilter: options["no-cache-filter"],
    why: options.why,
    pull: options.pull,
    rm: options.rm,
    forcerm: options["force-rm"],
    networkmode: options.network,
    extrahosts: options["add-host"],
    platform: options.platform,
    memory: options.memory,
    memswap: options["memory-swap"],
    cpushares: options["cpu-shares"],
    cpuperiod: options["cpu-period"],
    cpuquota: options["cpu-quota"],
    cpusetcpus: options["cpuset-cpus"],
    cpusetmems: options["cpuset-mems"],
    cgroupparent: options["cgroup-parent"],
    shmsize: options["shm-size"],
    ...(options.ulimit.length > 0 && { ulimits: options.ulimit }),
    squash: options.squash,
    isolation: options.isolation,
    ...(options["security-opt"].length > 0 && { securityopt: options["security-opt"] }),
  };
}
