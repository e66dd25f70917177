import { type Readable, Readable as ReadableStream } from "node:stream";
import fs from "node:fs";
import zlib from "node:zlib";
import { GantryError } from "../../base/errors.ts";
import { spawn } from "../process/run.ts";

type Format = "tar" | "gzip" | "bzip2" | "xz" | "zstd";

const BLOCK = 512;
const HEAD = 4096;
const CHECKSUM_AT = 148;
const CHECKSUM_LENGTH = 8;
const MAGIC: [Format, Buffer][] = [
  ["gzip", Buffer.from([0x1f, 0x8b, 8])],
  ["bzip2", Buffer.from("BZh")],
  ["xz", Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0])],
  ["zstd", Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
];
/** Programs for what Archive doesn't read by itself; the file comes on their stdin. */
const PROGRAMS: Partial<Record<Format, string>> = { bzip2: "bzip2", xz: "xz", zstd: "zstd" };

/** See BuildFiles.openArchive. `fd` is an open regular file, which this function takes over. */
export async function openTar(fd: number): Promise<Readable | undefined> {
  let kept = false;
  try {
    const head = Buffer.alloc(HEAD);
    const start = head.subarray(0, fs.readSync(fd, head, 0, HEAD, 0));
    const format = MAGIC.find(([, magic]) => start.subarray(0, magic.length).equals(magic))?.[0] ?? "tar";
    const program = PROGRAMS[format];
    if (program !== undefined) return await throughProgram(program, fd);
    const block = format === "gzip" ? gunzipStart(start) : start;
    if (!isTarHeader(block)) return undefined;
    kept = true;
    return fs.createReadStream("", { fd, start: 0, autoClose: true, highWaterMark: 1024 * 1024 });
  } finally {
    if (!kept) fs.closeSync(fd);
  }
}

/** A valid first header: its checksum is the sum of its bytes, with the checksum's own as blanks. */
export function isTarHeader(block: Buffer): boolean {
  if (block.length < BLOCK) return false;
  const field = block.toString("latin1", CHECKSUM_AT, CHECKSUM_AT + CHECKSUM_LENGTH);
  const stated = Number.parseInt(field.replace(/^[ \0]+/, ""), 8);
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) {
    sum += i >= CHECKSUM_AT && i < CHECKSUM_AT + CHECKSUM_LENGTH ? 0x20 : (block[i] ?? 0);
  }
  return stated === sum && sum !== CHECKSUM_LENGTH * 0x20;
}

function gunzipStart(bytes: Buffer): Buffer {
  try {
    return zlib.gunzipSync(bytes, { finishFlush: zlib.constants.Z_SYNC_FLUSH });
  } catch {
    return Buffer.alloc(0);
  }
}

/** Decompressed by a program, if a tar comes out; killed when the reader goes away. */
async function throughProgram(program: string, fd: number): Promise<Readable | undefined> {
  const child = spawn(program, ["-dc"], { stdio: [fd, "pipe", "ignore"] });
  const stop = (): void => void child.kill("SIGKILL");
  const ended = new Promise<string | undefined>((resolve) => {
    child.once("error", () => resolve(`${program} is not installed: ADD needs it for this archive`));
    child.once("close", (code) => resolve(code === 0 ? undefined : `${program} could not unpack the archive`));
  });
  const { stdout } = child;
  if (stdout === null) throw new Error("a piped stdout is missing");
  const output = stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const first: Buffer[] = [];
  let size = 0;
  while (size < BLOCK) {
    const { value, done } = await output.next();
    if (done) break;
    first.push(value);
    size += value.length;
  }
  const head = Buffer.concat(first);
  if (!isTarHeader(head)) {
    stop();
    stdout.destroy();
    const problem = await ended;
    if (problem?.includes("not installed")) throw new GantryError("notImplemented", "NO_DECOMPRESSOR", problem);
    return undefined;
  }
  async function* all(): AsyncGenerator<Buffer> {
    try {
      yield head;
      for (;;) {
        const { value, done } = await output.next();
        if (done) break;
        yield value;
      }
      const problem = await ended;
      if (problem !== undefined) throw new GantryError("invalid", "BAD_ARCHIVE", problem);
    } finally {
      stop();
    }
  }
  return ReadableStream.from(all(), { objectMode: false });
}
