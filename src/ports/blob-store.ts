import type { Readable } from "node:stream";
import type { Digest } from "../base/image-config.ts";

/**
 * Immutable bytes by sha256 digest. A blob is visible only when complete, verified and fsynced.
 * Partial downloads are kept by digest so that they can be resumed.
 */
export interface BlobStore {
  has(digest: Digest): boolean;
  /** Bytes; throws notFound NO_SUCH_BLOB. */
  size(digest: Digest): number;
  /** For small blobs (manifests, configs). Throws notFound NO_SUCH_BLOB, internal BLOB_CORRUPT when the bytes don't hash. */
  read(digest: Digest): Buffer;
  open(digest: Digest, range?: { start: number }): Readable;
  /** Stores small bytes, returns their digest. */
  put(bytes: Buffer | string): Digest;
  /** A streamed write; `expect` is checked at commit. */
  writer(expect?: { digest?: Digest; size?: number }): BlobWriter;
  /** Bytes already there of a download of `digest` that was cut. */
  partialSize(digest: Digest): number;
  remove(digest: Digest): void;
  list(): Digest[];
}

export interface BlobWriter {
  /** Bytes already present when a partial download is resumed. */
  readonly offset: number;
  write(chunk: Buffer): Promise<void>;
  /** Fsyncs, verifies (invalid DIGEST_MISMATCH: nothing stored) and makes it visible. */
  commit(): Promise<{ digest: Digest; size: number }>;
  /** Keeps the partial bytes for a resume if the digest is known and `keep`, else deletes them. */
  abort(keep: boolean): Promise<void>;
}
