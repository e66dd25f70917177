import { createHash } from "node:crypto";
import { GantryError } from "../../base/errors.ts";
import type { ExtractResult } from "../../ports/archive.ts";
import { compressionOf, decompress, HEAD } from "./decompress.ts";
import { Extractor, type ExtractorOptions } from "./extractor.ts";
import { Packer, type PackerOptions } from "./packer.ts";
import { TarReader } from "./reader.ts";
import { keptFolder, RecipeWriter } from "./recipe.ts";

/** What a pack or extract needs, as plain data that can cross to a worker. */
export interface ExtractJob {
  root: string;
  options: Omit<ExtractorOptions, "keep">;
  recipe?: string;
}

export interface RebuildJob {
  root: string;
  recipe: string;
  digest: string;
}

export interface PackJob {
  root: string;
  options: PackerOptions;
}

export interface DigestResult {
  digest: string;
  /** Bytes of file contents. */
  size: number;
}

/** Bytes handled before other work gets its turn. */
const SLICE = 64 * 1024;
/** An archive that grows beyond this size by more than this factor is a bomb; real layers stay below 50. */
const BOMB_SIZE = 1 << 30;
const BOMB_FACTOR = 250;

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Unpacks what `input` gives, compressed or not. `gentle`: in small slices, for the main thread. */
export async function extract(input: AsyncIterable<Buffer>, job: ExtractJob, gentle: boolean): Promise<ExtractResult> {
  const counter = { bytes: 0 };
  const { head, rest } = await peek(counted(input, counter));
  const compressed = compressionOf(head) !== "none";
  const { root, options, recipe } = job;
  const extractor = new Extractor(root, recipe === undefined ? options : { ...options, keep: keptFolder(recipe) });
  const tap = recipe === undefined ? undefined : new RecipeWriter(recipe, () => extractor.contentPlace());
  try {
    const reader = new TarReader(extractor, options.limits.entries, tap);
    const hash = createHash("sha256");
    let size = 0;
    for await (const chunk of decompress(rest, head)) {
      hash.update(chunk);
      size += chunk.length;
      if (compressed && size > BOMB_SIZE && size > counter.bytes * BOMB_FACTOR) throw bomb();
      for (let at = 0; at < chunk.length; at += gentle ? SLICE : chunk.length) {
        reader.write(gentle ? chunk.subarray(at, at + SLICE) : chunk);
        if (gentle) await turn();
      }
    }
    reader.end({ marked: options.whole ?? false });
    extractor.complete();
    tap?.end();
    return { digest: `sha256:${hash.digest("hex")}`, size: extractor.size, entries: extractor.entries };
  } finally {
    extractor.close();
    tap?.close();
  }
}

const bomb = (): GantryError =>
  new GantryError(
    "invalid",
    "ARCHIVE_TOO_LARGE",
    `archive too large: it grows more than ${BOMB_FACTOR} times when unpacked`,
  );

async function* counted(input: AsyncIterable<Buffer>, counter: { bytes: number }): AsyncGenerator<Buffer, void> {
  for await (const chunk of input) {
    counter.bytes += chunk.length;
    yield chunk;
  }
}

/** Reads until the compression can be told; `rest` gives everything, the head included. */
async function peek(input: AsyncGenerator<Buffer, void>): Promise<{ head: Buffer; rest: AsyncIterable<Buffer> }> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < HEAD) {
    const next = await input.next();
    if (next.done) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  async function* rest(): AsyncGenerator<Buffer, void> {
    if (head.length > 0) yield head;
    yield* input;
  }
  return { head, rest: rest() };
}

/** Digest of the tar that packing gives. */
export async function packDigest(job: PackJob, canceled: () => boolean): Promise<DigestResult> {
  const hash = createHash("sha256");
  const packer = new Packer(job.options);
  for (const piece of packer.pack(job.root)) {
    hash.update(piece);
    await turn();
    if (canceled()) throw new GantryError("canceled", "CANCELED", "canceled");
  }
  return { digest: `sha256:${hash.digest("hex")}`, size: packer.size };
}
