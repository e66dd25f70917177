import fs from "node:fs";
import { parseTimestamp } from "../../base/timestamps.ts";
import type { ContainerLogs, LogEntry, LogQuery } from "../../ports/container-logs.ts";
import { type LogRecord, parseRecord } from "./record.ts";

const BLOCK = 256 * 1024;
const NEWLINE = 10;

/** Reads conmon's log files, oldest first, and follows the newest across rotations. */
export class K8sLogs implements ContainerLogs {
  size(path: string): number {
    return fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }

  rotate(path: string, keep: number): void {
    for (let n = keep - 1; n >= 1; n--) {
      const older = `${path}.${n}`;
      const newer = n === 1 ? path : `${path}.${n - 1}`;
      if (fs.existsSync(newer)) fs.renameSync(newer, older);
    }
    if (keep <= 1) fs.truncateSync(path);
  }

  async *read(path: string, query: LogQuery): AsyncGenerator<LogEntry> {
    const open = { stdout: false, stderr: false };
    const pick = (record: LogRecord): LogEntry | undefined => {
      const entry = { ...record.entry, continued: open[record.entry.stream] };
      open[record.entry.stream] = !record.complete;
      if (query.since === undefined && query.until === undefined) return entry;
      const at = parseTimestamp(entry.time, 0);
      const early = query.since !== undefined && at < query.since;
      const late = query.until !== undefined && at > query.until;
      return early || late ? undefined : entry;
    };
    const files = oldestFirst(path);
    const starts = query.tail === undefined ? undefined : tailStarts(files, query.tail);
    for (const [index, file] of files.entries()) {
      const last = index === files.length - 1;
      const start = starts?.[index] ?? 0;
      if (start < 0) continue;
      const cursor = new LogCursor(file, start);
      try {
        for (;;) {
          for (let record = cursor.next(); record !== undefined; record = cursor.next()) {
            if (query.signal?.aborted) return;
            const entry = pick(record);
            if (entry) yield entry;
          }
          if (!last || !query.follow || query.signal?.aborted) break;
          if (query.until !== undefined && BigInt(Date.now()) * 1_000_000n > query.until) break;
          if (cursor.rotated(path)) continue;
          // Asked before the last look at the file: what was written before the end is still read.
          const ended = query.ended?.() ?? false;
          if (cursor.grown()) continue;
          if (ended) break;
          await changed(path, query, () => cursor.grown());
        }
      } finally {
        cursor.close();
      }
    }
  }
}

/** path.4, path.3, … path; those that exist. */
function oldestFirst(path: string): string[] {
  const files = [path];
  for (let n = 1; fs.existsSync(`${path}.${n}`); n++) files.unshift(`${path}.${n}`);
  return files.filter((file) => fs.existsSync(file));
}

/** Where to begin in each file so that the last `lines` lines come; -1: skip the file. */
function tailStarts(files: string[], lines: number): number[] {
  const starts = files.map(() => -1);
  let wanted = lines;
  for (let index = files.length - 1; index >= 0; index--) {
    const file = files[index] as string;
    if (wanted <= 0) {
      // Nothing old is wanted, but a follow begins at the end of the newest.
      if (index === files.length - 1) starts[index] = fs.statSync(file).size;
      continue;
    }
    const found = startOfLast(file, wanted);
    starts[index] = found.offset;
    wanted -= found.lines;
  }
  return starts;
}

/** Walks back from the end, block by block, until `lines` lines of output have begun. */
function startOfLast(file: string, lines: number): { offset: number; lines: number } {
  const fd = fs.openSync(file, "r");
  try {
    const size = fs.fstatSync(fd).size;
    let tail = Buffer.alloc(0);
    let from = size;
    let seen = 0;
    let start = size;
    let first = true;
    while (from > 0) {
      const length = Math.min(BLOCK, from);
      from -= length;
      const block = Buffer.alloc(length);
      fs.readSync(fd, block, 0, length, from);
      tail = Buffer.concat([block, tail]);
      for (;;) {
        // The record before `start` ends with the newline at start - 1.
        const end = start - from - 1;
        const before = end <= 0 ? -1 : tail.lastIndexOf(NEWLINE, end - 1);
        if (before < 0 && from > 0) break;
        const at = from + before + 1;
        if (at >= start) break;
        const record = parseRecord(tail.subarray(at - from, Math.max(end, 0)));
        // A complete record ends a line; so does the very last one, also when its newline never came.
        if (record && (record.complete || first)) {
          if (seen === lines) return { offset: start, lines };
          seen++;
        }
        first = false;
        start = at;
        tail = tail.subarray(0, at - from);
        if (start === 0) return { offset: 0, lines: seen };
      }
    }
    return { offset: 0, lines: seen };
  } finally {
    fs.closeSync(fd);
  }
}

/** Resolves when the log may have grown, the container may have ended, or the reader left. */
function changed(path: string, query: LogQuery, already: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      watcher.close();
      clearTimeout(timer);
      forget?.();
      query.signal?.removeEventListener("abort", done);
      resolve();
    };
    let forget: (() => void) | undefined;
    const watcher = fs.watch(path, done);
    watcher.on("error", done);
    // A rotation renames the file; the watch follows the old one, so look again soon.
    const timer = setTimeout(done, 1000);
    query.signal?.addEventListener("abort", done, { once: true });
    forget = query.onEnd?.(done);
    if (already() || query.ended?.()) done();
  });
}

/** A place in one file, giving whole records. */
class LogCursor {
  private fd: number;
  private inode: number;
  private offset: number;
  private rest: Buffer = Buffer.alloc(0);

  constructor(file: string, offset: number) {
    this.fd = fs.openSync(file, "r");
    this.inode = fs.fstatSync(this.fd).ino;
    this.offset = offset;
  }

  next(): LogRecord | undefined {
    for (;;) {
      const end = this.rest.indexOf(NEWLINE);
      if (end >= 0) {
        const record = parseRecord(this.rest.subarray(0, end));
        this.rest = this.rest.subarray(end + 1);
        if (record) return record;
        continue;
      }
      if (!this.fill()) return undefined;
    }
  }

  grown(): boolean {
    return fs.fstatSync(this.fd).size > this.offset;
  }

  /** Moves on to the new file if the log was rotated and the old one is read to its end. */
  rotated(path: string): boolean {
    const stat = fs.statSync(path, { throwIfNoEntry: false });
    if (!stat || stat.ino === this.inode || stat.size === 0 || this.grown()) return false;
    fs.closeSync(this.fd);
    this.fd = fs.openSync(path, "r");
    this.inode = fs.fstatSync(this.fd).ino;
    this.offset = 0;
    this.rest = Buffer.alloc(0);
    return true;
  }

  close(): void {
    fs.closeSync(this.fd);
  }

  private fill(): boolean {
    const block = Buffer.allocUnsafe(BLOCK);
    const length = fs.readSync(this.fd, block, 0, BLOCK, this.offset);
    if (length === 0) return false;
    this.offset += length;
    const bytes = block.subarray(0, length);
    this.rest = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    return true;
  }
}
