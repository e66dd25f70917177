import { GantryError } from "../../base/errors.ts";
import type { IdRange } from "../../base/id-map.ts";

/** What one row of /etc/subuid or /etc/subgid gives to somebody: `size` ids from `start` on. */
export interface SubIds {
  owner: string;
  start: number;
  size: number;
}

/** Rows of the kernel's id maps, but for one that the layers' views need. */
const MOST_RANGES = 339;
/** Where ranges begin that nobody chose, and how many ids they have. */
const FIRST_FREE = 100_000;
const COMMON_SIZE = 65_536;

const LAST_ID = 0xffff_fffd;

/** Rows of `name:start:count`; comments, empty lines and rows that make no sense are passed over. */
export function readSubIds(text: string): SubIds[] {
  return text.split("\n").flatMap((line) => {
    const [, owner, first, count] = /^([^:#]+):([0-9]+):([0-9]+)$/.exec(line.trim()) ?? [];
    if (owner === undefined) return [];
    const [start, size] = [Number(first), Number(count)];
    return size > 0 && start + size - 1 <= LAST_ID ? [{ owner, start, size }] : [];
  });
}

/**
 * All ranges of the first of `owners` that has any, as one run of ids from 0 on; in the order of the host's ids, as
 * Docker. Throws invalid NO_SUB_IDS and BAD_SUB_IDS.
 */
export function idRanges(rows: readonly SubIds[], owners: readonly string[], file: string): IdRange[] {
  const owner = owners.find((name) => rows.some((row) => row.owner === name));
  const own = rows.filter((row) => row.owner === owner).toSorted((a, b) => a.start - b.start);
  const [who = ""] = owners;
  if (own.length === 0) {
    const kind = file.endsWith("gid") ? "gid" : "uid";
    throw new GantryError("invalid", "NO_SUB_IDS", `no sub${kind} ranges found for ${JSON.stringify(who)} in ${file}`, {
      hint: `usermod --add-sub${kind}s ${FIRST_FREE}-${FIRST_FREE + COMMON_SIZE - 1} ${who}`,
    });
  }
  let inside = 0;
  let free = 1; // the host's root must never be one of a container's users
  const ranges = own.map(({ start, size }): IdRange => {
    if (start < free) throw badRange(who, file, start === 0 ? "holds the host's root" : "overlaps another of theirs");
    free = start + size;
    inside += size;
    return { inside: inside - size, outside: start, size };
  });
  if (ranges.length > MOST_RANGES) throw badRange(who, file, `is one of more than ${MOST_RANGES}`);
  return ranges;
}

const badRange = (who: string, file: string, why: string): GantryError =>
  new GantryError("invalid", "BAD_SUB_IDS", `a range of ${who} in ${file} ${why}`, { hint: `correct ${file}` });

/** The first ids from 100000 on that none of the rows has, for a new row. */
export function freeRange(rows: readonly SubIds[]): { first: number; last: number } {
  let first = FIRST_FREE;
  for (const { start, size } of rows.toSorted((a, b) => a.start - b.start)) {
    if (start < first + COMMON_SIZE && start + size > first) first = start + size;
  }
  return { first, last: first + COMMON_SIZE - 1 };
}
