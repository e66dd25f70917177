import { createHash } from "node:crypto";
import fs from "node:fs";
import { GantryError } from "../../base/errors.ts";
import type { Digest } from "../../base/image-config.ts";
import type { BlobWriter } from "../../ports/blob-store.ts";
import { diskError } from "./disk-error.ts";

export interface FileBlobWriterDeps {
  file: string;
  expect: { digest?: Digest; size?: number };
  /** The file may hold bytes of a former try, and may be kept for a next one. */
  resumable: boolean;
  /** Gives the finished file its place; durable when it resolves. */
  publish(digest: Digest): Promise<void>;
  /** The writer is through with the file. */
  ended(): void;
}

export class FileBlobWriter implements BlobWriter {
  readonly offset: number;
  readonly #deps: FileBlobWriterDeps;
  readonly #hash = createHash("sha256");
  #handle: fs.promises.FileHandle | undefined;
  #size = 0;
  #over = false;

  constructor(deps: FileBlobWriterDeps) {
    this.#deps = deps;
    this.offset = deps.resumable ? (fs.statSync(deps.file, { throwIfNoEntry: false })?.size ?? 0) : 0;
  }

  async write(chunk: Buffer): Promise<void> {
    const handle = await this.#open();
    const { size } = this.#deps.expect;
    if (size !== undefined && this.#size + chunk.length > size) {
      throw new GantryError("invalid", "DIGEST_MISMATCH", `blob is longer than the ${size} bytes announced`);
    }
    this.#hash.update(chunk);
    try {
      for (let done = 0; done < chunk.length; ) {
        done += (await handle.write(chunk, done, chunk.length - done, this.#size + done)).bytesWritten;
      }
    } catch (e) {
      throw diskError(e);
    }
    this.#size += chunk.length;
  }

  async commit(): Promise<{ digest: Digest; size: number }> {
    const { expect } = this.#deps;
    try {
      const handle = await this.#open();
      const digest: Digest = `sha256:${this.#hash.digest("hex")}`;
      if (expect.size !== undefined && this.#size !== expect.size) {
        throw mismatch(`blob has ${this.#size} bytes, expected ${expect.size}`);
      }
      if (expect.digest !== undefined && digest !== expect.digest) {
        throw mismatch(`blob has digest ${digest}, expected ${expect.digest}`);
      }
      await handle.sync().catch((e: unknown) => Promise.reject(diskError(e) as Error));
      await this.#close();
      await this.#deps.publish(digest);
      this.#end();
      return { digest, size: this.#size };
    } catch (e) {
      await this.abort(false);
      throw e;
    }
  }

  async abort(keep: boolean): Promise<void> {
    if (this.#over) return;
    try {
      await this.#close();
      if (!keep || !this.#deps.resumable) await fs.promises.rm(this.#deps.file, { force: true });
    } finally {
      this.#end();
    }
  }

  /** Opens the file, and hashes what a former try left in it. */
  async #open(): Promise<fs.promises.FileHandle> {
    if (this.#over) throw new Error("blob writer used after its end");
    if (this.#handle !== undefined) return this.#handle;
    const handle = await fs.promises.open(this.#deps.file, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600);
    this.#handle = handle;
    const buffer = Buffer.allocUnsafe(1 << 20);
    while (this.#size < this.offset) {
      const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, this.offset - this.#size), this.#size);
      if (bytesRead === 0) throw new GantryError("internal", "BLOB_CORRUPT", "partial blob was cut while in use");
      this.#hash.update(buffer.subarray(0, bytesRead));
      this.#size += bytesRead;
    }
    return handle;
  }

  async #close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  #end(): void {
    this.#over = true;
    this.#deps.ended();
  }
}

const mismatch = (message: string): GantryError => new GantryError("invalid", "DIGEST_MISMATCH", message);
