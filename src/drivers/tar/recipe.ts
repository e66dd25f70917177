import fs from "node:fs";
import zlib from "node:zlib";
import { createHash } from "node:crypto";
import { GantryError } from "../../base/errors.ts";
import { type ByteString, O, openAt2, RESOLVE, S, statOf, typeOf } from "../syscalls/files.ts";
import { closeFd, openFd, SyscallError } from "../syscalls/libc.ts";
import type { SparseRun } from "./entry.ts";

/*
 * A recipe is what an archive holds besides the contents of files, in frames of `u32 length, deflated records`:
 *   1, u32 length, bytes                                        bytes as they are
 *   2, u16 length, path, u64 inode, u32 count, (u64, u64)…      content of a file: runs of offset and length
 * The inode tells a file from one that a later entry of the same archive put in its place; what was replaced is
 * kept in the folder `<recipe>.kept` under its inode.
 */
const LITERAL = 1;
const CONTENT = 2;
const FRAME = 256 * 1024;
const LITERAL_MAX = 64 * 1024;

export const keptFolder = (recipe: string): string => `${recipe}.kept`;

/** Where the content that comes next went: a path from the root without links in it. */
export interface ContentPlace {
  path: ByteString;
  inode: bigint;
}

export class RecipeWriter {
  readonly #fd: number;
  readonly #place: () => ContentPlace | undefined;
  #records: Buffer[] = [];
  #size = 0;
  /** The file whose content is passing, and its runs so far. */
  #open: { place: ContentPlace; runs: SparseRun[] } | undefined;

  /** `place`: of the file that the last entry began, if its content is stored. */
  constructor(file: string, place: () => ContentPlace | undefined) {
    this.#fd = fs.openSync(file, "wx", 0o600);
    this.#place = place;
  }

  literal(bytes: Buffer): void {
    this.#endContent();
    for (let at = 0; at < bytes.length; at += LITERAL_MAX) {
      const part = bytes.subarray(at, at + LITERAL_MAX);
      const head = Buffer.alloc(5);
      head.writeUInt8(LITERAL, 0);
      head.writeUInt32LE(part.length, 1);
      this.#push(head, Buffer.from(part)); // a copy: the bytes are the reader's
    }
  }

  content(bytes: Buffer, position: number): void {
    const place = this.#open?.place ?? this.#place();
    if (place === undefined) {
      this.literal(bytes);
      return;
    }
    this.#open ??= { place, runs: [] };
    const last = this.#open.runs.at(-1);
    if (last !== undefined && last.offset + last.length === position) last.length += bytes.length;
    else this.#open.runs.push({ offset: position, length: bytes.length });
  }

  /** The content of the file is complete. */
  endContent(): void {
    this.#endContent();
  }

  end(): void {
    this.#endContent();
    this.#flush();
  }

  close(): void {
    fs.closeSync(this.#fd);
  }

  #endContent(): void {
    if (this.#open === undefined) return;
    const { place, runs } = this.#open;
    this.#open = undefined;
    const path = Buffer.from(place.path, "latin1");
    const record = Buffer.alloc(3 + path.length + 12 + runs.length * 16);
    record.writeUInt8(CONTENT, 0);
    record.writeUInt16LE(path.length, 1);
    path.copy(record, 3);
    let at = record.writeBigUInt64LE(place.inode, 3 + path.length);
    at = record.writeUInt32LE(runs.length, at);
    for (const run of runs) {
      at = record.writeBigUInt64LE(BigInt(run.offset), at);
      at = record.writeBigUInt64LE(BigInt(run.length), at);
    }
    this.#push(record);
  }

  #push(...parts: Buffer[]): void {
    for (const part of parts) {
      this.#records.push(part);
      this.#size += part.length;
    }
    if (this.#size >= FRAME) this.#flush();
  }

  #flush(): void {
    if (this.#size === 0) return;
    const body = zlib.deflateRawSync(Buffer.concat(this.#records), { level: 1 });
    const head = Buffer.alloc(4);
    head.writeUInt32LE(body.length, 0);
    const frame = Buffer.concat([head, body]);
    for (let done = 0; done < frame.length; ) done += fs.writeSync(this.#fd, frame, done);
    this.#records = [];
    this.#size = 0;
  }
}

const corrupt = (reason: string): GantryError =>
  new GantryError("internal", "LAYER_CORRUPT", `layer is corrupt on disk: ${reason}`, {
    hint: "remove the image and pull it again",
  });

/** The archive again, piece by piece. Throws internal LAYER_CORRUPT when it does not come out as it was. */
export function* rebuild(root: string, recipe: string, digest: string): Generator<Buffer, void> {
  const hash = createHash("sha256");
  const rootFd = openFd(root, O.RDONLY | O.DIRECTORY);
  try {
    for (const piece of gathered(pieces(rootFd, recipe))) {
      hash.update(piece);
      yield piece;
    }
  } finally {
    closeFd(rootFd);
  }
  if (`sha256:${hash.digest("hex")}` !== digest) throw corrupt("its bytes have another digest");
}

/** Small pieces put together to pieces of FRAME bytes, each the receiver's to keep. */
function* gathered(parts: Iterable<Buffer>): Generator<Buffer, void> {
  let piece = Buffer.allocUnsafeSlow(FRAME);
  let used = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; ) {
      const now = part.copy(piece, used, at);
      at += now;
      used += now;
      if (used < FRAME) continue;
      yield piece;
      piece = Buffer.allocUnsafeSlow(FRAME);
      used = 0;
    }
  }
  if (used > 0) yield piece.subarray(0, used);
}

function* pieces(rootFd: number, recipe: string): Generator<Buffer, void> {
  const keptFd = fs.existsSync(keptFolder(recipe)) ? openFd(keptFolder(recipe), O.RDONLY | O.DIRECTORY) : undefined;
  try {
    for (const records of frames(recipe)) {
      for (let at = 0; at < records.length; ) {
        const type = records.readUInt8(at);
        if (type === LITERAL) {
          const length = records.readUInt32LE(at + 1);
          yield records.subarray(at + 5, at + 5 + length);
          at += 5 + length;
        } else {
          const length = records.readUInt16LE(at + 1);
          const path = records.toString("latin1", at + 3, at + 3 + length);
          const inode = records.readBigUInt64LE(at + 3 + length);
          const count = records.readUInt32LE(at + 11 + length);
          at += 15 + length;
          yield* content(rootFd, keptFd, { path, inode }, records.subarray(at, at + count * 16));
          at += count * 16;
        }
      }
    }
  } finally {
    if (keptFd !== undefined) closeFd(keptFd);
  }
}

function* frames(recipe: string): Generator<Buffer, void> {
  const fd = fs.openSync(recipe, "r");
  try {
    const head = Buffer.alloc(4);
    while (fs.readSync(fd, head, 0, 4, null) === 4) {
      const body = Buffer.alloc(head.readUInt32LE(0));
      if (fs.readSync(fd, body, 0, body.length, null) !== body.length) throw corrupt("its recipe is cut off");
      yield zlib.inflateRawSync(body);
    }
  } finally {
    fs.closeSync(fd);
  }
}

function* content(root: number, kept: number | undefined, place: ContentPlace, runs: Buffer): Generator<Buffer, void> {
  const fd = openContent(root, kept, place);
  try {
    for (let at = 0; at < runs.length; at += 16) {
      let position = Number(runs.readBigUInt64LE(at));
      let left = Number(runs.readBigUInt64LE(at + 8));
      const buffer = Buffer.allocUnsafe(Math.min(left, FRAME));
      while (left > 0) {
        const got = fs.readSync(fd, buffer, 0, Math.min(left, FRAME), position);
        if (got === 0) throw corrupt(`${place.path} is too short`);
        yield buffer.subarray(0, got); // copied by `gathered` before the next read
        position += got;
        left -= got;
      }
    }
  } finally {
    closeFd(fd);
  }
}

function openContent(root: number, kept: number | undefined, { path, inode }: ContentPlace): number {
  const confined = RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS;
  try {
    const fd = openAt2(root, path, O.RDONLY | O.NONBLOCK, confined);
    const status = statOf(fd);
    if (typeOf(status) === S.IFREG && (kept === undefined || status.inode === inode)) return fd;
    closeFd(fd);
  } catch (e) {
    if (!(e instanceof SyscallError)) throw e;
  }
  try {
    if (kept !== undefined) return openAt2(kept, String(inode), O.RDONLY, confined);
  } catch (e) {
    if (!(e instanceof SyscallError)) throw e;
  }
  throw corrupt(`${path} is missing`);
}
