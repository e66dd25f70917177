import { parseBytes } from "../../base/units.ts";
import type { Arguments, Flag } from "./arguments.ts";
import type { MountFlag } from "./instruction.ts";
import { nearest } from "./problem.ts";

const TYPES = ["bind", "cache", "tmpfs", "secret", "ssh"] as const;
const KEYS = [
  "type",
  "target",
  "destination",
  "dst",
  "source",
  "src",
  "from",
  "id",
  "readonly",
  "ro",
  "rw",
  "readwrite",
  "sharing",
  "mode",
  "uid",
  "gid",
  "size",
  "required",
  "env",
];

/** `--mount=type=cache,target=/root/.cache,…` as BuildKit writes it. */
export function runMount(args: Arguments, flag: Flag): MountFlag {
  const bad = (message: string, meant?: string): Error => args.problem(message, flag.word, meant);
  const given = new Map<string, string>();
  for (const field of csvFields(flag.value ?? "")) {
    const cut = field.indexOf("=");
    const key = (cut < 0 ? field : field.slice(0, cut)).toLowerCase();
    if (!KEYS.includes(key)) throw bad(`unexpected key '${key}' in '${field}'`, nearest(key, KEYS));
    given.set(key, cut < 0 ? "true" : field.slice(cut + 1));
  }
  const number = (key: string, radix: number): number | undefined => {
    const text = given.get(key);
    if (text === undefined) return undefined;
    const value = Number.parseInt(text, radix);
    if (!Number.isSafeInteger(value) || value < 0) throw bad(`invalid value for ${key}: ${text}`);
    return value;
  };
  const on = (key: string): boolean => given.has(key) && given.get(key)?.toLowerCase() !== "false";
  const type = given.get("type") ?? "bind";
  if (!isType(type)) throw bad(`unsupported mount type "${type}"`, nearest(type, TYPES));
  const sharing = given.get("sharing");
  if (sharing !== undefined && sharing !== "shared" && sharing !== "private" && sharing !== "locked") {
    throw bad(`unsupported sharing value "${sharing}"`);
  }
  const readonly =
    given.has("readonly") || given.has("ro")
      ? on("readonly") || on("ro")
      : type === "bind" && !(on("rw") || on("readwrite"));
  const mount: MountFlag = {
    type,
    ...optional("target", given.get("target") ?? given.get("destination") ?? given.get("dst")),
    ...optional("source", given.get("source") ?? given.get("src")),
    ...optional("from", given.get("from")),
    ...optional("id", given.get("id")),
    readonly,
    ...optional("sharing", sharing),
    ...optional("mode", number("mode", 8)),
    ...optional("uid", number("uid", 10)),
    ...optional("gid", number("gid", 10)),
    ...optional("size", given.has("size") ? parseBytes(given.get("size") ?? "") : undefined),
    required: on("required"),
    ...optional("env", given.get("env")),
  };
  if (mount.target === undefined && (type === "cache" || type === "tmpfs" || type === "bind")) {
    throw bad("target is required");
  }
  return mount;
}

const isType = (text: string): text is MountFlag["type"] => (TYPES as readonly string[]).includes(text);

/** The field, unless its value is missing. */
const optional = <K extends keyof MountFlag>(key: K, value: MountFlag[K] | undefined): Pick<MountFlag, K> | object =>
  value === undefined ? {} : { [key]: value };

/** Comma-separated, a field may stand in double quotes. */
function csvFields(text: string): string[] {
  return [...text.matchAll(/"((?:[^"]|"")*)"(?:,|$)|([^,]*)(?:,|$)/g)]
    .map((m) => (m[1] === undefined ? (m[2] ?? "") : m[1].replaceAll('""', '"')))
    .filter((field) => field !== "");
}
