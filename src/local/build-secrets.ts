import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { GantryError } from "../base/errors.ts";

/** What BuildKit allows too. */
const SECRET_LIMIT = 500 * 1024;

/** A file's bytes or a variable's; neither named: whichever there is by its id. */
export interface SecretSource {
  id: string;
  file?: string;
  variable?: string;
}

/** Throws notFound NO_SECRET, invalid SECRET_TOO_LARGE, the file system's errors. */
export function readSecret(
  { id, file, variable }: SecretSource,
  { cwd, env }: { cwd: string; env: Record<string, string | undefined> },
): Buffer {
  const named = variable ?? (file === undefined && env[id] !== undefined ? id : undefined);
  if (named !== undefined) {
    const value = env[named];
    if (value !== undefined) return limitedSecret(id, Buffer.from(value));
    throw new GantryError("notFound", "NO_SECRET", `secret ${id}: the variable ${named} is not set`);
  }
  const path = resolve(cwd, file ?? id);
  if (statSync(path).size > SECRET_LIMIT) throw tooLarge(id);
  return limitedSecret(id, readFileSync(path));
}

export function limitedSecret(id: string, data: Buffer): Buffer {
  if (data.length > SECRET_LIMIT) throw tooLarge(id);
  return data;
}

const tooLarge = (id: string): GantryError =>
  new GantryError("invalid", "SECRET_TOO_LARGE", `secret ${id} is larger than ${SECRET_LIMIT / 1024} KiB`);
