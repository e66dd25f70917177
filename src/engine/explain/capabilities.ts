import { CAPABILITIES } from "../../base/capabilities.ts";
import type { CapabilitiesSection, CapabilitySet, ExplainedCapability } from "../../base/explanation.ts";
import { DEFAULT_CAPABILITIES } from "../containers/spec/capabilities.ts";
import { byHand } from "./words.ts";

/** What each allows, after capabilities(7); in the kernel's order. */
const ALLOWS: readonly string[] = [
  "give files to any user and group",
  "read, write and execute any file past its permissions",
  "read any file and search any folder past their permissions",
  "change mode, times and attributes of files of others",
  "keep set-user-ID and set-group-ID bits when a file is changed",
  "send signals to processes of others",
  "take on any group",
  "take on any user",
  "hand capabilities on, and drop them from the bounding set",
  "set the attributes immutable and append-only of files",
  "listen at ports below 1024",
  "send broadcasts, listen to multicasts",
  "set up links, addresses, routes and packet filters",
  "raw and packet sockets: ping, tcpdump, forged packets",
  "lock memory, so that it is never swapped out",
  "use System V shared memory and queues of others",
  "load and unload kernel modules",
  "I/O ports, /dev/mem, raw disk commands",
  "chroot, and entering mount namespaces",
  "trace processes of others and read their memory",
  "switch process accounting on and off",
  "mount, host name, quotas, much else: nearly root",
  "reboot, and load another kernel",
  "raise priorities, pin others to processors",
  "go past quotas, limits and reserved space",
  "set the clock",
  "configure terminals, hang them up",
  "make device nodes",
  "leases on any file",
  "write to the kernel's audit log",
  "configure the kernel's auditing",
  "give capabilities to files",
  "go past mandatory access control",
  "configure mandatory access control",
  "read and configure the kernel's log",
  "wake the machine up by a timer",
  "keep the machine from sleeping",
  "read the audit log",
  "performance counters and tracing",
  "load BPF programs",
  "checkpoint and restore processes",
];

const SETS: readonly CapabilitySet[] = ["bounding", "permitted", "effective", "inheritable", "ambient"];
const DEFAULT = new Set(DEFAULT_CAPABILITIES);

const has = (mask: string, bit: number): boolean => ((BigInt(`0x${mask}`) >> BigInt(bit)) & 1n) === 1n;

/** Each capability that there is, and in which of process 1's sets it is. Pure. */
export function explainCapabilities(
  masks: Record<CapabilitySet, string>,
  { pid, privileged }: { pid: number; privileged: boolean },
): CapabilitiesSection {
  const list = CAPABILITIES.map((name, bit): ExplainedCapability => {
    const sets = SETS.filter((set) => has(masks[set], bit));
    const held = sets.length > 0;
    const differs = held === DEFAULT.has(name) || privileged ? undefined : held ? "added" : "dropped";
    return { name, allows: ALLOWS[bit] ?? "", sets, ...(differs && { differs }) };
  });
  return {
    masks,
    list,
    byHand: [
      byHand(`grep ^Cap /proc/${pid}/status`, "the sets as the kernel has them, in hexadecimal"),
      byHand(`capsh --decode=${masks.bounding}`, "the bounding set by name"),
      ...(masks.effective === masks.bounding
        ? []
        : [byHand(`capsh --decode=${masks.effective}`, "what process 1 can do now")]),
    ],
  };
}
