import fs from "node:fs";
import { GantryError, messageOf } from "../../base/errors.ts";
import type { HostPaths } from "../../ports/volume-files.ts";
import { type MountRow, readMountTable } from "./mount-table.ts";

export class LinuxHostPaths implements HostPaths {
  typeOf(path: string): "directory" | "other" | undefined {
    try {
      return fs.statSync(path).isDirectory() ? "directory" : "other";
    } catch {
      return undefined;
    }
  }

  propagationOf(path: string): { mountPoint: string; peers: "shared" | "slave" | "none" } {
    const real = fs.realpathSync(path);
    const holds = ({ mountPoint }: MountRow): boolean => mountPoint === "/" || `${real}/`.startsWith(`${mountPoint}/`);
    const rows = readMountTable().filter(holds);
    const longest = Math.max(...rows.map((row) => row.mountPoint.length));
    // of mounts on one place the last one counts
    const row = rows.findLast(({ mountPoint }) => mountPoint.length === longest);
    return row ?? { mountPoint: "/", peers: "none" };
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
