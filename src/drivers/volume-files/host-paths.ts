import fs from "node:fs";
import path from "node:path";
import { GantryError, messageOf } from "../../base/errors.ts";
import type { Owner } from "../../base/id-map.ts";
import type { HostPaths } from "../../ports/volume-files.ts";
import { type MountRow, readMountTable } from "./mount-table.ts";

export class LinuxHostPaths implements HostPaths {
  typeOf(file: string): "directory" | "other" | undefined {
    try {
      return fs.statSync(file).isDirectory() ? "directory" : "other";
    } catch {
      return undefined;
    }
  }

  propagationOf(file: string): { mountPoint: string; peers: "shared" | "slave" | "none" } {
    const real = fs.realpathSync(file);
    const holds = ({ mountPoint }: MountRow): boolean => mountPoint === "/" || `${real}/`.startsWith(`${mountPoint}/`);
    const rows = readMountTable().filter(holds);
    const longest = Math.max(...rows.map((row) => row.mountPoint.length));
    // of mounts on one place the last one counts
    const row = rows.findLast(({ mountPoint }) => mountPoint.length === longest);
    return row ?? { mountPoint: "/", peers: "none" };
  }

  makeDirectory(folder: string, owner?: Owner): void {
    try {
      const topmost = fs.mkdirSync(folder, { recursive: true, mode: 0o755 });
      if (owner === undefined || topmost === undefined) return;
      for (let made = path.resolve(folder); ; made = path.dirname(made)) {
        fs.chownSync(made, owner.uid, owner.gid);
        if (made === topmost) return;
      }
    } catch (cause) {
      throw new GantryError(
        "invalid",
        "BAD_BIND_SOURCE",
        `error while creating mount source path '${folder}': ${messageOf(cause)}`,
        { cause },
      );
    }
  }
}
