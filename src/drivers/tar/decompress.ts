import { PassThrough, pipeline, Readable } from "node:stream";
import zlib from "node:zlib";
import { GantryError, messageOf } from "../../base/errors.ts";
import { spawn } from "../process/run.ts";
import { badArchive } from "./entry.ts";

export type Compression = "none" | "gzip" | "zstd" | "bzip2" | "xz";

const MAGIC: [Compression, Buffer][] = [
  ["gzip", Buffer.from([0x1f, 0x8b])],
  ["zstd", Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ["bzip2", Buffer.from("BZh")],
  ["xz", Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])],
];

/** Bytes needed to tell. */
export const HEAD = 6;

export const compressionOf = (head: Buffer): Compression =>
  MAGIC.find(([, magic]) => head.subarray(0, magic.length).equals(magic))?.[0] ?? "none";

/** zlib's default of 16 KiB makes gunzip more than twice as slow. */
const CHUNK = 1 << 20;

/** The uncompressed bytes of `input`, by its magic. Throws invalid BAD_ARCHIVE for broken data. */
export async function* decompress(input: AsyncIterable<Buffer>, head: Buffer): AsyncGenerator<Buffer, void> {
  const compression = compressionOf(head);
  if (compression === "none") {
    yield* input;
    return;
  }
  const source = Readable.from(input, { objectMode: false });
  const output =
    compression === "gzip" ? gunzip(source) : viaProgram(source, { tool: compression, flags: ["-dc"], verb: "read" });
  try {
    yield* output;
  } catch (e) {
    if (e instanceof GantryError || !(e instanceof Error) || !("code" in e) || !String(e.code).startsWith("Z_"))
      throw e;
    throw badArchive(`${compression}: ${messageOf(e)}`);
  } finally {
    output.destroy();
    source.destroy();
  }
}

function gunzip(source: Readable): Readable {
  const output = zlib.createGunzip({ chunkSize: CHUNK });
  pipeline(source, output, () => {}); // the error comes out of `output` as well
  return output;
}

/** Node 20 reads no zstd, and no Node reads bzip2 or xz: the host's own programs do. */
export function viaProgram(
  source: Readable,
  { tool, flags, verb }: { tool: "zstd" | "bzip2" | "xz"; flags: string[]; verb: "read" | "write" },
): Readable {
  const child = spawn(tool, flags, { stdio: ["pipe", "pipe", "pipe"], env: { PATH: process.env["PATH"] } });
  const output = new PassThrough({ highWaterMark: CHUNK });
  let complaint = "";
  child.stderr!.on("data", (bytes: Buffer) => {
    complaint = (complaint + bytes.toString("utf8")).slice(-500);
  });
  child.stdout!.pipe(output, { end: false });
  child.stdout!.on("error", (e) => output.destroy(e));
  child.on("error", () => {
    output.destroy(
      new GantryError("unavailable", "NO_DECOMPRESSOR", `cannot ${verb} a ${tool} archive: ${tool} is not installed`, {
        hint: `install the package that has ${tool}`,
      }),
    );
  });
  child.on("close", (code) => {
    if (code === 0) output.end();
    else output.destroy(badArchive(`${tool}: ${complaint.trim() || `exit ${code}`}`));
  });
  output.on("close", () => child.kill("SIGKILL"));
  source.on("error", (e) => output.destroy(e));
  child.stdin!.on("error", () => source.destroy()); // the exit code tells why it stopped reading
  source.pipe(child.stdin!);
  return output;
}
