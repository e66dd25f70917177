import fs from "node:fs";
import { errnoOf, GantryError, messageOf } from "../../base/errors.ts";

/** In the thread's network namespace. A kernel without the part has nothing to set. */
export function writeSysctl(name: string, value: string): void {
  try {
    fs.writeFileSync(`/proc/sys/net/${name}`, value);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
}

/** In the thread's network namespace; a user asked for it. */
export function applySetting(name: string, value: string): void {
  try {
    fs.writeFileSync(`/proc/sys/net/${name}`, value);
  } catch (cause) {
    const setting = `net.${name.replaceAll("/", ".")}`;
    throw new GantryError("invalid", "BAD_LINK_SETTING", `failed to set ${setting}=${value}: ${messageOf(cause)}`, {
      cause,
    });
  }
}
