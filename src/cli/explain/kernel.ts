import { bytesSize, formatDuration } from "../../base/units.ts";
import type {
  CgroupFile,
  ContainerExplanation,
  ExplainedCapability,
  ExplainedProcess,
} from "../../wire/types/explain.ts";
import type { Cell, Picture } from "./draw.ts";
import { dim, facts, list, yes } from "./words.ts";

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

export function processes(section: NonNullable<ContainerExplanation["processes"]>, all: string): Picture {
  const tree = branches(section.list);
  const words = { init: "main", entered: "entered", child: "" };
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

export function namespaces(section: NonNullable<ContainerExplanation["namespaces"]>, all: string): Picture {
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

export function cgroup(section: NonNullable<ContainerExplanation["cgroup"]>, all: string): Picture {
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

/** One that is only in the bounding set can be had again, by a program with the right file attributes. */
function keptOrNot({ sets, differs }: ExplainedCapability): Cell {
  const word = sets.length === 0 ? "dropped" : sets.includes("effective") ? "kept" : "unused";
  if (differs !== undefined) return { text: differs, tone: "warn" };
  return { text: word, tone: word === "kept" ? "good" : "dim" };
}

export function capabilities(section: NonNullable<ContainerExplanation["capabilities"]>, all: string): Picture {
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
            keptOrNot(row),
            row.allows,
          ]),
      },
    ],
    byHand: section.byHand,
    all,
  };
}

export function security(section: NonNullable<ContainerExplanation["security"]>, all: string): Picture {
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
