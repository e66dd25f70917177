export interface ReadEntry {
  name: string;
  type: "file" | "folder" | "symlink" | "hardlink" | "other";
  mode: number;
  uid: number;
  gid: number;
  size: number;
  /** Seconds. */
  mtime: number;
  link: string;
  /** The content; must be read to its end before the next entry. */
  content: AsyncGenerator<Buffer>;
}

const BLOCK = 512;
const EXTENSION_LIMIT = 1 << 20;
const TYPES: Record<string, ReadEntry["type"]> = {
  "0": "file",
  "\0": "file",
  "7": "file",
  "1": "hardlink",
  "2": "symlink",
  "5": "folder",
};

/** Takes exact numbers of bytes from a stream of chunks. */
class Bytes {
  private readonly source: AsyncIterator<Buffer>;
  private buffer: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.source = source[Symbol.asyncIterator]();
  }

  /** Up to `most` bytes; undefined at the end. */
  async some(most: number): Promise<Buffer | undefined> {
    if (this.buffer.length === 0) {
      const next = await this.source.next();
      if (next.done) return undefined;
      this.buffer = next.value;
    }
    const taken = this.buffer.subarray(0, most);
    this.buffer = this.buffer.subarray(taken.length);
    return taken;
  }

  async *exactly(count: number): AsyncGenerator<Buffer> {
    for (let left = count; left > 0; ) {
      const chunk = await this.some(left);
      if (chunk === undefined) throw new Error("unexpected EOF");
      left -= chunk.length;
      if (chunk.length > 0) yield chunk;
    }
  }

  async whole(count: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.exactly(count)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }
}

const text = (block: Buffer, at: number, width: number): string => {
  const field = block.subarray(at, at + width);
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end === -1 ? width : end);
};

/** Octal, or base 256 for what does not fit. */
function number(block: Buffer, at: number, width: number): number {
  if ((block[at]! & 0x80) === 0) return Number.parseInt(text(block, at, width).trim() || "0", 8);
  let value = block[at]! & 0x7f;
  for (const byte of block.subarray(at + 1, at + width)) value = value * 256 + byte;
  return value;
}

/** The entries of a tar (ustar, PAX, GNU long names). Throws Error on what is none. */
export async function* readTar(source: AsyncIterable<Buffer>): AsyncGenerator<ReadEntry> {
  const bytes = new Bytes(source);
  let pax: Record<string, string> = {};
  for (;;) {
    const first = await bytes.some(BLOCK);
    if (first === undefined) return;
    const block = first.length === BLOCK ? first : Buffer.concat([first, await bytes.whole(BLOCK - first.length)]);
    if (block.every((byte) => byte === 0)) continue;
    check(block);
    const flag = String.fromCharCode(block[156]!);
    const size = pax["size"] === undefined ? number(block, 124, 12) : Number(pax["size"]);
    if (!Number.isSafeInteger(size) || size < 0) throw new Error("archive/tar: invalid tar header");
    const filler = (BLOCK - (size % BLOCK)) % BLOCK;
    if ("xgLK".includes(flag)) {
      if (size > EXTENSION_LIMIT) throw new Error("archive/tar: header field too long");
      const body = await bytes.whole(size);
      await bytes.whole(filler);
      if (flag === "x") pax = { ...pax, ...records(body) };
      else if (flag === "L") pax = { ...pax, path: text(body, 0, body.length) };
      else if (flag === "K") pax = { ...pax, linkpath: text(body, 0, body.length) };
      continue;
    }
    const prefix = text(block, 257, 5) === "ustar" ? text(block, 345, 155) : "";
    const name = text(block, 0, 100);
    const type = TYPES[flag] ?? "other";
    const length = type === "file" || type === "other" ? size : 0;
    const content = bytes.exactly(length);
    yield {
      name: pax["path"] ?? (prefix === "" ? name : `${prefix}/${name}`),
      type,
      mode: number(block, 100, 8) & 0o7777,
      uid: Number(pax["uid"] ?? number(block, 108, 8)),
      gid: Number(pax["gid"] ?? number(block, 116, 8)),
      size: length,
      mtime: Number(pax["mtime"] ?? number(block, 136, 12)),
      link: pax["linkpath"] ?? text(block, 157, 100),
      content,
    };
    for await (const _ of content);
    await bytes.whole(filler);
    pax = {};
  }
}

function check(block: Buffer): void {
  let sum = 0;
  for (let at = 0; at < BLOCK; at += 1) sum += at >= 148 && at < 156 ? 0x20 : block[at]!;
  if (sum !== number(block, 148, 8)) throw new Error("archive/tar: invalid tar header");
}

/** "27 path=some/long/name\n" … */
function records(body: Buffer): Record<string, string> {
  const result: Record<string, string> = {};
  for (let at = 0; at < body.length; ) {
    const blank = body.indexOf(0x20, at);
    const length = Number(body.toString("latin1", at, blank));
    if (blank === -1 || !(length > 0) || at + length > body.length) throw new Error("archive/tar: invalid tar header");
    const record = body.toString("utf8", blank + 1, at + length - 1);
    const equals = record.indexOf("=");
    result[record.slice(0, equals)] = record.slice(equals + 1);
    at += length;
  }
  return result;
}
