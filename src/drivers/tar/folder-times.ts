import type { ByteString, Timestamp } from "../syscalls/files.ts";

const CHUNK = 64 * 1024;
const FIXED = 14; // f64 seconds, u32 nanoseconds, u16 length of the path

/** Folders and their mtimes, packed tight: an archive may have a million of them. */
export class FolderTimes {
  readonly #chunks: Buffer[] = [];
  #used = CHUNK;

  /** `path` of at most 4096 bytes. */
  add(path: ByteString, { seconds, nanoseconds }: Timestamp): void {
    const size = FIXED + path.length;
    if (this.#used + size > CHUNK) {
      this.#chunks.push(Buffer.alloc(CHUNK));
      this.#used = 0;
    }
    const chunk = this.#chunks.at(-1)!;
    let at = chunk.writeDoubleLE(seconds, this.#used);
    at = chunk.writeUInt32LE(nanoseconds, at);
    at = chunk.writeUInt16LE(path.length + 1, at); // 0: no more in this chunk
    this.#used = at + chunk.write(path, at, "latin1");
  }

  *[Symbol.iterator](): Generator<[path: ByteString, mtime: Timestamp], void> {
    for (const chunk of this.#chunks) {
      for (let at = 0; at + FIXED <= CHUNK; ) {
        const length = chunk.readUInt16LE(at + 12) - 1;
        if (length < 0) break;
        const path = chunk.toString("latin1", at + FIXED, at + FIXED + length);
        yield [path, { seconds: chunk.readDoubleLE(at), nanoseconds: chunk.readUInt32LE(at + 8) }];
        at += FIXED + length;
      }
    }
  }
}
