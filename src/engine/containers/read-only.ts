import { GantryError } from "../../base/errors.ts";
import { type ContainerRecord, isUp } from "./record.ts";

const refused = (message: string): GantryError => new GantryError("forbidden", "READ_ONLY", message);

/**
 * Whether a folder (absolute, without links) may be written to from outside: what is mounted there decides, else the root.
 * `resolve` takes the links out of a mount's destination. Throws forbidden READ_ONLY in Docker's words.
 */
export function refuseReadOnly(
  record: ContainerRecord,
  folder: string,
  resolve: (destination: string) => string,
): void {
  const { hostConfig, mounts } = record;
  const rows = [
    ...mounts.map((row) => ({ at: row.Destination, writable: row.RW, lasting: row.Type !== "tmpfs" })),
    ...Object.entries(hostConfig.Tmpfs ?? {}).map(([at, options]) => ({
      at,
      writable: !options.split(",").includes("ro"),
      lasting: false,
    })),
  ];
  const covering = rows
    .filter(({ lasting }) => lasting || isUp(record))
    .map((row) => ({ ...row, at: resolve(row.at) }))
    .filter(({ at }) => folder === at || folder.startsWith(`${at}/`))
    .toSorted((a, b) => b.at.length - a.at.length)[0];
  if (covering?.writable === false) throw refused("mounted volume is marked read-only");
  if (covering === undefined && hostConfig.ReadonlyRootfs) throw refused("container rootfs is marked read-only");
}
