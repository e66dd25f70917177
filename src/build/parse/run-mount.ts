import { GantryError } from "../../base/errors.ts";
import { parseBytes } from "../../base/units.ts";
import type { Arguments, Flag } from "./arguments.ts";
import type { MountFlag } from "./instruction.ts";
import { nearest, Problem } from "./problem.ts";

const TYPES = ["bind", "cache", "tmpfs", "secret", "ssh"] as const;
type Type = (typeof TYPES)[number];
const SHARING = ["shared", "private", "locked"] as const;

/** Every name of an option, and the one that stands for it. */
const KEYS = {
  type: "type",
  target: "target",
  destination: "target",
  dst: "target",
  source: "source",
  src: "source",
  from: "from",
  id: "id",
  readonly: "readonly",
  ro: "readonly",
  readwrite: "readwrite",
  rw: "readwrite",
  sharing: "sharing",
  mode: "mode",
  uid: "uid",
  gid: "gid",
  size: "size",
  required: "required",
  env: "env",
} as const;
type Key = (typeof KEYS)[keyof typeof KEYS];

/** Options that mean something for some types only. */
const ONLY_FOR: Partial<Record<Key, readonly Type[]>> = {
  size: ["tmpfs"],
  required: ["secret", "ssh"],
  env: ["secret"],
  sharing: ["cache"],
  mode: ["cache", "secret", "ssh"],
  uid: ["cache", "secret", "ssh"],
  gid: ["cache", "secret", "ssh"],
};
const SWITCHES: readonly Key[] = ["readonly", "readwrite", "required"];
const SECRETS = "/run/secrets";
const LAST_ID = 2 ** 32 - 1;

/** What a mount's options are told wrongly; the caller adds the place. */
class MountError extends Error {
  readonly meant: string | undefined;

  constructor(message: string, meant?: string) {
    super(message);
    this.meant = meant;
  }
}

/** `--mount=type=cache,target=/root/.cache,…` as BuildKit reads it, checked as far as no variable hides it. */
export function writtenMount(args: Arguments, flag: Flag): MountFlag {
  const written = flag.value ?? "";
  try {
    const fields = fieldsOf(written);
    if (![...fields.values()].some((value) => /[$"'\\`]/.test(value))) return mountOf(written, fields);
    const from = fields.get("from");
    if (from !== undefined && /\$./.test(from)) {
      throw new MountError("'from' doesn't support variable expansion, define alias stage instead");
    }
    const type = TYPES.find((one) => one === fields.get("type")) ?? "bind";
    return { written, type, readonly: true, required: false, ...(from === undefined ? {} : { from }) };
  } catch (error) {
    if (!(error instanceof MountError)) throw error;
    throw args.problem(error.message, flag.word, error.meant);
  }
}

/** The mount with its variables filled in. Throws Problem for the given line. */
export function expandedMount(mount: MountFlag, expand: (text: string) => string, line: number): MountFlag {
  try {
    const fields = new Map([...fieldsOf(mount.written)].map(([key, value]) => [key, expand(value)]));
    return mountOf(mount.written, fields);
  } catch (error) {
    if (!(error instanceof MountError)) throw error;
    throw new Problem(error.message, { line, column: 1 }, 1, error.meant);
  }
}

function fieldsOf(written: string): Map<Key, string> {
  const fields = new Map<Key, string>();
  for (const field of csvFields(written)) {
    const [, name = "", value] = /^([^=]*)(?:=([^]*))?$/.exec(field) ?? [];
    const lower = name.toLowerCase();
    if (!Object.hasOwn(KEYS, lower)) {
      throw new MountError(`unexpected key '${lower}' in '${field}'`, nearest(lower, Object.keys(KEYS)));
    }
    const key = KEYS[lower as keyof typeof KEYS];
    if (value === undefined && !SWITCHES.includes(key)) {
      throw new MountError(`invalid field '${field}' must be a key=value pair`);
    }
    fields.set(key, value ?? "true");
  }
  return fields;
}

function mountOf(written: string, fields: ReadonlyMap<Key, string>): MountFlag {
  const type = choice("mount type", fields.get("type") ?? "bind", TYPES);
  for (const [key, types] of Object.entries(ONLY_FOR) as [Key, readonly Type[]][]) {
    if (!fields.has(key) || types.includes(type)) continue;
    throw new MountError(`${key} not allowed for "${type}" type mounts`);
  }
  const sharing = fields.get("sharing");
  const mount: MountFlag = {
    written,
    type,
    ...optional("target", fields.get("target")),
    ...optional("source", fields.get("source")),
    ...optional("from", fields.get("from")),
    ...optional("id", fields.get("id")),
    readonly: isReadonly(type, fields),
    ...optional("sharing", sharing === undefined ? undefined : choice("sharing value", sharing, SHARING)),
    ...optional("mode", number(fields, "mode", /^[0-7]+$/, 8)),
    ...optional("uid", number(fields, "uid", /^\d+$/, 10)),
    ...optional("gid", number(fields, "gid", /^\d+$/, 10)),
    ...optional("size", size(fields.get("size"))),
    required: on(fields, "required") ?? false,
    ...optional("env", fields.get("env")),
  };
  return type === "secret" ? secret(mount) : located(mount);
}

function located(mount: MountFlag): MountFlag {
  if (mount.type !== "ssh" && !mount.target) throw new MountError("target is required");
  return mount;
}

/** Its id is given as such, as the source, or by the target's last part; without a variable it is a file in /run/secrets. */
function secret(mount: MountFlag): MountFlag {
  if (mount.from !== undefined) throw new MountError("secret mount should not have a from");
  if (mount.source !== undefined && mount.id !== undefined) throw new MountError("both source and id can't be set");
  const id = mount.id ?? mount.source ?? mount.target?.split("/").findLast((part) => part !== "");
  if (!id) throw new MountError("invalid secret mount. one of source, target required");
  const { source: _, ...rest } = mount;
  const target = mount.target ?? (mount.env === undefined ? `${SECRETS}/${id.split("/").at(-1)}` : undefined);
  return { ...rest, id, ...(target === undefined ? {} : { target }) };
}

function isReadonly(type: Type, fields: ReadonlyMap<Key, string>): boolean {
  const writable = on(fields, "readwrite");
  return on(fields, "readonly") ?? (writable === undefined ? type !== "cache" && type !== "tmpfs" : !writable);
}

function choice<T extends string>(what: string, given: string, known: readonly T[]): T {
  const found = known.find((one) => one === given.toLowerCase());
  if (found === undefined) throw new MountError(`unsupported ${what} "${given}"`, nearest(given, known));
  return found;
}

/** A switch as Go reads it. */
function on(fields: ReadonlyMap<Key, string>, key: Key): boolean | undefined {
  const value = fields.get(key);
  if (value === undefined) return undefined;
  if (/^(?:1|t|true|T|TRUE|True)$/.test(value)) return true;
  if (/^(?:0|f|false|F|FALSE|False)$/.test(value)) return false;
  throw new MountError(`invalid value for ${key}: ${value}`);
}

function number(fields: ReadonlyMap<Key, string>, key: Key, shape: RegExp, radix: number): number | undefined {
  const text = fields.get(key);
  if (text === undefined) return undefined;
  const value = Number.parseInt(text, radix);
  if (!shape.test(text) || value > LAST_ID) throw new MountError(`invalid value ${text} for ${key}`);
  return value;
}

function size(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  try {
    return parseBytes(text);
  } catch (error) {
    if (!(error instanceof GantryError)) throw error;
    throw new MountError(`invalid value for size: ${text}`);
  }
}

/** The field, unless its value is missing. */
const optional = <K extends keyof MountFlag>(key: K, value: MountFlag[K] | undefined): Pick<MountFlag, K> | object =>
  value === undefined ? {} : { [key]: value };

/** Comma-separated, a field may stand in double quotes. */
function csvFields(text: string): string[] {
  return [...text.matchAll(/"((?:[^"]|"")*)"(?:,|$)|([^,]*)(?:,|$)/g)]
    .map((m) => (m[1] === undefined ? (m[2] ?? "") : m[1].replaceAll('""', '"')))
    .filter((field) => field !== "");
}
