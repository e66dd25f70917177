import { GantryError } from "../../base/errors.ts";

/** A tree and the bytes it takes on the disk. */
export interface FrozenTree {
  tree: string;
  size: number;
}

/** A snapshot as the index keeps it (bucket `snapshots`, key: container id and name). */
export interface SnapshotRecord {
  container: string;
  name: string;
  created: string;
  /** What the container had changed in its image's files; absent: it had never run. */
  layer?: FrozenTree;
  /** Its volumes, by where they are mounted: a volume may be renamed. */
  volumes: (FrozenTree & { destination: string })[];
}

export const SNAPSHOTS = "snapshots";

export const snapshotKey = ({ container, name }: Pick<SnapshotRecord, "container" | "name">): string =>
  `${container}/${name}`;

export const treesOf = ({ layer, volumes }: SnapshotRecord): string[] =>
  [...(layer ? [layer] : []), ...volumes].map(({ tree }) => tree);

export const sizeOf = ({ layer, volumes }: SnapshotRecord): number =>
  volumes.reduce((sum, { size }) => sum + size, layer?.size ?? 0);

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;

/** Throws invalid BAD_SNAPSHOT_NAME. */
export function checkSnapshotName(name: string): void {
  if (NAME.test(name)) return;
  throw new GantryError(
    "invalid",
    "BAD_SNAPSHOT_NAME",
    `invalid name of a snapshot: ${JSON.stringify(name)}: only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed, 128 at most`,
  );
}
