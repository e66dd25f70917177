import fs from "node:fs";
import { setImmediate } from "node:timers/promises";
import type { LogKeeping } from "../../base/logging/keeping.ts";
import { parseTimestamp } from "../../base/timestamps.ts";
import type { ContainerLogs, LogEntry, LogMark, LogPlace, LogQuery, PlacedEntry } from "../../ports/container-logs.ts";
import { LogCursor, type PlacedRecord } from "./cursor.ts";
import { headOfFile, oldestFirst, openLog } from "./files.ts";
import { readMark, writeMark } from "./mark.ts";
import { LogSettler, rotateFiles } from "./rotation.ts";
import { openTail } from "./tail.ts";

/** Reads conmon's log files, oldest first, and follows the newest across rotations. */
export class K8sLogs implements ContainerLogs {
  private readonly settler = new LogSettler();

  size(path: string): number | undefined {
    return fs.statSync(path, { throwIfNoEntry: false })?.size;
  }

  rotate(path: string, keeping: LogKeeping): void {
    rotateFiles(path, keeping);
  }

  settle(path: string, keeping: LogKeeping): Promise<void> {
    return this.settler.settle(path, keeping);
  }

  onWrite(path: string, wake: () => void): (() => void) | undefined {
    const watcher = watch(path, () => {
      watcher?.close();
      wake();
    });
    return watcher && (() => watcher.close());
  }

  mark(path: string): LogMark | undefined {
    return readMark(path);
  }

  setMark(path: string, mark: LogMark): void {
    writeMark(path, mark);
  }

  async *read(path: string, query: LogQuery): AsyncGenerator<LogEntry> {
    const open = { stdout: false, stderr: false };
    const bounded = query.since !== undefined || query.until !== undefined;
    // Without a follow it ends with what is there now, however fast more comes.
    const end = query.follow ? undefined : endOf(path);
    let last = "";
    const start = await this.begin(path, query.tail);
    if (!start) return;
    for await (const { file, records } of blocks(path, start, query)) {
      if (end && last === end.file && file !== end.file) return;
      last = file;
      for (const { entry, complete, end: offset } of records) {
        if (end && file === end.file && offset > end.offset) return;
        const continued = open[entry.stream];
        open[entry.stream] = !complete;
        if (bounded) {
          const at = parseTimestamp(entry.time, 0);
          if (query.since !== undefined && at < query.since) continue;
          if (query.until !== undefined && at > query.until) continue;
        }
        if (query.signal?.aborted) return;
        yield { ...entry, continued };
      }
    }
  }

  async *readOn(
    path: string,
    from: LogPlace | undefined,
    query: Pick<LogQuery, "ended" | "onEnd" | "signal">,
  ): AsyncGenerator<PlacedEntry[]> {
    const files = oldestFirst(path);
    const known = from && files.find((file) => headOfFile(file) === from.file);
    const first = known ?? files[0];
    const start: Start = first
      ? { cursor: new LogCursor(await openLog(first), known && from ? from.offset : 0) }
      : // Made here for the monitor to append to.
        { cursor: new LogCursor(fs.openSync(path, "a+", 0o640), 0) };
    if (from && !known) start.skipBefore = from.time;
    for await (const { file, records } of blocks(path, start, { ...query, follow: true })) {
      yield records.map(({ entry, end }) => ({ ...entry, place: { file, offset: end, time: entry.time } }));
    }
  }

  private async begin(path: string, tail: number | undefined): Promise<Start | undefined> {
    const files = oldestFirst(path);
    if (tail !== undefined) {
      const found = await openTail(files, tail);
      return found && { cursor: new LogCursor(found.fd, found.offset) };
    }
    return files[0] && { cursor: new LogCursor(await openLog(files[0]), 0) };
  }
}

/** The end of the newest file that has something in it. */
function endOf(path: string): { file: string; offset: number } | undefined {
  for (const file of oldestFirst(path).toReversed()) {
    const head = headOfFile(file);
    if (head === undefined) continue;
    return { file: head, offset: file.compressed ? Number.POSITIVE_INFINITY : fs.statSync(file.path).size };
  }
  return undefined;
}

interface Start {
  cursor: LogCursor;
  /** Records before this time have been read already. */
  skipBefore?: string;
}

/** Records block by block, file after file; gives way to others between two blocks. */
async function* blocks(
  path: string,
  start: Start,
  query: LogQuery,
): AsyncGenerator<{ file: string; records: PlacedRecord[] }> {
  let { cursor, skipBefore = "" } = start;
  let last = "";
  try {
    for (;;) {
      const records = cursor.next()?.filter(({ entry }) => entry.time >= skipBefore);
      if (query.signal?.aborted) return;
      if (records) {
        last = records.at(-1)?.entry.time ?? last;
        if (records.length > 0) yield { file: cursor.head ?? "", records };
        await setImmediate();
        continue;
      }
      const fate = cursor.fate(path);
      if (fate === "emptied") {
        cursor.restart();
        continue;
      }
      // Asked before the last looks at the files: what was written before the end is still read.
      const ended = query.ended?.() ?? false;
      if (cursor.grown()) continue;
      const next = fate === "moved" ? await successor(path, cursor) : undefined;
      if (next) {
        cursor.close();
        cursor = next.cursor;
        skipBefore = next.lost ? last : "";
        continue;
      }
      if (!query.follow || ended) return;
      if (query.until !== undefined && BigInt(Date.now()) * 1_000_000n > query.until) return;
      await changed(path, query, () => cursor.grown());
    }
  } finally {
    cursor.close();
  }
}

/** The file after the cursor's; the oldest if the cursor's own has been dropped or cut since. */
async function successor(path: string, cursor: LogCursor): Promise<{ cursor: LogCursor; lost: boolean } | undefined> {
  const files = oldestFirst(path);
  const at = files.findIndex((file) => headOfFile(file) === cursor.head);
  const next = files[at + 1];
  return next && { cursor: new LogCursor(await openLog(next), 0), lost: at < 0 };
}

function watch(path: string, wake: () => void): fs.FSWatcher | undefined {
  try {
    const watcher = fs.watch(path, { persistent: false }, wake);
    watcher.on("error", wake);
    return watcher;
  } catch {
    return undefined; // between a rotation and the monitor's new file there is none
  }
}

/** Resolves when the log may have grown, the container may have ended, or the reader left. */
function changed(path: string, query: LogQuery, already: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      watcher?.close();
      clearTimeout(timer);
      forget?.();
      query.signal?.removeEventListener("abort", done);
      resolve();
    };
    let forget: (() => void) | undefined;
    const watcher = watch(path, done);
    // A rotation renames the file; the watch follows the old one, so look again soon.
    const timer = setTimeout(done, watcher ? 1000 : 20);
    query.signal?.addEventListener("abort", done, { once: true });
    forget = query.onEnd?.(done);
    if (already() || query.ended?.()) done();
  });
}
