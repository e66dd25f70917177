import type { Readable } from "node:stream";
import { GantryError } from "../../base/errors.ts";

export interface TarEntry {
  /** Cleaned: no leading `./` or `/`; a name with `..` is refused. */
  name: string;
  type: "file" | "link" | "symlink" | "directory" | "other";
  size: number;
  /** Target of a link, as written. */
  target: string;
  /** The contents; what isn't read is skipped. */
  body: AsyncIterable<Buffer>;
}

const BLOCK = 512;
/** Long names and PAX records beyond this are an attack. */
const HEADER_LIMIT = 1024 * 1024;

const bad = (message: string): GantryError => new GantryError("invalid", "BAD_ARCHIVE", message);

/** Takes bytes off a stream in pieces of the wanted size. */
class Source {
  private readonly chunks: AsyncIterator<Buffer>;
  private held: Buffer = Buffer.alloc(0);

  constructor(stream: Readable) {
    this.chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** At least one byte and at most `most`; undefined at the end. */
  async some(most: number): Promise<Buffer | undefined> {
    while (this.held.length === 0) {
      const next = await this.chunks.next();
      if (next.done) return undefined;
      this.held = next.value;
    }
    const piece = this.held.subarray(0, most);
    this.held = this.held.subarray(piece.length);
    return piece;
  }

  /** Exactly `size` bytes; undefined if the stream ends before the first of them. Throws BAD_ARCHIVE in between. */
  async exactly(size: number): Promise<Buffer | undefined> {
    const pieces: Buffer[] = [];
    let have = 0;
    while (have < size) {
      const piece = await this.some(size - have);
      if (piece === undefined) {
        if (have === 0) return undefined;
        throw bad("unexpected EOF");
      }
      pieces.push(piece);
      have += piece.length;
    }
    return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
  }

  async drain(): Promise<void> {
    while ((await this.some(Number.POSITIVE_INFINITY)) !== undefined);
  }
}

const text = (field: Buffer): string => {
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end < 0 ? field.length : end);
};

function number(field: Buffer): number {
  if ((field[0]! & 0x80) !== 0) {
    // GNU's binary form; the sign bit would make it negative.
    let value = field[0]! & 0x7f;
    for (const byte of field.subarray(1)) value = value * 256 + byte;
    if ((field[0]! & 0x40) !== 0 || !Number.isSafeInteger(value)) throw bad("invalid tar header: number out of range");
    return value;
  }
  const digits = text(field).trim();
  if (digits === "") return 0;
  if (!/^[0-7]+$/.test(digits)) throw bad("invalid tar header");
  return Number.parseInt(digits, 8);
}

function checkSum(header: Buffer): void {
  let sum = 0;
  for (let i = 0; i < BLOCK; i += 1) sum += i >= 148 && i < 156 ? 32 : header[i]!;
  if (number(header.subarray(148, 156)) !== sum) throw bad("invalid tar header");
}

function paxRecords(bytes: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(32, at);
    const length = Number(bytes.toString("latin1", at, blank));
    if (blank < 0 || !Number.isInteger(length) || length <= blank - at || at + length > bytes.length)
      throw bad("invalid PAX record");
    const record = bytes.toString("utf8", blank + 1, at + length - 1);
    const equals = record.indexOf("=");
    if (equals < 1) throw bad("invalid PAX record");
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}

/** A path within the archive, cleaned. Throws BAD_ARCHIVE when it leaves it. */
export function cleanPath(path: string, from = ""): string {
  const parts: string[] = path.startsWith("/") ? [] : from.split("/").slice(0, -1);
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) throw bad(`${JSON.stringify(path)} leads out of the archive`);
  }
  if (path.includes("\0")) throw bad("a name holds a NUL byte");
  return parts.join("/");
}

const TYPES: Record<string, TarEntry["type"]> = {
  "0": "file",
  "\0": "file",
  "7": "file",
  "1": "link",
  "2": "symlink",
  "5": "directory",
};

/** The entries of an uncompressed tar in their order: ustar, GNU long names and PAX. Throws invalid BAD_ARCHIVE. */
export async function* readTar(stream: Readable): AsyncGenerator<TarEntry> {
  const source = new Source(stream);
  let pax = new Map<string, string>();
  let longName: string | undefined;
  let longTarget: string | undefined;
  let first = true;
  for (;;) {
    const header = await source.exactly(BLOCK);
    if (header === undefined) {
      if (first) throw bad("unexpected EOF");
      return;
    }
    if (header.every((byte) => byte === 0)) break;
    checkSum(header);
    first = false;
    const kind = String.fromCharCode(header[156]!);
    let size = number(header.subarray(124, 136));
    const padded = (length: number): number => Math.ceil(length / BLOCK) * BLOCK;
    if (kind === "x" || kind === "L" || kind === "K" || kind === "g") {
      if (size > HEADER_LIMIT) throw bad("tar header too long");
      const bytes = size === 0 ? Buffer.alloc(0) : await source.exactly(padded(size));
      if (bytes === undefined) throw bad("unexpected EOF");
      const content = bytes.subarray(0, size);
      if (kind === "x") pax = paxRecords(content);
      else if (kind === "L") longName = text(content);
      else if (kind === "K") longTarget = text(content);
      continue;
    }
    const prefix = header.toString("latin1", 257, 262) === "ustar" ? text(header.subarray(345, 500)) : "";
    const short = text(header.subarray(0, 100));
    const name = pax.get("path") ?? longName ?? (prefix === "" ? short : `${prefix}/${short}`);
    const target = pax.get("linkpath") ?? longTarget ?? text(header.subarray(157, 257));
    const paxSize = pax.get("size");
    if (paxSize !== undefined) {
      if (!/^\d{1,15}$/.test(paxSize)) throw bad("invalid PAX record: size");
      size = Number(paxSize);
    }
    const type = TYPES[kind] ?? "other";
    if (type !== "file" && type !== "other") size = 0;
    let left = size;
    const body = async function* (): AsyncGenerator<Buffer> {
      while (left > 0) {
        const piece = await source.some(left);
        if (piece === undefined) throw bad("unexpected EOF");
        left -= piece.length;
        yield piece;
      }
    };
    yield { name: cleanPath(name), type, size, target, body: body() };
    while (left > 0) {
      const piece = await source.some(left);
      if (piece === undefined) throw bad("unexpected EOF");
      left -= piece.length;
    }
    const padding = padded(size) - size;
    if (padding > 0 && (await source.exactly(padding)) === undefined) throw bad("unexpected EOF");
    pax = new Map();
    longName = undefined;
    longTarget = undefined;
  }
  // What follows the end mark belongs to nobody, but the sender wants to get rid of it.
  await source.drain();
}
