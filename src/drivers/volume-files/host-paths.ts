import fs from "node:fs";
import { GantryError, messageOf } from "../../base/errors.ts";
import type { HostPaths } from "../../ports/volume-files.ts";

export class LinuxHostPaths implements HostPaths {
  typeOf(path: string): "directory" | "other" | undefined {
    try {
      return fs.statSync(path).isDirectory() ? "directory" : "other";
    } catch {
      return undefined;
    }
  }

  makeDirectory(path: string): void {
    try {
      fs.mkdirSync(path, { recursive: true, mode: 0o755 });
    } catch (cause) {
      throw new GantryError(
        "invalid",
        "BAD_BIND_SOURCE",
        `error while creating mount source path '${path}': ${messageOf(cause)}`,
        { cause },
      );
    }
  }
}
