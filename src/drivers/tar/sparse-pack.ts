import type { ByteString, Status } from "../syscalls/files.ts";
import { nextData, nextHole } from "../syscalls/holes.ts";
import { BLOCK, type Entry, type SparseRun } from "./entry.ts";
import type { PaxRecord } from "./pax.ts";
import { RUNS_MAX } from "./sparse.ts";

const SECTOR = 512;

export const hasHoles = ({ size, blocks }: Pick<Status, "size" | "blocks">): boolean => blocks * SECTOR < size;

/** The runs of data in an open file; undefined when there are more than a reader takes. */
export function sparseRuns(fd: number, size: number): SparseRun[] | undefined {
  const runs: SparseRun[] = [];
  for (let at = nextData(fd, 0); at !== undefined && at < size; ) {
    const end = Math.min(nextHole(fd, at), size);
    if (runs.push({ offset: at, length: end - at }) >= RUNS_MAX) return undefined;
    at = nextData(fd, end);
  }
  return runs;
}

/**
 * What stands before the data: the number of runs, then offset and length of each, padded to a block. The last run is an
 * empty one at the file's end: GNU tar makes the file as long as that.
 */
export function sparseMap(runs: SparseRun[], size: number): Buffer {
  const numbers = [runs.length + 1, ...runs.flatMap(({ offset, length }) => [offset, length]), size, 0];
  const text = Buffer.from(numbers.map((number) => `${number}\n`).join(""), "latin1");
  return Buffer.concat([text, Buffer.alloc((BLOCK - (text.length % BLOCK)) % BLOCK)]);
}

/** As readers that know nothing of holes see the entry; GNU's have their process id instead of the 0. */
export function sparseName(name: ByteString): ByteString {
  const slash = name.lastIndexOf("/") + 1;
  return `${name.slice(0, slash)}GNUSparseFile.0/${name.slice(slash)}`;
}

export const sparseRecords = ({ name, size }: Entry): PaxRecord[] => [
  ["GNU.sparse.major", Buffer.from("1")],
  ["GNU.sparse.minor", Buffer.from("0")],
  ["GNU.sparse.name", Buffer.from(name, "latin1")],
  ["GNU.sparse.realsize", Buffer.from(String(size))],
];
