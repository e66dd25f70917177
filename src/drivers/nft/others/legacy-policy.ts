import fs from "node:fs";
import { outputSync } from "../../process/run.ts";
import { AF, closeFd, getSocketOption, openSocket, SOCK } from "../../syscalls/sockets.ts";
import { passesFor } from "./forward-policy.ts";

/** <linux/netfilter_ipv4/ip_tables.h>, ip6_tables.h */
const FAMILIES = [
  { names: "/proc/net/ip_tables_names", domain: AF.INET, level: 0, targetAt: 112, tool: "iptables" },
  { names: "/proc/net/ip6_tables_names", domain: AF.INET6, level: 41, targetAt: 168, tool: "ip6tables" },
] as const;
type Family = (typeof FAMILIES)[number];
const GET_INFO = 64;
const GET_ENTRIES = 65;
const IPPROTO_RAW = 255;
const INFO_SIZE = 84;
const ENTRIES_HEADER = 40;
const FORWARD = 2;
const VERDICT_IN_TARGET = 32;
/** How a target's verdict writes NF_DROP. */
const DROP = -1;

export interface LegacyTable {
  drops: boolean;
  /** Changes with the count and size of the rules, and with the policy. */
  fingerprint: string;
}

/** The `filter` table of the old iptables, which nftables doesn't show; undefined: there is none. Takes microseconds. */
function readTable({ names, domain, level, targetAt }: Family): LegacyTable | undefined {
  if (!hasFilter(names)) return undefined;
  const fd = openSocket(domain, SOCK.RAW, IPPROTO_RAW);
  try {
    const name = Buffer.from("filter");
    const info = getSocketOption(fd, level, GET_INFO, Buffer.concat([name], INFO_SIZE));
    const [policyAt, entries, size] = [56 + 4 * FORWARD, 76, 80].map((at) => info.readUInt32LE(at)) as [
      number,
      number,
      number,
    ];
    const ask = Buffer.concat([name], ENTRIES_HEADER + size);
    ask.writeUInt32LE(size, 32);
    const bytes = getSocketOption(fd, level, GET_ENTRIES, ask);
    const drops = bytes.readInt32LE(ENTRIES_HEADER + policyAt + targetAt + VERDICT_IN_TARGET) === DROP;
    return { drops, fingerprint: `${entries} ${size} ${drops}` };
  } finally {
    closeFd(fd);
  }
}

function hasFilter(file: string): boolean {
  try {
    return fs.readFileSync(file, "utf8").split("\n").includes("filter");
  } catch {
    return false; // a kernel without the old iptables
  }
}

/** The words after `-A FORWARD` or `-D FORWARD` of the rules to add or to take away, from `iptables -S FORWARD`. */
export function planLegacyPasses(listing: string, mark: string, bridges: string[]): string[][] {
  const comments = [...listing.matchAll(/--comment "([^"]*)"/g)].flatMap(([, text]) => text ?? []);
  const wanted = passesFor(mark, bridges);
  const needed = new Set(wanted.map(({ comment }) => comment));
  const rule = (verb: string, comment: string, bridge: string, way: string): string[] => [
    verb,
    "FORWARD",
    way === "in" ? "-i" : "-o",
    bridge,
    "-m",
    "comment",
    "--comment",
    comment,
    "-j",
    "ACCEPT",
  ];
  return [
    ...wanted
      .filter(({ comment }) => !comments.includes(comment))
      .map(({ comment, bridge, way }) => rule("-A", comment, bridge, way)),
    ...comments
      .filter((comment) => comment.startsWith(`${mark} `) && !needed.has(comment))
      .map((comment) => {
        const [, bridge = "", way = ""] = comment.split(" ");
        return rule("-D", comment, bridge, way);
      }),
  ];
}

/** Lets our bridges' traffic past the forward policy of the old iptables. */
export class LegacyPolicy {
  private readonly mark: string;
  /** What the tables were like after the last `pass`, and what it was asked for. */
  private seen = "";
  private asked: string | undefined;

  constructor(mark: string) {
    this.mark = mark;
  }

  /** True when something is different from what `pass` left. */
  changed(): boolean {
    return this.fingerprint() !== this.seen;
  }

  pass(bridges: string[]): void {
    const asked = bridges.join(" ");
    if (asked === this.asked && !this.changed()) return;
    for (const family of FAMILIES) {
      const table = readTable(family);
      if (table === undefined) continue;
      const tool = legacyTool(family.tool);
      const listing = tool && outputSync(tool, ["-w", "5", "-S", "FORWARD"]);
      if (tool === undefined || listing === undefined) continue;
      for (const words of planLegacyPasses(listing, this.mark, table.drops ? bridges : [])) {
        outputSync(tool, ["-w", "5", ...words]);
      }
    }
    this.seen = this.fingerprint();
    this.asked = asked;
  }

  private fingerprint(): string {
    return FAMILIES.map((family) => readTable(family)?.fingerprint ?? "").join(",");
  }
}

/** Debian's name, or the plain one where that is of the old kind. */
function legacyTool(name: string): string | undefined {
  if (outputSync(`${name}-legacy`, ["--version"]) !== undefined) return `${name}-legacy`;
  const version = outputSync(name, ["--version"]);
  return version === undefined || version.includes("nf_tables") ? undefined : name;
}
