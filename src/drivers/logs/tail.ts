import fs from "node:fs";
import { setImmediate } from "node:timers/promises";
import { BLOCK } from "./cursor.ts";
import { type HeldLog, holdLog, type LogFile, unpackLog } from "./files.ts";
import { parseRecord } from "./record.ts";

const NEWLINE = 10;

/** Where to begin so that the last `lines` lines come: an open file and the offset in it. undefined: no file. */
export async function openTail(files: LogFile[], lines: number): Promise<{ fd: number; offset: number } | undefined> {
  // All at once: their names change with the next rotation.
  const held = files.map(holdLog);
  let wanted = lines;
  let found: { fd: number; offset: number } | undefined;
  try {
    // Nothing old may be wanted, but a follow begins at the end of the newest.
    while (held.length > 0 && (!found || wanted > 0)) {
      if (found) fs.closeSync(found.fd);
      found = undefined;
      const fd = await unpackLog(held.pop() as HeldLog);
      found = { fd, offset: 0 };
      const { offset, lines: there } = await startOfLast(fd, wanted);
      found.offset = offset;
      wanted -= there;
    }
    return found;
  } catch (error) {
    if (found) fs.closeSync(found.fd);
    throw error;
  } finally {
    for (const { fd } of held) fs.closeSync(fd);
  }
}

/** Walks back from the end, block by block, until `lines` lines of output have begun. */
async function startOfLast(fd: number, lines: number): Promise<{ offset: number; lines: number }> {
  const size = fs.fstatSync(fd).size;
  if (lines <= 0) return { offset: size, lines: 0 };
  let tail = Buffer.alloc(0);
  let from = size;
  let seen = 0;
  let start = size;
  let first = true;
  while (from > 0) {
    await setImmediate(); // one endless line may fill all files
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
}
