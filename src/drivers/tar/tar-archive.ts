import { Readable } from "node:stream";
import zlib from "node:zlib";
import { GantryError } from "../../base/errors.ts";
import type { Digest } from "../../base/image-config.ts";
import type { ExtractOptions, ExtractResult, LayerArchive, PackOptions } from "../../ports/archive.ts";
import { compressionOf } from "./decompress.ts";
import { type DigestResult, type ExtractJob, extract, type PackJob, packDigest } from "./jobs.ts";
import { Packer } from "./packer.ts";
import { type Job, type Opening, WorkerPool } from "./pool.ts";
import { rebuild } from "./recipe.ts";
import { isSmallTree } from "./small-tree.ts";

export interface TarArchiveOptions {
  /** The worker's entry: the bundled form of `worker.ts`. */
  workerUrl: URL;
  /** Node options of the workers (tests); default: the process's own. */
  execArgv?: string[];
  /** Milliseconds after which an idle worker ends; default 5 s. */
  idle?: number;
}

/** Inputs up to this many bytes are unpacked right here: a worker takes 30 ms to start. */
const SMALL_INPUT = 512 * 1024;
const SMALL_UNPACKED = 2 << 20;
/** Pieces of input under way to a worker. */
const AHEAD = 4;
const PIECE = 256 * 1024;
/** Above what any real layer has. */
const MAX_ENTRIES = 999_999;
const MAX_WORKERS = 2;

const canceled = (): GantryError => new GantryError("canceled", "CANCELED", "canceled");

/** Archive in plain TypeScript: small ones on the main thread in slices, others in worker threads. */
export class TarArchive implements LayerArchive {
  readonly #pool: WorkerPool;

  constructor({ workerUrl, execArgv, idle = 5000 }: TarArchiveOptions) {
    this.#pool = new WorkerPool({
      workerUrl,
      ...(execArgv === undefined ? {} : { execArgv }),
      most: MAX_WORKERS,
      idle,
    });
  }

  async extract(input: Readable, root: string, options: ExtractOptions): Promise<ExtractResult> {
    const { whiteouts, into, owner, noOverwriteDirNonDir, ids, whole, limits, signal, recipe } = options;
    const job: ExtractJob = {
      root,
      ...(recipe === undefined ? {} : { recipe }),
      options: {
        whiteouts,
        ...(into === undefined ? {} : { into }),
        ...(owner === undefined ? {} : { owner }),
        ...(ids === undefined ? {} : { ids }),
        ...(whole === undefined ? {} : { whole }),
        ...(noOverwriteDirNonDir === undefined ? {} : { noOverwriteDirNonDir }),
        limits: { bytes: limits?.bytes ?? Number.MAX_SAFE_INTEGER, entries: limits?.entries ?? MAX_ENTRIES },
      },
    };
    const onAbort = (): void => void input.destroy(canceled());
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    const chunks = input[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    try {
      const start = await gather(chunks);
      const whole = start.ended ? inlineInput(start.bytes) : undefined;
      if (whole === undefined) {
        return await this.#extractInWorker(job, start, chunks, new Feed((error) => void input.destroy(error)));
      }
      return await extract(Readable.from([whole], { objectMode: false }), job, true);
    } finally {
      signal?.removeEventListener("abort", onAbort);
      await chunks.return?.();
    }
  }

  async #extractInWorker(
    job: ExtractJob,
    start: Gathered,
    chunks: AsyncIterator<Buffer>,
    feed: Feed,
  ): Promise<ExtractResult> {
    const handle = this.#pool.open({ kind: "extract", job }, feed);
    try {
      for (const bytes of start.bytes) await feed.send(handle, bytes);
      while (!start.ended) {
        const next = await chunks.next();
        if (next.done) break;
        await feed.send(handle, next.value);
      }
      feed.end(handle);
      return await feed.result;
    } catch (e) {
      handle.send({ kind: "abort" });
      await feed.result.catch(() => {}); // the caller may delete root now: wait until nobody works in it
      throw e;
    }
  }

  pack(root: string, options: PackOptions): Readable {
    const { signal, ...plain } = options;
    const stream = isSmallTree(root, options.path)
      ? inline(new Packer(plain).pack(root))
      : this.#stream({ kind: "pack", job: { root, options: plain } });
    return abortable(stream, signal);
  }

  rebuild(root: string, recipe: string, { digest, signal }: { digest: Digest; signal?: AbortSignal }): Readable {
    const stream = isSmallTree(root)
      ? inline(rebuild(root, recipe, digest))
      : this.#stream({ kind: "rebuild", job: { root, recipe, digest } });
    return abortable(stream, signal);
  }

  /** The pieces that a worker makes, asked for a few at a time. */
  #stream(opening: Opening & { kind: "pack" | "rebuild" }): Readable {
    let handle: Job | undefined;
    let asked = 0;
    let over = false;
    let onOver = (): void => {};
    const stream: Readable = new Readable({
      highWaterMark: AHEAD * PIECE,
      read: () => {
        handle ??= this.#pool.open(opening, {
          piece: (bytes) => {
            asked--;
            stream.push(bytes);
          },
          done: () => {
            over = true;
            stream.push(null);
            onOver();
          },
          failed: (error) => {
            over = true;
            stream.destroy(error);
            onOver();
          },
        });
        if (over) return;
        for (; asked < AHEAD; asked++) handle.send({ kind: "pull" });
      },
      destroy: (error, done) => {
        if (over || handle === undefined) {
          done(error);
          return;
        }
        onOver = () => done(error); // the caller may give root up then: nobody works in it any more
        handle.send({ kind: "abort" });
      },
    });
    return stream;
  }

  async packDigest(root: string, options: PackOptions): Promise<{ digest: Digest; size: number }> {
    const { signal, ...plain } = options;
    const job: PackJob = { root, options: plain };
    if (isSmallTree(root, options.path)) return await packDigest(job, () => signal?.aborted ?? false);
    return await new Promise<DigestResult>((resolve, reject) => {
      const handle = this.#pool.open(
        { kind: "digest", job },
        { done: (result) => resolve(result as DigestResult), failed: reject },
      );
      signal?.addEventListener("abort", () => handle.send({ kind: "abort" }), { once: true });
    });
  }

  /** Ends the workers. */
  async close(): Promise<void> {
    await this.#pool.close();
  }
}

interface Gathered {
  bytes: Buffer[];
  ended: boolean;
}

/** Reads until the input ends or is no longer small. */
async function gather(chunks: AsyncIterator<Buffer>): Promise<Gathered> {
  const bytes: Buffer[] = [];
  for (let size = 0; size <= SMALL_INPUT; ) {
    const next = await chunks.next();
    if (next.done) return { bytes, ended: true };
    bytes.push(next.value);
    size += next.value.length;
  }
  return { bytes, ended: false };
}

/** The uncompressed archive when it can be unpacked on the main thread, else undefined. */
function inlineInput(bytes: Buffer[]): Buffer | undefined {
  const whole = Buffer.concat(bytes);
  const compression = compressionOf(whole);
  if (compression === "none") return whole;
  if (compression !== "gzip") return undefined;
  try {
    return zlib.gunzipSync(whole, { maxOutputLength: SMALL_UNPACKED, chunkSize: PIECE });
  } catch {
    return undefined; // too large, or broken: the ordinary way says what is wrong
  }
}

/** The pieces made right here, one each time the reader asks. */
function inline(pieces: Generator<Buffer, void>): Readable {
  return new Readable({
    highWaterMark: PIECE,
    read() {
      try {
        const next = pieces.next();
        this.push(next.done ? null : next.value);
      } catch (e) {
        this.destroy(e as Error);
      }
    },
    destroy(error, done) {
      pieces.return();
      done(error);
    },
  });
}

function abortable(stream: Readable, signal: AbortSignal | undefined): Readable {
  if (signal === undefined) return stream;
  const onAbort = (): void => void stream.destroy(canceled());
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  stream.on("close", () => signal.removeEventListener("abort", onAbort));
  return stream;
}

/** Input on its way to a worker, gathered into pieces that can be handed over, a few at a time. */
class Feed {
  readonly result: Promise<ExtractResult>;
  readonly #stop: (error: GantryError) => void;
  #settle!: { done: (result: ExtractResult) => void; failed: (error: GantryError) => void };
  #piece = new Uint8Array(PIECE);
  #filled = 0;
  #underWay = 0;
  #over = false;
  #wake: (() => void) | undefined;

  /** `stop` ends the input when the job fails early. */
  constructor(stop: (error: GantryError) => void) {
    this.#stop = stop;
    this.result = new Promise<ExtractResult>((resolve, reject) => {
      this.#settle = { done: resolve, failed: reject };
    });
    this.result.catch(() => {}); // whoever sends hears of it from `stop`
  }

  done(result: unknown): void {
    this.#settle.done(result as ExtractResult);
  }

  failed(error: GantryError): void {
    this.#over = true;
    this.#settle.failed(error);
    this.#stop(error);
    this.#wake?.();
  }

  taken(): void {
    this.#underWay--;
    this.#wake?.();
  }

  async send(job: Job, bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const now = bytes.copy(this.#piece, this.#filled, at, at + PIECE - this.#filled);
      at += now;
      this.#filled += now;
      if (this.#filled === PIECE) await this.#flush(job);
    }
  }

  end(job: Job): void {
    if (this.#filled > 0) job.send({ kind: "bytes", bytes: this.#piece.subarray(0, this.#filled) });
    job.send({ kind: "end" });
  }

  async #flush(job: Job): Promise<void> {
    job.send({ kind: "bytes", bytes: this.#piece });
    this.#piece = new Uint8Array(PIECE);
    this.#filled = 0;
    this.#underWay++;
    while (this.#underWay >= AHEAD && !this.#over) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#over) await this.result; // throws
  }
}
