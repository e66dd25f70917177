import { errnoOf, GantryError } from "../../base/errors.ts";

/** A full disk in words; any other error as it is. */
export function diskError(e: unknown): unknown {
  const code = errnoOf(e);
  if (code !== "ENOSPC" && code !== "EDQUOT") return e;
  return new GantryError("internal", "DISK_FULL", "no space left on device", { cause: e });
}
