import { constants, crc32, deflateRaw, type ZlibOptions } from "node:zlib";

/**
 * The level and the block size are part of what pushed layers' digests rest on: changing either changes the digest
 * of the same layer. Level 4 packs a root file system in two thirds of the time of 6 for 3 % more bytes.
 */
const LEVEL = 4;
const BLOCK = 512 * 1024;
const WINDOW = 32 * 1024;
/** Blocks in the works at once; zlib runs on the thread pool. */
const AHEAD = 4;

/** Deflate, no modification time, no name, unknown system. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
/** An empty last block: the blocks before it end at a byte without saying that they are last. */
const LAST_BLOCK = Buffer.from([3, 0]);

function raw(block: Buffer, options: ZlibOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    deflateRaw(block, options, (error, packed) => (error ? reject(error) : resolve(packed)));
  });
}

/** Slices of a block that show whether packing it is worth the time: media and archives are not. */
const SAMPLES = 4;
const SAMPLE = 4 * 1024;

async function packs(block: Buffer): Promise<boolean> {
  if (block.length < SAMPLES * SAMPLE) return true;
  const step = Math.floor(block.length / SAMPLES);
  const sample = Buffer.concat(Array.from({ length: SAMPLES }, (_, i) => block.subarray(i * step, i * step + SAMPLE)));
  return (await raw(sample, { level: 1 })).length < sample.length * 0.98;
}

async function deflate(block: Buffer, dictionary: Buffer | undefined): Promise<Buffer> {
  const level = (await packs(block)) ? LEVEL : constants.Z_NO_COMPRESSION;
  const options: ZlibOptions = { level, finishFlush: constants.Z_SYNC_FLUSH, chunkSize: 128 * 1024 };
  if (dictionary !== undefined) options.dictionary = dictionary;
  return raw(block, options);
}

/** Cuts a stream of chunks into blocks of one size, whatever the chunks were. */
async function* blocksOf(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let size = 0;
  for await (const chunk of source) {
    let rest = chunk;
    while (size + rest.length >= BLOCK) {
      const cut = BLOCK - size;
      held.push(rest.subarray(0, cut));
      yield held.length === 1 ? held[0]! : Buffer.concat(held);
      held = [];
      size = 0;
      rest = rest.subarray(cut);
    }
    if (rest.length > 0) {
      held.push(rest);
      size += rest.length;
    }
  }
  if (size > 0) yield Buffer.concat(held);
}

/**
 * One gzip member, packed block by block on several threads. The same bytes give the same result on any number of
 * processors and however they arrive in chunks.
 */
export async function* gzip(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield HEADER;
  const inWork: Promise<Buffer>[] = [];
  let dictionary: Buffer | undefined;
  let sum = 0;
  let length = 0;
  try {
    for await (const block of blocksOf(source)) {
      sum = crc32(block, sum);
      length = (length + block.length) % 2 ** 32;
      inWork.push(deflate(block, dictionary));
      dictionary = block.subarray(Math.max(0, block.length - WINDOW));
      if (inWork.length >= AHEAD) yield await inWork.shift()!;
    }
    while (inWork.length > 0) yield await inWork.shift()!;
  } finally {
    // A reader that left early: the rest still ends somewhere.
    await Promise.allSettled(inWork);
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(sum >>> 0, 0);
  trailer.writeUInt32LE(length, 4);
  yield Buffer.concat([LAST_BLOCK, trailer]);
}
