import { bytesSize, formatDuration } from "../../base/units.ts";
import type {
  ByHand,
  CgroupFile,
  ContainerExplanation,
  ExplainedLayer,
  ExplainedProcess,
  NetworkSection,
} from "../../wire/types/explain.ts";
import type { Cell, Part, Picture } from "./draw.ts";

const yes = (value: boolean): string => (value ? "yes" : "no");
/** To the millisecond. */
const shortTime = (stamp: string): string => stamp.replace(/(\.\d{3})\d+Z$/, "$1Z");
const dim = (text: string): Cell => ({ text, tone: "dim" });
const list = (words: readonly string[]): string => (words.length === 0 ? "none" : words.join(" "));
const facts = (rows: [string, Cell | undefined][]): Part => ({
  kind: "facts",
  rows: rows.filter((row): row is [string, Cell] => row[1] !== undefined),
});

/** The sections of a container that are in the document, each a picture. */
export function containerPictures(doc: ContainerExplanation): Picture[] {
  const all = (flag: string): string => `gantry explain ${flag} --all ${doc.name}`;
  return [
    overview(doc, all("")),
    ...(doc.end ? [ended(doc.end, all(""))] : []),
    ...(doc.processes ? [processes(doc.processes, all("--processes"))] : []),
    ...(doc.namespaces ? [namespaces(doc.namespaces, all("--namespaces"))] : []),
    ...(doc.cgroup ? [cgroup(doc.cgroup, all("--cgroup"))] : []),
    ...(doc.capabilities ? [capabilities(doc.capabilities, all("--caps"))] : []),
    ...(doc.security ? [security(doc.security, all("--security"))] : []),
    ...(doc.files ? files(doc.files, all("--fs")) : []),
    ...(doc.network ? network(doc.network, all("--net")) : []),
    ...(doc.monitor ? [monitor(doc.monitor, all("--monitor"))] : []),
  ];
}

function overview({ id, name, overview: of }: ContainerExplanation, all: string): Picture {
  const bad = of.status === "exited" || of.status === "dead";
  return {
    title: `CONTAINER ${name}`,
    note: id.slice(0, 12),
    parts: [
      facts([
        ["what", of.summary],
        ["status", { text: of.status, tone: of.status === "running" ? "good" : bad ? "bad" : "warn" }],
        ["process 1", of.pid === undefined ? undefined : `pid ${of.pid} on the host`],
        ["command", of.command.join(" ")],
        ["image", of.image],
        ["created", shortTime(of.created)],
        ["started", of.startedAt && shortTime(of.startedAt)],
        ["ended", of.pid === undefined && of.finishedAt ? shortTime(of.finishedAt) : undefined],
        ["restarts", `${of.restarts}, policy ${of.restartPolicy}`],
        [
          "health",
          of.health && {
            text: `${of.health.status}${of.health.failingStreak > 0 ? `, ${of.health.failingStreak} failed in a row` : ""}${of.health.last === undefined ? "" : `: ${of.health.last}`}`,
            tone: of.health.status === "unhealthy" ? "bad" : "plain",
          },
        ],
      ]),
    ],
    byHand: of.byHand,
    all,
  };
}

function ended(end: NonNullable<ContainerExplanation["end"]>, all: string): Picture {
  return {
    title: "WHY IT ENDED",
    parts: [
      facts([
        ["exit code", { text: String(end.exitCode), tone: end.exitCode === 0 ? "good" : "bad" }],
        ["means", end.meaning],
        ["reason", end.reason === undefined ? undefined : { text: end.reason, tone: "bad" }],
        ["error", end.error === undefined ? undefined : { text: end.error, tone: "bad" }],
        ["signal", end.signal],
        ["killed for memory", end.oomKills > 0 ? `${end.oomKills} of its processes` : yes(end.oomKilled)],
        ...end.health.map(({ exitCode, output }): [string, Cell] => [
          "health check",
          `exit code ${exitCode}: ${output}`,
        ]),
        ...end.lastLines.map((line, at): [string, Cell] => [at === 0 ? "wrote last" : "", line]),
        ["wrote last", end.noLines],
        ...end.events.map(({ time, action }, at): [string, Cell] => [
          at === 0 ? "events" : "",
          `${shortTime(time)}  ${action}`,
        ]),
      ]),
    ],
    byHand: end.byHand,
    all,
  };
}

/** Lines from parents to children; a row's depth is that of its parent and one. */
function branches(rows: readonly ExplainedProcess[]): string[] {
  const depths = new Map<number, number>();
  return rows.map(({ pid, parent }, at) => {
    const depth = depths.has(parent) ? (depths.get(parent) ?? 0) + 1 : 0;
    depths.set(pid, depth);
    if (depth === 0) return "";
    const isLast = !rows.slice(at + 1).some((row) => row.parent === parent);
    return `${"   ".repeat(depth - 1)}${isLast ? "└─ " : "├─ "}`;
  });
}

function processes(section: NonNullable<ContainerExplanation["processes"]>, all: string): Picture {
  const tree = branches(section.list);
  const words = { init: "process 1", entered: "entered", child: "" };
  return {
    title: "PROCESSES",
    note: `${section.total} in its control group; an exec enters from outside`,
    parts: [
      {
        kind: "table",
        head: ["PID", "INSIDE", "PARENT", "USER", "STATE", "ROLE", "COMMAND"],
        rows: section.list.map((row, at) => [
          String(row.pid),
          { text: String(row.inside), tone: "good" },
          String(row.parent),
          String(row.uid),
          row.state,
          dim(words[row.role]),
          `${tree[at]}${row.command.length > 0 ? row.command.join(" ") : `[${row.name}]`}`,
        ]),
      },
    ],
    byHand: section.byHand,
    all,
  };
}

function namespaces(section: NonNullable<ContainerExplanation["namespaces"]>, all: string): Picture {
  const ownUsers = section.uidMap.some(({ inside, outside }) => inside !== outside);
  const rows = (map: typeof section.uidMap): string =>
    map.map(({ inside, outside, size }) => `${inside} is ${outside} of the host (${size})`).join(", ");
  return {
    title: "NAMESPACES",
    note: "what process 1 sees of the machine",
    parts: [
      {
        kind: "table",
        head: ["KIND", "INODE", "WHOSE", "KEEPS APART"],
        rows: section.list.map(({ type, inode, host, sharedWith, isolates }) => [
          type,
          String(inode),
          host
            ? { text: "the host's", tone: "warn" }
            : sharedWith.length > 0
              ? { text: `shared with ${sharedWith.join(", ")}`, tone: "warn" }
              : { text: "its own", tone: "good" },
          isolates,
        ]),
      },
      facts([
        ["users", ownUsers ? rows(section.uidMap) : undefined],
        ["groups", ownUsers ? rows(section.gidMap) : undefined],
      ]),
    ],
    byHand: section.byHand,
    all,
  };
}

/** Limits that are set, then use, then what went wrong; limits that are not set come last. */
const rankOf = ({ kind, value }: CgroupFile): number =>
  value === undefined ? 3 : ["limit", "use", "event"].indexOf(kind);

function valueOf({ value, unit, kind, text }: CgroupFile): Cell {
  if (unit === undefined) return text.split("\n").length > 1 ? `${text.split("\n").length} lines` : text;
  if (value === undefined) return dim(kind === "limit" ? "none" : text);
  const words = {
    bytes: () => bytesSize(value),
    microseconds: () => formatDuration(value * 1000),
    nanoseconds: () => formatDuration(value),
    processes: () => String(value),
    times: () => String(value),
  };
  return { text: words[unit](), tone: kind === "event" && value > 0 ? "bad" : "plain" };
}

function cgroup(section: NonNullable<ContainerExplanation["cgroup"]>, all: string): Picture {
  const nameOf = (file: string): string => file.slice(file.lastIndexOf("/") + 1);
  const paths = [...new Set(section.paths.filter(({ path }) => path !== "/").map(({ path }) => path))];
  return {
    title: "CONTROL GROUP",
    note: `version ${section.version}: what it may use, and what it uses`,
    parts: [
      facts([["path", list(paths)]]),
      {
        kind: "table",
        head: ["FILE", "VALUE", "MEANS"],
        rows: section.files
          .toSorted((x, y) => rankOf(x) - rankOf(y))
          .map((row) => [nameOf(row.file), valueOf(row), `${row.kind}: ${row.meaning}`]),
      },
    ],
    byHand: section.byHand,
    all,
  };
}

function capabilities(section: NonNullable<ContainerExplanation["capabilities"]>, all: string): Picture {
  const letters = { bounding: "b", permitted: "p", effective: "e", inheritable: "i", ambient: "a" } as const;
  const held = section.list.filter(({ sets }) => sets.length > 0);
  const rank = (row: (typeof section.list)[number]): number => (row.differs ? 0 : row.sets.length > 0 ? 1 : 2);
  return {
    title: "CAPABILITIES",
    note: `${held.length} of ${section.list.length} of root's powers kept; sets by first letter`,
    parts: [
      {
        kind: "table",
        head: ["CAPABILITY", "SETS", "", "ALLOWS"],
        rows: section.list
          .toSorted((a, b) => rank(a) - rank(b))
          .map((row) => [
            row.name,
            Object.entries(letters)
              .map(([set, letter]) => (row.sets.includes(set as keyof typeof letters) ? letter : "-"))
              .join(""),
            row.sets.length === 0
              ? { text: row.differs ?? "dropped", tone: row.differs ? "warn" : "dim" }
              : { text: row.differs ?? "kept", tone: row.differs ? "warn" : "good" },
            row.allows,
          ]),
      },
    ],
    byHand: section.byHand,
    all,
  };
}

function security(section: NonNullable<ContainerExplanation["security"]>, all: string): Picture {
  const { seccomp } = section;
  const filters = seccomp.filters === undefined ? "" : `, ${seccomp.filters} of them`;
  return {
    title: "SECURITY",
    note: "what else holds it back",
    parts: [
      facts([
        ["user", `${section.uid}, group ${section.gid}, further groups ${list(section.groups.map(String))}`],
        [
          "seccomp",
          {
            text: `${seccomp.mode}${filters}; profile: ${seccomp.profile}`,
            tone: seccomp.mode === "filter" ? "good" : "warn",
          },
        ],
        [
          "no new privileges",
          section.noNewPrivileges ? { text: "yes: set-user-ID files give nothing", tone: "good" } : "no",
        ],
        ["label", section.label ?? "none (no AppArmor or SELinux)"],
        ["read-only root", yes(section.readOnlyRoot)],
        ["masked", list(section.masked)],
        ["read only", list(section.readOnly)],
        ["oom score", `${section.oomScoreAdj} added: how early it is killed when memory is out`],
      ]),
    ],
    byHand: section.byHand,
    all,
  };
}

export const layerTable = (layers: readonly ExplainedLayer[]): Part => ({
  kind: "table",
  head: ["LAYER", "SIZE", "ADDS", "MADE BY"],
  rows: layers
    .map((layer): Cell[] => [
      { text: layer.diffId.slice(7, 19), tone: layer.mounted === false ? "bad" : "plain" },
      bytesSize(layer.size),
      list(layer.adds),
      `${layer.createdBy || "nothing on record"}${layer.sharedWith.length > 0 ? ` (shared with ${layer.sharedWith.join(", ")})` : ""}`,
    ])
    .toReversed(),
});

function files(section: NonNullable<ContainerExplanation["files"]>, all: string): Picture[] {
  const { writable, mounts } = section;
  const cutAt = section.byHand.findIndex(({ command }) => /^(find|gantry diff) /.test(command));
  const layers: Picture = {
    title: "LAYERS",
    note: `of image ${section.image.name}, topmost first; below a writable one of its own`,
    parts: [
      facts([
        [
          "writable",
          writable ? `${bytesSize(writable.size)}, ${writable.changes} changes: ${list(writable.first)}` : "none yet",
        ],
        ["its folder", writable?.folder],
      ]),
      layerTable(section.layers),
    ],
    byHand: section.byHand.slice(cutAt),
    all,
  };
  if (mounts === undefined) {
    const asked: Part = {
      kind: "table",
      head: ["MOUNT AT ITS START", "TYPE", "WRITABLE", "FROM"],
      rows: section.asked.map((row) => [row.destination, row.type, yes(row.writable), row.from]),
    };
    return [{ ...layers, parts: [...layers.parts, asked] }];
  }
  const rank = ["image", "volume", "bind", "tmpfs", "engine", "other", "device", "kernel", "read-only", "masked"];
  return [
    layers,
    {
      title: "MOUNTS",
      note: `${mounts.length} in its mount namespace`,
      parts: [
        {
          kind: "table",
          head: ["TARGET", "TYPE", "", "FROM"],
          rows: mounts
            .toSorted((a, b) => rank.indexOf(a.origin) - rank.indexOf(b.origin))
            .map((row) => [
              row.target,
              row.type,
              row.options.split(",")[0] ?? "",
              { text: row.from, tone: row.origin === "masked" ? "dim" : "plain" },
            ]),
        },
      ],
      byHand: section.byHand.slice(0, cutAt),
      all,
    },
  ];
}

const WHOSE = { own: "its own namespace", host: "the host's namespace", container: "another container's namespace" };

export const isNft = ({ command }: ByHand): boolean => command.startsWith("nft ");

/** `byHand`: of the network, from which those about the firewall are taken. */
export function firewallPicture(
  { table, ports, rules }: NonNullable<NetworkSection["firewall"]>,
  byHand: readonly ByHand[],
  all: string,
): Picture {
  return {
    title: "PORTS AND RULES",
    note: `what the kernel does with its packets: nftables, table ${table}`,
    parts: [
      {
        kind: "table",
        head: ["HOST PORT", "LEADS TO"],
        rows: ports.map((port) => [
          `${port.hostAddress}:${port.hostPort}/${port.protocol}`,
          `${port.address}:${port.port}`,
        ]),
      },
      {
        kind: "table",
        head: ["CHAIN", "HANDLE", "RULE"],
        rows: rules.map(({ chain, handle, text }) => [chain, String(handle), text]),
      },
    ],
    byHand: byHand.filter(isNft),
    all,
  };
}

function network(section: NetworkSection, all: string): Picture[] {
  const { dns } = section;
  const cables = section.links.map((link): Cell[] => [
    link.name,
    { text: link.up ? "up" : "down", tone: link.up ? "good" : "warn" },
    link.addresses.join(" ") || "-",
    link.mac,
    link.host
      ? `${link.host.name} → ${link.host.bridge} ${link.host.bridgeAddresses.join(" ")}${link.network ? ` (network ${link.network})` : ""}`
      : link.kind || "-",
  ]);
  const links: Picture = {
    title: "NETWORK",
    note: `mode ${section.mode}: ${section.of ? `the namespace of ${section.of}` : WHOSE[section.namespace]}`,
    parts: [
      { kind: "table", head: ["LINK", "", "ADDRESS", "MAC", "CABLE TO THE HOST → BRIDGE"], rows: cables },
      {
        kind: "table",
        head: ["ROUTE", "VIA", "BY LINK"],
        rows: section.routes.map(({ to, via, link }) => [to, via || "directly", link]),
      },
      facts([
        ["name servers", list(dns.nameservers)],
        ["search", dns.search.length > 0 ? dns.search.join(" ") : undefined],
        ["/etc/hosts", dns.hosts.map((line) => line.replace(/\s+/g, " ")).join("; ") || "none"],
      ]),
    ],
    byHand: section.byHand.filter((row) => !isNft(row)),
    all,
  };
  return section.firewall ? [links, firewallPicture(section.firewall, section.byHand, all)] : [links];
}

function monitor(section: NonNullable<ContainerExplanation["monitor"]>, all: string): Picture {
  const { log } = section;
  return {
    title: "MONITOR AND LOG",
    parts: [
      facts([
        [
          "monitor",
          section.monitor
            ? `pid ${section.monitor.pid}: ${section.monitor.command.split(" ")[0]}`
            : "none: it does not run",
        ],
        ["log", `${log.driver}, ${log.size === undefined ? "nothing yet" : bytesSize(log.size)}`],
        ["log file", log.file],
        ["runtime", section.runtime],
        ["OCI config", section.bundle],
      ]),
    ],
    byHand: section.byHand,
    all,
  };
}
