import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { pipeline } from "node:stream/promises";
import zlib from "node:zlib";
import { headOf } from "./cursor.ts";
import { timeOf } from "./record.ts";

/** One file of a log: the current one (0) or an older one. */
export interface LogFile {
  path: string;
  age: number;
  compressed: boolean;
}

const HEAD_BLOCK = 4096;

const named = (path: string, age: number): string => (age === 0 ? path : `${path}.${age}`);

/** The form in which the file of that age is there. A plain one beside a compressed one was not yet cleared away. */
export function fileOf(path: string, age: number): LogFile | undefined {
  const plain = named(path, age);
  if (fs.existsSync(plain)) return { path: plain, age, compressed: false };
  const packed = `${plain}.gz`;
  return age > 0 && fs.existsSync(packed) ? { path: packed, age, compressed: true } : undefined;
}

/** path.4, path.3.gz, … path; those that are there. A rotation under way may leave the current one out. */
export function oldestFirst(path: string): LogFile[] {
  const files: LogFile[] = [];
  for (let age = 0; ; age++) {
    const file = fileOf(path, age);
    if (file) files.unshift(file);
    else if (age > 0) return files;
  }
}

/** A file that is open, whatever its name becomes. */
export interface HeldLog {
  fd: number;
  /** Where a copy without a name may be made of a compressed one; undefined: it is not compressed. */
  copy: string | undefined;
}

export function holdLog(file: LogFile): HeldLog {
  const copy = file.compressed ? `${file.path}.${randomBytes(6).toString("hex")}.tmp` : undefined;
  return { fd: fs.openSync(file.path, "r"), copy };
}

/** A descriptor to read records from; what was held is given up. */
export async function unpackLog(held: HeldLog): Promise<number> {
  if (held.copy === undefined) return held.fd;
  try {
    const fd = fs.openSync(held.copy, "wx+", 0o600);
    fs.rmSync(held.copy);
    try {
      const out = fs.createWriteStream("", { fd, autoClose: false, start: 0 });
      await pipeline(reader(held.fd, 0), zlib.createGunzip(), out);
      return fd;
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
  } finally {
    fs.closeSync(held.fd);
  }
}

export const openLog = (file: LogFile): Promise<number> => unpackLog(holdLog(file));

/** The time of its first record, without unpacking all of it. */
export function headOfFile(file: LogFile): string | undefined {
  const fd = fs.openSync(file.path, "r");
  try {
    if (!file.compressed) return headOf(fd);
    const packed = Buffer.alloc(HEAD_BLOCK);
    const length = fs.readSync(fd, packed, 0, HEAD_BLOCK, 0);
    return timeOf(zlib.gunzipSync(packed.subarray(0, length), { finishFlush: zlib.constants.Z_SYNC_FLUSH }));
  } catch {
    return undefined;
  } finally {
    fs.closeSync(fd);
  }
}

/** A compressed copy of an open file at `to`, synced. */
export async function compressTo(to: string, from: number): Promise<void> {
  const fd = fs.openSync(to, "w", 0o640);
  try {
    const out = fs.createWriteStream("", { fd, autoClose: false });
    await pipeline(reader(from, 0), zlib.createGzip({ level: zlib.constants.Z_BEST_SPEED }), out);
    await new Promise<void>((resolve, reject) => fs.fsync(fd, (error) => (error ? reject(error) : resolve())));
  } finally {
    fs.closeSync(fd);
  }
}

/** The last whole records of an open file, at most `bytes` of them, at `to`. */
export async function copyEndTo(to: string, from: number, bytes: number): Promise<void> {
  const block = Buffer.alloc(64 * 1024);
  const start = Math.max(0, fs.fstatSync(from).size - bytes);
  const length = fs.readSync(from, block, 0, block.length, start);
  const first = start + block.subarray(0, length).indexOf(10) + 1;
  await pipeline(reader(from, first), fs.createWriteStream("", { fd: fs.openSync(to, "w", 0o640) }));
}

const reader = (fd: number, start: number): fs.ReadStream => fs.createReadStream("", { fd, start, autoClose: false });
