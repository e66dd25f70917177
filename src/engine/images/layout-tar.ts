import { GantryError } from "../../base/errors.ts";
import type { Digest } from "../../base/image-config.ts";
import { TAR_END, tarHeader, tarPadding } from "./tar-writer.ts";

/** One blob of an archive: its bytes are fetched when its turn comes. */
export interface LayoutBlob {
  digest: Digest;
  size: number;
  open: () => AsyncIterable<Buffer>;
}

export const blobPath = (digest: Digest): string => `blobs/sha256/${digest.slice("sha256:".length)}`;

/** A tar in the OCI layout: blobs by digest, each once, then documents by name. The same contents give the same bytes. */
export async function* layoutTar(
  blobs: Iterable<LayoutBlob>,
  documents: Record<string, unknown>,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  yield tarHeader("blobs/", 0);
  yield tarHeader("blobs/sha256/", 0);
  const unique = new Map([...blobs].map((blob) => [blob.digest, blob]));
  for (const [digest, blob] of [...unique].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    signal?.throwIfAborted();
    yield tarHeader(blobPath(digest), blob.size);
    yield* exactly(blob);
    yield tarPadding(blob.size);
  }
  const all = { ...documents, "oci-layout": { imageLayoutVersion: "1.0.0" } };
  for (const [name, value] of Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const bytes = Buffer.from(JSON.stringify(value));
    yield tarHeader(name, bytes.length);
    yield bytes;
    yield tarPadding(bytes.length);
  }
  yield Buffer.alloc(TAR_END);
}

/** The archive's frame promised a length: a layer that gives another breaks it off instead of shifting what follows. */
async function* exactly({ digest, size, open }: LayoutBlob): AsyncGenerator<Buffer> {
  let sent = 0;
  for await (const chunk of open()) {
    sent += chunk.length;
    if (sent > size) break;
    yield chunk;
  }
  if (sent !== size) throw new GantryError("internal", "BLOB_CORRUPT", `${digest}: ${sent} bytes instead of ${size}`);
}
