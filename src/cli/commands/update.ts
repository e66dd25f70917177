import type { HostConfig } from "../../base/container-config.ts";
import { atLeast, command } from "../command.ts";
import { forEachName } from "../each.ts";
import { Exit } from "../exit.ts";
import { createFlags } from "../run-options/flags.ts";
import { restartOf } from "../run-options/resources.ts";

const shared = [
  "blkio-weight",
  "cpu-period",
  "cpu-quota",
  "cpu-rt-period",
  "cpu-rt-runtime",
  "cpu-shares",
  "cpus",
  "cpuset-cpus",
  "cpuset-mems",
  "memory",
  "memory-reservation",
  "memory-swap",
  "pids-limit",
] as const;
type Shared = (typeof shared)[number];
const resources = Object.fromEntries(shared.map((name) => [name, createFlags[name]])) as Pick<
  typeof createFlags,
  Shared
>;

export default command({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: atLeast(1),
  completes: ["container"],
  flags: { ...resources, restart: { ...createFlags.restart, initial: "", shown: undefined } },
  async run(context, names, options) {
    const { containers } = await context.engine();
    const change: Partial<HostConfig> = {
      BlkioWeight: options["blkio-weight"],
      CpuPeriod: options["cpu-period"],
      CpuQuota: options["cpu-quota"],
      CpuRealtimePeriod: options["cpu-rt-period"],
      CpuRealtimeRuntime: options["cpu-rt-runtime"],
      CpuShares: options["cpu-shares"],
      NanoCpus: options.cpus,
      CpusetCpus: options["cpuset-cpus"],
      CpusetMems: options["cpuset-mems"],
      Memory: options.memory,
      MemoryReservation: options["memory-reservation"],
      MemorySwap: options["memory-swap"],
      PidsLimit: options["pids-limit"],
      ...(options.restart !== "" && { RestartPolicy: restartOf(options.restart) }),
    };
    if (Object.values(change).every((value) => value === undefined)) {
      throw new Exit(1, "you must provide one or more flags when using this command");
    }
    return forEachName(context, names, async (name) => {
      const { Warnings } = await containers.update(name, change);
      for (const warning of Warnings ?? []) context.err.write(`WARNING: ${warning}\n`);
    });
  },
});
