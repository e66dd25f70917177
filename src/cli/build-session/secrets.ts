import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { GantryError } from "../../base/errors.ts";
import { fileError } from "../file-errors.ts";
import { FlagError } from "../flags.ts";
import type { Surroundings } from "../run-options/key-values.ts";

/** What BuildKit allows too. */
const SECRET_LIMIT = 500 * 1024;

/** One `--secret`: a file's bytes or a variable's. */
export interface SecretSource {
  id: string;
  file?: string;
  variable?: string;
}

/** `id=npm,src=.npmrc`, `id=TOKEN,env=TOKEN`, or `id=TOKEN` for whichever there is. Throws FlagError. */
export function parseSecret(text: string): SecretSource {
  const given = new Map<string, string>();
  for (const field of text.split(",")) {
    const at = field.indexOf("=");
    if (at === -1) throw new FlagError(`invalid field '${field}' must be a key=value pair`);
    given.set(field.slice(0, at).toLowerCase(), field.slice(at + 1));
  }
  const source: SecretSource = { id: "" };
  let type = "";
  for (const [key, value] of given) {
    if (key === "type") type = value;
    else if (key === "id") source.id = value;
    else if (key === "source" || key === "src") source.file = value;
    else if (key === "env") source.variable = value;
    else throw new FlagError(`unexpected key '${key}' in '${text}'`);
  }
  if (!["", "file", "env"].includes(type)) throw new FlagError(`unsupported secret type "${type}"`);
  if (source.id === "") throw new FlagError(`secret without an id: '${text}'`);
  if (type === "env" && source.variable === undefined) {
    const { file, ...rest } = source;
    return { ...rest, variable: file ?? source.id };
  }
  return source;
}

/** Throws what the command says when a secret can't be read. */
export function readSecret(source: SecretSource, { cwd, env }: Surroundings): Buffer {
  const { id } = source;
  const named = source.variable ?? (source.file === undefined && env[id] !== undefined ? id : undefined);
  if (named !== undefined) {
    const value = env[named];
    if (value !== undefined) return limited(id, Buffer.from(value));
    throw new GantryError("notFound", "NO_SECRET", `secret ${id}: the variable ${named} is not set`);
  }
  const path = resolve(cwd, source.file ?? id);
  try {
    if (statSync(path).size > SECRET_LIMIT) throw tooLarge(id);
    return limited(id, readFileSync(path));
  } catch (error) {
    throw error instanceof GantryError ? error : fileError("open", path, error);
  }
}

function limited(id: string, data: Buffer): Buffer {
  if (data.length > SECRET_LIMIT) throw tooLarge(id);
  return data;
}

const tooLarge = (id: string): GantryError =>
  new GantryError("invalid", "SECRET_TOO_LARGE", `secret ${id} is larger than ${SECRET_LIMIT / 1024} KiB`);
