import type { CgroupUsage } from "../../../ports/cgroups.ts";
import type { HostCounters } from "../../../ports/host-counters.ts";
import type { ContainerDeps } from "../deps.ts";
import { cgroupsPathOf, type ContainerRecord, isUp } from "../record.ts";

/** What a container has used up to a moment. */
export interface Reading {
  /** RFC 3339 with nanoseconds. */
  at: string;
  usage: CgroupUsage;
  /** Of the whole machine, at the same moment. */
  cpu: ReturnType<HostCounters["cpu"]>;
  /** Its own ones; none on the host's network. */
  interfaces: ReturnType<HostCounters["interfaces"]>;
}

export type ReadingDeps = Pick<ContainerDeps, "cgroups" | "counters" | "clock">;

/** What the engine makes in a namespace; a container may make others in it, for containers of its own. */
const OWN_INTERFACE = /^eth\d+$/;

/** undefined: it does not run. */
export function takeReading(deps: ReadingDeps, record: ContainerRecord): Reading | undefined {
  if (!isUp(record)) return undefined;
  const usage = deps.cgroups.usage(cgroupsPathOf(record));
  if (usage === undefined) return undefined;
  const pid = record.state.process?.pid;
  const interfaces = record.attachment?.netns && pid ? ownInterfaces(deps.counters.interfaces(pid)) : {};
  return {
    at: deps.clock.stamp(),
    usage,
    cpu: deps.counters.cpu(),
    interfaces,
  };
}

const ownInterfaces = (all: Reading["interfaces"]): Reading["interfaces"] =>
  Object.fromEntries(Object.entries(all).filter(([name]) => OWN_INTERFACE.test(name)));
