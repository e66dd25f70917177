import { lstatSync, mkdirSync } from "node:fs";
import { basename } from "node:path";
import { pack } from "../local/pack.ts";
import { padding, tarHeader, trailer } from "../local/tar-writer.ts";
import { unpack } from "../local/unpack.ts";

/**
 * What goes into a container: the path of a file or folder of this machine (it keeps its name), contents by name below
 * the folder copied to, or a tar.
 */
export type Files = string | Record<string, string | Uint8Array> | AsyncIterable<Uint8Array>;

export function archiveOf(files: Files): AsyncIterable<Uint8Array> {
  if (typeof files === "string") {
    lstatSync(files); // an error now is better than one within the request
    return chunks(pack(files, { top: basename(files) }));
  }
  return Symbol.asyncIterator in files ? (files as AsyncIterable<Uint8Array>) : chunks(tarOf(files));
}

function* tarOf(files: Record<string, string | Uint8Array>): Generator<Buffer> {
  const mtime = Math.floor(Date.now() / 1000);
  for (const [name, given] of Object.entries(files)) {
    const content = Buffer.from(given as Uint8Array);
    yield tarHeader({ name: name.replace(/^\/+/, ""), type: "file", mode: 0o644, size: content.length, mtime });
    yield content;
    yield padding(content.length);
  }
  yield trailer();
}

export async function* chunks<T extends Uint8Array>(source: Iterable<T>): AsyncGenerator<T> {
  yield* source;
}

/** Below `folder`, which is made if it is missing. */
export async function unpackTo(folder: string, tar: AsyncIterable<Buffer>): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await unpack(folder, tar, { rename: (name) => name, keepOwner: false });
}
