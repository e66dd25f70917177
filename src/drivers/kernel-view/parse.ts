import type { CgroupPlace, Credentials, IdRow, MountView, ProcessView } from "../../ports/kernel-view.ts";

/** Fields of /proc/PID/status. */
export function fieldsOf(status: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of status.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return fields;
}

const numbers = (text: string | undefined): number[] => (text ?? "").split(/\s+/).filter(Boolean).map(Number);

const EFFECTIVE = 1;

export function processOf(status: string, cmdline: string): ProcessView {
  const fields = fieldsOf(status);
  const pid = Number(fields.get("Pid"));
  return {
    pid,
    inside: numbers(fields.get("NSpid")).at(-1) ?? pid,
    parent: Number(fields.get("PPid")),
    name: fields.get("Name") ?? "",
    command: cmdline === "" ? [] : cmdline.replace(/\0$/, "").split("\0"),
    uid: numbers(fields.get("Uid"))[EFFECTIVE] ?? 0,
    state: (fields.get("State") ?? "").slice(0, 1),
    threads: Number(fields.get("Threads") ?? 1),
  };
}

export function credentialsOf(
  status: string,
  rest: { label: string; oomScoreAdj: string; uidMap: string; gidMap: string },
): Credentials {
  const fields = fieldsOf(status);
  const seccomp = fields.get("Seccomp");
  const filters = fields.get("Seccomp_filters");
  const mask = (name: string): string => fields.get(name) ?? "0".repeat(16);
  return {
    uid: numbers(fields.get("Uid"))[EFFECTIVE] ?? 0,
    gid: numbers(fields.get("Gid"))[EFFECTIVE] ?? 0,
    groups: numbers(fields.get("Groups")),
    capabilities: {
      bounding: mask("CapBnd"),
      permitted: mask("CapPrm"),
      effective: mask("CapEff"),
      inheritable: mask("CapInh"),
      ambient: mask("CapAmb"),
    },
    noNewPrivileges: fields.get("NoNewPrivs") === "1",
    ...(seccomp !== undefined && { seccomp: Number(seccomp) as 0 | 1 | 2 }),
    ...(filters !== undefined && { filters: Number(filters) }),
    label: rest.label.replace(/[\0\n]+$/, ""),
    oomScoreAdj: Number(rest.oomScoreAdj),
    uidMap: idRows(rest.uidMap),
    gidMap: idRows(rest.gidMap),
  };
}

const idRows = (text: string): IdRow[] =>
  text
    .split("\n")
    .map(numbers)
    .filter((row) => row.length === 3)
    .map(([inside = 0, outside = 0, size = 0]) => ({ inside, outside, size }));

/** The kernel writes blanks, tabs, newlines and backslashes in octal. */
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));

export function mountsOf(text: string): MountView[] {
  return text.split("\n").flatMap((line) => {
    const [left = "", right] = line.split(" - ");
    if (right === undefined) return [];
    const [id, parent, device = "", root = "", target = "", options = "", ...tags] = left.split(" ");
    const [type = "", source = "", superOptions = ""] = right.split(" ");
    return [
      {
        id: Number(id),
        parent: Number(parent),
        device,
        root: unescaped(root),
        target: unescaped(target),
        options,
        propagation: tags.join(" "),
        type,
        source: unescaped(source),
        superOptions: unescaped(superOptions),
      },
    ];
  });
}

export const cgroupsOf = (text: string): CgroupPlace[] =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [hierarchy, controllers = "", ...path] = line.split(":");
      return {
        hierarchy: Number(hierarchy),
        controllers: controllers === "" ? [] : controllers.split(","),
        path: path.join(":"),
      };
    });
