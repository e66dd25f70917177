/** A row of /proc/PID/uid_map: `size` ids, in the user namespace from `inside` on, on the host from `outside` on. */
export interface IdRange {
  inside: number;
  outside: number;
  size: number;
}

/** How a user namespace's ids are the host's. */
export interface IdMap {
  uids: readonly IdRange[];
  gids: readonly IdRange[];
}

/** A user namespace that containers are in. */
export interface UserNamespace {
  /** A file that it is bound to. */
  path: string;
  map: IdMap;
}

export interface Owner {
  uid: number;
  gid: number;
}

/** The host's id for one inside; undefined: the namespace has no such id. */
export function outsideOf(ranges: readonly IdRange[], id: number): number | undefined {
  const range = ranges.find(({ inside, size }) => id >= inside && id < inside + size);
  return range && range.outside + id - range.inside;
}

/** The id inside for one of the host's; undefined: it is not the namespace's. */
export function insideOf(ranges: readonly IdRange[], id: number): number | undefined {
  const range = ranges.find(({ outside, size }) => id >= outside && id < outside + size);
  return range && range.inside + id - range.outside;
}

/** The owner as the host sees it. Without a map: as it is. Ids that the map lacks stay out: undefined. */
export function ownerOutside(map: IdMap | undefined, { uid, gid }: Owner): Owner | undefined {
  if (map === undefined) return { uid, gid };
  const outside = { uid: outsideOf(map.uids, uid), gid: outsideOf(map.gids, gid) };
  return outside.uid === undefined || outside.gid === undefined ? undefined : (outside as Owner);
}

/** Who root inside is on the host. Without a map: root. Every map that the engine works with has a root. */
export const rootOf = (map: IdMap | undefined): Owner =>
  ownerOutside(map, { uid: 0, gid: 0 }) ?? { uid: 65534, gid: 65534 };

/** What is written to uid_map and gid_map. */
export const mapText = (ranges: readonly IdRange[]): string =>
  ranges.map(({ inside, outside, size }) => `${inside} ${outside} ${size}\n`).join("");
