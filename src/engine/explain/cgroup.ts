import type { CgroupFile, CgroupSection } from "../../base/explanation.ts";
import type { CgroupText } from "../../ports/cgroups.ts";
import type { CgroupPlace } from "../../ports/kernel-view.ts";
import { byHand, word } from "./words.ts";

type Known = [
  controller: string,
  name: string,
  kind: CgroupFile["kind"],
  meaning: string,
  unit?: CgroupFile["unit"],
  /** In a file of several lines or words: which number. */
  pick?: RegExp,
];

const V1: readonly Known[] = [
  ["memory", "memory.limit_in_bytes", "limit", "memory; beyond it the kernel kills", "bytes"],
  ["memory", "memory.memsw.limit_in_bytes", "limit", "memory and swap together", "bytes"],
  ["memory", "memory.soft_limit_in_bytes", "limit", "memory left to it when that is short", "bytes"],
  ["memory", "memory.usage_in_bytes", "use", "memory, page cache included", "bytes"],
  ["memory", "memory.max_usage_in_bytes", "use", "the most it has had", "bytes"],
  ["memory", "memory.failcnt", "event", "runs into the limit", "times"],
  ["memory", "memory.oom_control", "event", "processes killed for memory", "times", /^oom_kill (\d+)$/m],
  ["cpu", "cpu.shares", "limit", "weight when processors are short"],
  ["cpu", "cpu.cfs_quota_us", "limit", "processor time in each period", "microseconds"],
  ["cpu", "cpu.cfs_period_us", "limit", "length of that period", "microseconds"],
  ["cpu", "cpu.stat", "event", "periods in which it had to wait", "times", /^nr_throttled (\d+)$/m],
  ["cpuacct", "cpuacct.usage", "use", "processor time used", "nanoseconds"],
  ["cpuset", "cpuset.cpus", "limit", "processors to run on"],
  ["cpuset", "cpuset.mems", "limit", "memory nodes"],
  ["pids", "pids.max", "limit", "processes and threads", "processes"],
  ["pids", "pids.current", "use", "processes and threads", "processes"],
  ["pids", "pids.events", "event", "forks that were refused", "times", /^max (\d+)$/m],
  ["blkio", "blkio.weight", "limit", "weight at block devices"],
  ["freezer", "freezer.state", "use", "FROZEN while it is paused"],
  ["devices", "devices.list", "limit", "device nodes that may be opened"],
];

const V2: readonly Known[] = [
  ["memory", "memory.max", "limit", "memory; beyond it the kernel kills", "bytes"],
  ["memory", "memory.high", "limit", "from here on it is slowed down", "bytes"],
  ["memory", "memory.low", "limit", "memory left to it when that is short", "bytes"],
  ["memory", "memory.swap.max", "limit", "swap", "bytes"],
  ["memory", "memory.current", "use", "memory, page cache included", "bytes"],
  ["memory", "memory.peak", "use", "the most it has had", "bytes"],
  ["memory", "memory.swap.current", "use", "swap", "bytes"],
  ["memory", "memory.events", "event", "processes killed for memory", "times", /^oom_kill (\d+)$/m],
  ["cpu", "cpu.weight", "limit", "weight when processors are short"],
  ["cpu", "cpu.max", "limit", "processor time in each period", "microseconds", /^(\d+)/],
  ["cpu", "cpu.stat", "use", "processor time used", "microseconds", /^usage_usec (\d+)$/m],
  ["cpuset", "cpuset.cpus.effective", "limit", "processors to run on"],
  ["cpuset", "cpuset.mems.effective", "limit", "memory nodes"],
  ["pids", "pids.max", "limit", "processes and threads", "processes"],
  ["pids", "pids.current", "use", "processes and threads", "processes"],
  ["pids", "pids.events", "event", "forks that were refused", "times", /^max (\d+)$/m],
  ["io", "io.max", "limit", "bytes and operations a second, by device"],
  ["io", "io.weight", "limit", "weight at block devices"],
  ["", "cgroup.freeze", "use", "1 while it is paused"],
];

const known = (version: 1 | 2): readonly Known[] => (version === 1 ? V1 : V2);

export const cgroupFilesOf = (version: 1 | 2): [controller: string, name: string][] =>
  known(version).map(([controller, name]) => [controller, name]);

/** v1 says "none" by the largest number of pages. */
const NO_LIMIT = 2 ** 62;

function valueOf(text: string, unit: CgroupFile["unit"], pick: RegExp | undefined): number | undefined {
  if (unit === undefined) return undefined;
  const digits = pick === undefined ? /^-?\d+$/.exec(text)?.[0] : pick.exec(text)?.[1];
  const value = Number(digits ?? Number.NaN);
  return Number.isNaN(value) || value < 0 || value >= NO_LIMIT ? undefined : value;
}

/** What the group's files say. Pure. */
export function explainCgroup(
  version: 1 | 2,
  texts: readonly CgroupText[],
  places: readonly CgroupPlace[],
  pid: number,
): CgroupSection {
  const nameOf = (file: string): string => file.slice(file.lastIndexOf("/") + 1);
  const files = texts.flatMap(({ controller, file, text }): CgroupFile[] => {
    const row = known(version).find(([owner, name]) => owner === controller && name === nameOf(file));
    if (row === undefined) return [];
    const [, , kind, meaning, unit, pick] = row;
    const value = valueOf(text, unit, pick);
    return [{ controller, file, text, meaning, kind, ...(unit && { unit }), ...(value !== undefined && { value }) }];
  });
  const folder = (controller: string): string | undefined => {
    const file = files.find((row) => row.controller === controller)?.file;
    return file?.slice(0, file.lastIndexOf("/"));
  };
  const memory = folder("memory");
  const pids = folder("pids") ?? memory;
  const limit = version === 1 ? "memory.limit_in_bytes" : "memory.max";
  return {
    version,
    paths: places.map((place) => ({ ...place })),
    files,
    byHand: [
      byHand(`cat /proc/${pid}/cgroup`, "where process 1 is, in each hierarchy"),
      ...(memory === undefined ? [] : [byHand(`cat ${word(`${memory}/${limit}`)}`, "the memory limit, as a file")]),
      ...(pids === undefined ? [] : [byHand(`cat ${word(`${pids}/cgroup.procs`)}`, "who is in the group")]),
      ...(memory === undefined ? [] : [byHand(`ls ${word(memory)}`, "every file that there is")]),
    ],
  };
}
