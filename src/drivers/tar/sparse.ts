import type { ByteString } from "../syscalls/files.ts";
import { badArchive, BLOCK, type SparseRun } from "./entry.ts";
import { parseDecimal, parseNumber } from "./numbers.ts";
import type { PaxRecord } from "./pax.ts";

/** How a sparse file is described; without `runs` the map stands before the data (PAX 1.0). */
export interface SparseInfo {
  realSize: number;
  name?: ByteString;
  runs?: SparseRun[];
}

/** Runs that one file may have; each costs memory. */
export const RUNS_MAX = 100_000;

function push(runs: SparseRun[], offset: number, length: number): void {
  if (offset < 0 || length < 0) throw badArchive("negative number in a sparse map");
  if (runs.length >= RUNS_MAX) throw badArchive("sparse map too long");
  if (length > 0) runs.push({ offset, length });
}

/** GNU's old format: four runs in the header, then blocks of 21 each. */
export class OldSparseMap {
  readonly info: SparseInfo & { runs: SparseRun[] };
  complete: boolean;

  constructor(header: Buffer) {
    const realSize = parseNumber(header, 483, 12);
    if (realSize < 0) throw badArchive("negative size of a sparse file");
    this.info = { realSize, runs: [] };
    this.#take(header, 386, 4);
    this.complete = header[482] === 0;
  }

  /** Takes an extension block; true when it was the last. */
  block(block: Buffer): boolean {
    this.#take(block, 0, 21);
    this.complete = block[504] === 0;
    return this.complete;
  }

  #take(block: Buffer, start: number, count: number): void {
    for (let at = start; at < start + count * 24 && block[at] !== 0; at += 24) {
      push(this.info.runs, parseNumber(block, at, 12), parseNumber(block, at + 12, 12));
    }
  }
}

/** PAX 1.0: decimal lines (count, then offset and length of each run) before the data, padded to a block. */
export class PaxSparseMap {
  readonly runs: SparseRun[] = [];
  #numbers: number[] = [];
  #line = "";
  #consumed = 0;
  #count: number | undefined;

  /** Takes bytes; when the map is complete gives those that belong to the data. */
  write(bytes: Buffer): Buffer | undefined {
    for (let at = 0; at < bytes.length; at++) {
      this.#consumed++;
      if (this.#count !== undefined && this.runs.length + this.#empty === this.#count) {
        // only padding is left
        if (this.#consumed % BLOCK === 0) return bytes.subarray(at + 1);
        continue;
      }
      const byte = bytes[at]!;
      if (byte !== 0x0a) {
        this.#line += String.fromCharCode(byte);
        if (this.#line.length > 20) throw badArchive("malformed sparse map");
        continue;
      }
      this.#number(parseDecimal(this.#line, "sparse map"));
      this.#line = "";
      if (this.runs.length + this.#empty === this.#count && this.#consumed % BLOCK === 0) return bytes.subarray(at + 1);
    }
    return undefined;
  }

  #empty = 0;

  #number(value: number): void {
    if (this.#count === undefined) {
      if (value < 0 || value > RUNS_MAX) throw badArchive("sparse map too long");
      this.#count = value;
      return;
    }
    if (this.#numbers.push(value) < 2) return;
    const before = this.runs.length;
    push(this.runs, this.#numbers[0]!, this.#numbers[1]!);
    if (this.runs.length === before) this.#empty++;
    this.#numbers = [];
  }
}

/** What PAX records say of a sparse file (0.0, 0.1 and 1.0), or undefined for an ordinary one. */
export function sparseInHeader(records: PaxRecord[]): SparseInfo | undefined {
  const of = (key: string): string | undefined => records.findLast(([k]) => k === key)?.[1].toString("latin1");
  const size = of("GNU.sparse.realsize") ?? of("GNU.sparse.size");
  if (size === undefined) return undefined;
  const realSize = parseDecimal(size, "GNU.sparse.size");
  if (realSize < 0) throw badArchive("negative size of a sparse file");
  const name = of("GNU.sparse.name");
  const info: SparseInfo = { realSize, ...(name === undefined ? {} : { name }) };
  if (name?.includes("\0")) throw badArchive("NUL in a name");
  if (of("GNU.sparse.major") === "1") return info;
  const map = of("GNU.sparse.map");
  const numbers =
    map === undefined
      ? records
          .filter(([k]) => k === "GNU.sparse.offset" || k === "GNU.sparse.numbytes")
          .map(([, v]) => v.toString("latin1"))
      : map.split(",").filter((part) => part !== "");
  if (numbers.length % 2 !== 0) throw badArchive("malformed sparse map");
  const runs: SparseRun[] = [];
  for (let i = 0; i < numbers.length; i += 2) {
    push(runs, parseDecimal(numbers[i]!, "sparse map"), parseDecimal(numbers[i + 1]!, "sparse map"));
  }
  return { ...info, runs };
}
