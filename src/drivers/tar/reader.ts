import type { ByteString } from "../syscalls/files.ts";
import { BLOCK, badArchive, type Entry, type SparseRun } from "./entry.ts";
import { applyPax, type Extensions, parseHeader, type RawHeader, typeOfFlag } from "./header.ts";
import { parsePax } from "./pax.ts";
import { OldSparseMap, PaxSparseMap, sparseInHeader, type SparseInfo } from "./sparse.ts";

/** Where the entries go. Calls come in order: entry, data…, finish. */
export interface EntrySink {
  entry(entry: Entry): void;
  /** Content; `position` is its place in the file (sparse files skip ahead). */
  data(bytes: Buffer, position: number): void;
  finish(): void;
}

/** Sees every byte of the archive in order: those of files' contents (as stored) apart from all others. */
export interface Tap {
  literal(bytes: Buffer): void;
  content(bytes: Buffer, position: number): void;
  endContent(): void;
}

/** Longest extended header that is read into memory, in bytes. */
const META_MAX = 1 << 20;

type State =
  | { at: "header" }
  | { at: "meta"; flag: string; parts: Buffer[]; left: number }
  | { at: "old-sparse"; header: RawHeader; map: OldSparseMap }
  | { at: "pax-sparse"; entry: Entry; map: PaxSparseMap; left: number }
  | { at: "content"; runs: SparseRun[] | undefined; run: number; position: number; left: number }
  | { at: "skip"; left: number }
  | { at: "end" };

/**
 * Reads an uncompressed tar that is pushed in pieces of any size: V7, ustar, PAX and GNU with sparse files.
 * Holds one block and at most one extended header in memory. Throws invalid BAD_ARCHIVE.
 */
export class TarReader {
  readonly #sink: EntrySink;
  readonly #tap: Tap | undefined;
  readonly #block = Buffer.alloc(BLOCK);
  #filled = 0;
  #padding = 0;
  #zeroBlocks = 0;
  #state: State = { at: "header" };
  #extensions: Extensions = { records: [] };
  #maxEntries: number;
  /** Headers read so far, extended ones included. */
  headers = 0;

  constructor(sink: EntrySink, maxEntries: number, tap?: Tap) {
    this.#sink = sink;
    this.#tap = tap;
    this.#maxEntries = maxEntries;
  }

  write(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      const state = this.#state;
      if (state.at === "end") {
        this.#tap?.literal(chunk.subarray(at));
        return;
      }
      if (this.#padding > 0 && (state.at === "header" || state.at === "old-sparse")) {
        const skipped = Math.min(this.#padding, chunk.length - at);
        this.#tap?.literal(chunk.subarray(at, at + skipped));
        this.#padding -= skipped;
        at += skipped;
      } else if (state.at === "header" || state.at === "old-sparse") {
        at += this.#collectBlock(chunk, at);
      } else {
        const piece = chunk.subarray(at, at + Math.min(state.left, chunk.length - at));
        at += piece.length;
        if (state.at === "meta" || state.at === "skip") this.#tap?.literal(piece);
        this.#body(state, piece);
      }
    }
  }

  /** `marked`: the end mark must be there. Some writers leave it out; without it nobody knows whether all has come. */
  end({ marked = false } = {}): void {
    const { at } = this.#state;
    if (at === "end" || (!marked && at === "header" && this.#filled === 0 && !this.#pending())) return;
    throw badArchive("unexpected end of the archive");
  }

  #pending(): boolean {
    const { records, name, link } = this.#extensions;
    return records.length > 0 || name !== undefined || link !== undefined;
  }

  #collectBlock(chunk: Buffer, at: number): number {
    if (this.#filled === 0 && chunk.length - at >= BLOCK) {
      this.#tap?.literal(chunk.subarray(at, at + BLOCK));
      this.#oneBlock(chunk.subarray(at, at + BLOCK));
      return BLOCK;
    }
    const taken = Math.min(BLOCK - this.#filled, chunk.length - at);
    chunk.copy(this.#block, this.#filled, at, at + taken);
    this.#tap?.literal(chunk.subarray(at, at + taken));
    this.#filled += taken;
    if (this.#filled === BLOCK) {
      this.#filled = 0;
      this.#oneBlock(this.#block);
    }
    return taken;
  }

  #oneBlock(block: Buffer): void {
    if (this.#state.at === "old-sparse") {
      if (this.#state.map.block(block)) this.#beginContent(this.#state.header, this.#state.map.info);
      return;
    }
    const header = parseHeader(block);
    if (header === undefined) {
      if (++this.#zeroBlocks === 2) this.#state = { at: "end" };
      return;
    }
    if (this.#zeroBlocks > 0) throw badArchive("a header follows the end mark");
    this.headers++;
    if (this.headers > this.#maxEntries * 3) throw badArchive("too many headers");
    if ("xgLK".includes(header.flag)) this.#beginMeta(header);
    else if (header.flag === "V") this.#skip(header.entry.size);
    else if (header.flag === "S") this.#beginOldSparse(header, block);
    else this.#beginContent(header, undefined);
  }

  #beginMeta({ flag, entry: { size, name } }: RawHeader): void {
    if (size > META_MAX) throw badArchive("extended header too large", name);
    this.#padding = (BLOCK - (size % BLOCK)) % BLOCK;
    this.#state = { at: "meta", flag, parts: [], left: size };
    if (size === 0) this.#endMeta(flag, Buffer.alloc(0));
  }

  #endMeta(flag: string, body: Buffer): void {
    this.#state = { at: "header" };
    if (flag === "x") this.#extensions.records = parsePax(body);
    else if (flag === "L") this.#extensions.name = untilNul(body);
    else if (flag === "K") this.#extensions.link = untilNul(body);
    // "g" (global) records say nothing about a file that Docker would heed
  }

  #beginOldSparse(header: RawHeader, block: Buffer): void {
    const map = new OldSparseMap(block);
    if (map.complete) this.#beginContent(header, map.info);
    else this.#state = { at: "old-sparse", header, map };
  }

  #beginContent(header: RawHeader, oldSparse: SparseInfo | undefined): void {
    const type = typeOfFlag(header);
    const extensions = this.#extensions;
    this.#extensions = { records: [] };
    const { entry, stored } = applyPax(header, type, extensions);
    const sparse = oldSparse ?? sparseInHeader(extensions.records);
    this.#padding = (BLOCK - (stored % BLOCK)) % BLOCK;
    if (sparse === undefined || entry.type !== "file") {
      this.#open(entry, undefined, stored);
      return;
    }
    if (sparse.name !== undefined) entry.name = sparse.name;
    entry.size = sparse.realSize;
    entry.sparse = true;
    if (sparse.runs !== undefined) this.#open(entry, sparse.runs, stored);
    else this.#state = { at: "pax-sparse", entry, map: new PaxSparseMap(), left: stored };
  }

  #open(entry: Entry, runs: SparseRun[] | undefined, stored: number): void {
    if (runs !== undefined) checkRuns(entry, runs, stored);
    this.#sink.entry(entry);
    if (entry.type === "file" && stored > 0) {
      this.#state = { at: "content", runs, run: 0, position: runs?.[0]?.offset ?? 0, left: stored };
      return;
    }
    this.#sink.finish();
    this.#skip(stored);
  }

  #skip(size: number): void {
    this.#padding = (BLOCK - (size % BLOCK)) % BLOCK;
    this.#state = size > 0 ? { at: "skip", left: size } : { at: "header" };
  }

  #body(state: Exclude<State, { at: "header" | "old-sparse" | "end" }>, piece: Buffer): void {
    state.left -= piece.length;
    if (state.at === "meta") {
      state.parts.push(Buffer.from(piece));
      if (state.left === 0) this.#endMeta(state.flag, Buffer.concat(state.parts));
    } else if (state.at === "skip") {
      if (state.left === 0) this.#state = { at: "header" };
    } else if (state.at === "pax-sparse") {
      const rest = state.map.write(piece);
      this.#tap?.literal(rest === undefined ? piece : piece.subarray(0, piece.length - rest.length));
      if (rest !== undefined) {
        this.#open(state.entry, state.map.runs, state.left + rest.length);
        this.#padding = (BLOCK - ((state.left + rest.length) % BLOCK)) % BLOCK;
        if (this.#state.at === "content" && rest.length > 0) this.#body(this.#state, rest);
      } else if (state.left === 0) throw badArchive("sparse map is cut off", state.entry.name);
    } else this.#content(state, piece);
  }

  #content(state: Extract<State, { at: "content" }>, piece: Buffer): void {
    let rest = piece;
    while (rest.length > 0) {
      const run = state.runs?.[state.run];
      const room = run === undefined ? rest.length : run.offset + run.length - state.position;
      const now = rest.subarray(0, room);
      if (now.length > 0) {
        this.#tap?.content(now, state.position);
        this.#sink.data(now, state.position);
      }
      state.position += now.length;
      rest = rest.subarray(now.length);
      if (run !== undefined && state.position === run.offset + run.length) {
        state.run++;
        state.position = state.runs?.[state.run]?.offset ?? state.position;
      }
    }
    if (state.left === 0) {
      this.#tap?.endContent();
      this.#sink.finish();
      this.#state = { at: "header" };
    }
  }
}

/** Runs must be in order, inside the file, and add up to what is stored. */
function checkRuns(entry: Entry, runs: SparseRun[], stored: number): void {
  let end = 0;
  let total = 0;
  for (const run of runs) {
    if (run.offset < end || run.length < 0) throw badArchive("sparse map out of order", entry.name);
    end = run.offset + run.length;
    total += run.length;
  }
  if (end > entry.size || total !== stored) throw badArchive("sparse map does not match the size", entry.name);
}

function untilNul(body: Buffer): ByteString {
  const nul = body.indexOf(0);
  return body.toString("latin1", 0, nul < 0 ? body.length : nul);
}
