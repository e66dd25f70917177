import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { type Readable } from "node:stream";
import { digestOf, isDigest, parseDigest } from "../../base/digest.ts";
import { errnoOf, GantryError } from "../../base/errors.ts";
import type { Digest } from "../../base/image-config.ts";
import type { BlobStore, BlobWriter } from "../../ports/blob-store.ts";
import { FileBlobWriter } from "./blob-writer.ts";
import { diskError } from "./disk-error.ts";

/** Temp files of writers that never ended. */
const TEMP = "tmp-";

/** Blobs as files `<root>/sha256/<hex>`; what is there is complete. `<root>/partial/<hex>`: cut downloads. */
export class FileBlobStore implements BlobStore {
  readonly #blobs: string;
  readonly #partial: string;
  /** Digests whose partial file has a writer; a second one starts from nothing. */
  readonly #writing = new Set<Digest>();

  /** `root`: `<data-root>/blobs`; made when missing. Temp files of a former life are deleted. */
  constructor(root: string) {
    this.#blobs = path.join(root, "sha256");
    this.#partial = path.join(root, "partial");
    for (const folder of [this.#blobs, this.#partial]) fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const name of fs.readdirSync(this.#partial)) {
      if (name.startsWith(TEMP)) fs.rmSync(path.join(this.#partial, name), { force: true });
    }
  }

  has(digest: Digest): boolean {
    return fs.existsSync(this.#file(digest));
  }

  size(digest: Digest): number {
    return this.#found(digest, () => fs.statSync(this.#file(digest)).size);
  }

  read(digest: Digest): Buffer {
    const bytes = this.#found(digest, () => fs.readFileSync(this.#file(digest)));
    if (digestOf(bytes) !== digest) {
      throw new GantryError("internal", "BLOB_CORRUPT", `blob ${digest} is corrupt on disk`, {
        hint: "pull the image again",
        details: { digest },
      });
    }
    return bytes;
  }

  open(digest: Digest, range?: { start: number }): Readable {
    const fd = this.#found(digest, () => fs.openSync(this.#file(digest), "r"));
    return fs.createReadStream("", { fd, start: range?.start ?? 0, highWaterMark: 256 * 1024 });
  }

  put(bytes: Buffer | string): Digest {
    const digest = digestOf(bytes);
    const target = this.#file(digest);
    if (fs.existsSync(target)) return digest;
    const temp = this.#temp();
    try {
      const fd = fs.openSync(temp, "wx", 0o600);
      try {
        fs.writeFileSync(fd, bytes);
        fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
      fs.renameSync(temp, target);
    } catch (e) {
      fs.rmSync(temp, { force: true });
      throw diskError(e);
    }
    this.#syncFolder();
    return digest;
  }

  writer(expect: { digest?: Digest; size?: number } = {}): BlobWriter {
    const { digest } = expect;
    if (digest !== undefined) parseDigest(digest);
    const resumable = digest !== undefined && !this.#writing.has(digest) ? digest : undefined;
    const file = resumable === undefined ? this.#temp() : this.#partialFile(resumable);
    if (resumable !== undefined) this.#writing.add(resumable);
    return new FileBlobWriter({
      file,
      expect,
      resumable: resumable !== undefined,
      publish: async (actual) => {
        await fs.promises.rename(file, this.#file(actual));
        this.#syncFolder();
      },
      ended: () => void (resumable !== undefined && this.#writing.delete(resumable)),
    });
  }

  partialSize(digest: Digest): number {
    return fs.statSync(this.#partialFile(digest), { throwIfNoEntry: false })?.size ?? 0;
  }

  remove(digest: Digest): void {
    fs.rmSync(this.#file(digest), { force: true });
    if (!this.#writing.has(digest)) fs.rmSync(this.#partialFile(digest), { force: true });
  }

  list(): Digest[] {
    return fs
      .readdirSync(this.#blobs)
      .map((name) => `sha256:${name}`)
      .filter((digest) => isDigest(digest));
  }

  #file(digest: Digest): string {
    return path.join(this.#blobs, parseDigest(digest).hex);
  }

  #partialFile(digest: Digest): string {
    return path.join(this.#partial, parseDigest(digest).hex);
  }

  #temp(): string {
    return path.join(this.#partial, `${TEMP}${randomBytes(8).toString("hex")}`);
  }

  #found<T>(digest: Digest, body: () => T): T {
    try {
      return body();
    } catch (e) {
      if (errnoOf(e) !== "ENOENT") throw e;
      throw new GantryError("notFound", "NO_SUCH_BLOB", `blob ${digest} not found`, { details: { digest } });
    }
  }

  /** Makes a rename durable. */
  #syncFolder(): void {
    const fd = fs.openSync(this.#blobs, "r");
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  }
}
