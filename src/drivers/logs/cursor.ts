import fs from "node:fs";
import { type LogRecord, parseRecord, timeOf } from "./record.ts";

export const BLOCK = 64 * 1024;
const NEWLINE = 10;
const HEAD = 64;

export interface PlacedRecord extends LogRecord {
  /** Offset in the file just behind it. */
  end: number;
}

/** The time of a file's first record, which names the file whatever it is called; undefined while it has none. */
export function headOf(fd: number): string | undefined {
  const bytes = Buffer.alloc(HEAD);
  return timeOf(bytes.subarray(0, fs.readSync(fd, bytes, 0, HEAD, 0)));
}

/** A place in one open file, giving whole records. Closes the file. */
export class LogCursor {
  private readonly fd: number;
  private readonly inode: number;
  private offset: number;
  private rest: Buffer = Buffer.alloc(0);
  private known: string | undefined;

  constructor(fd: number, offset: number) {
    this.fd = fd;
    this.inode = fs.fstatSync(fd).ino;
    this.offset = offset;
  }

  get head(): string | undefined {
    this.known ??= headOf(this.fd);
    return this.known;
  }

  /** The records of the next block; undefined at the end of the file. */
  next(): PlacedRecord[] | undefined {
    const block = Buffer.allocUnsafe(BLOCK);
    const length = fs.readSync(this.fd, block, 0, BLOCK, this.offset);
    if (length === 0) return undefined;
    this.offset += length;
    const bytes =
      this.rest.length === 0 ? block.subarray(0, length) : Buffer.concat([this.rest, block.subarray(0, length)]);
    const base = this.offset - bytes.length;
    const records: PlacedRecord[] = [];
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      const record = parseRecord(bytes.subarray(start, end));
      start = end + 1;
      if (record) records.push({ ...record, end: base + start });
    }
    this.rest = bytes.subarray(start);
    return records;
  }

  grown(): boolean {
    return fs.fstatSync(this.fd).size > this.offset;
  }

  /** Whether the file at `path` is still this one, and as long as it was. */
  fate(path: string): "current" | "emptied" | "moved" {
    const stat = fs.statSync(path, { throwIfNoEntry: false });
    if (stat?.ino !== this.inode) return "moved";
    return stat.size < this.offset ? "emptied" : "current";
  }

  restart(): void {
    this.offset = 0;
    this.rest = Buffer.alloc(0);
    this.known = undefined;
  }

  close(): void {
    fs.closeSync(this.fd);
  }
}
