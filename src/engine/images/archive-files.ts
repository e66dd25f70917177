import { Readable } from "node:stream";
import { GantryError, messageOf } from "../../base/errors.ts";
import type { Digest } from "../../base/image-config.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { Hold } from "./holds.ts";
import { DOCUMENT_LIMIT, sha256 } from "./manifest.ts";
import { cleanPath, readTar, type TarEntry } from "./tar-reader.ts";

/** Small files stay in memory, together no more than this. */
const SMALL = 64 * 1024;
const SMALL_TOTAL = 32 * 1024 * 1024;
const MOST_ENTRIES = 100_000;
const MOST_LINKS = 16;

const bad = (message: string): GantryError => new GantryError("invalid", "BAD_ARCHIVE", message);

type Held = { bytes: Buffer } | { digest: Digest; size: number };

/** The files of a saved image's archive, by path: an archive may name its layers before or after it brings them. */
export class ArchiveFiles {
  private readonly blobs: BlobStore;
  private readonly files = new Map<string, Held>();
  private readonly links = new Map<string, string>();

  constructor(blobs: BlobStore) {
    this.blobs = blobs;
  }

  put(path: string, file: Held): void {
    this.links.delete(path);
    this.files.set(path, file);
  }

  link(path: string, target: string): void {
    this.files.delete(path);
    this.links.set(path, target);
  }

  has(path: string): boolean {
    return this.files.has(path) || this.links.has(path);
  }

  /** Digests of what went into the blob store. */
  stored(): Digest[] {
    return [...this.files.values()].flatMap((file) => ("digest" in file ? [file.digest] : []));
  }

  /** A small document. Throws BAD_ARCHIVE if it is missing or larger than 4 MiB. */
  bytes(path: string): Buffer {
    const file = this.find(path);
    if ("bytes" in file) return file.bytes;
    if (file.size > DOCUMENT_LIMIT) throw bad(`${path} is larger than ${DOCUMENT_LIMIT} bytes: refused`);
    return this.blobs.read(file.digest);
  }

  json(path: string): unknown {
    try {
      return JSON.parse(this.bytes(path).toString("utf8"));
    } catch (cause) {
      if (cause instanceof GantryError) throw cause;
      throw new GantryError("invalid", "BAD_ARCHIVE", `${path}: not JSON`, { cause });
    }
  }

  /** The blob of this digest, put into the store if it stayed in memory; false if the archive did not bring it. */
  keepBlob(path: string, digest: Digest): boolean {
    if (this.blobs.has(digest)) return true;
    const file = this.files.get(path);
    return file !== undefined && "bytes" in file && this.blobs.put(file.bytes) === digest;
  }

  open(path: string): { stream: Readable; size: number } {
    const file = this.find(path);
    if ("bytes" in file) return { stream: Readable.from([file.bytes], { objectMode: false }), size: file.bytes.length };
    return { stream: this.blobs.open(file.digest), size: file.size };
  }

  private find(path: string): Held {
    let at = cleanPath(path);
    for (let hops = 0; hops < MOST_LINKS; hops += 1) {
      const file = this.files.get(at);
      if (file) return file;
      const target = this.links.get(at);
      if (target === undefined) break;
      at = cleanPath(target, at);
    }
    throw bad(`the archive lacks ${path}`);
  }
}

/**
 * Reads an archive to its end into `files`; large ones go to the blob store, under `hold`. Throws BAD_ARCHIVE;
 * what was stored till then is in `files.stored()` all the same.
 */
export async function collectFiles(
  files: ArchiveFiles,
  blobs: BlobStore,
  input: Readable,
  hold: Hold,
  signal: AbortSignal | undefined,
): Promise<void> {
  let small = 0;
  let entries = 0;
  try {
    for await (const entry of readTar(input)) {
      signal?.throwIfAborted();
      entries += 1;
      if (entries > MOST_ENTRIES) throw bad(`more than ${MOST_ENTRIES} entries: no saved image`);
      if (entry.type === "symlink") files.link(entry.name, entry.target);
      else if (entry.type === "link") files.link(entry.name, `/${entry.target}`);
      else if (entry.type === "file" && entry.size <= SMALL && small + entry.size <= SMALL_TOTAL) {
        const bytes = await joined(entry.body);
        small += bytes.length;
        files.put(entry.name, { bytes });
        checkName(entry.name, sha256(bytes));
      } else if (entry.type === "file") {
        const stored = await toBlob(blobs, entry, hold, signal);
        files.put(entry.name, stored);
        checkName(entry.name, stored.digest);
      }
    }
  } catch (cause) {
    if (cause instanceof GantryError || signal?.aborted) throw cause;
    throw new GantryError("invalid", "BAD_ARCHIVE", `the archive can't be read: ${messageOf(cause)}`, { cause });
  }
}

async function joined(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function toBlob(
  blobs: BlobStore,
  entry: TarEntry,
  hold: Hold,
  signal: AbortSignal | undefined,
): Promise<{ digest: Digest; size: number }> {
  const writer = blobs.writer({ size: entry.size });
  try {
    for await (const chunk of entry.body) {
      signal?.throwIfAborted();
      await writer.write(chunk);
    }
  } catch (error) {
    await writer.abort(false);
    throw error;
  }
  return hold.keep(() => writer.commit());
}

/** In the OCI layout a blob's name is its digest. */
function checkName(name: string, digest: Digest): void {
  const claimed = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(name)?.[1];
  if (claimed !== undefined && digest !== `sha256:${claimed}`) throw bad(`the bytes of ${name} don't match its digest`);
}
