import { createWriteStream, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { unpack } from "./unpack.ts";

/** Unpacks what a build sends into a folder, which is made if need be. */
export async function intoFolder(path: string, bytes: AsyncIterable<Buffer>): Promise<void> {
  mkdirSync(path, { recursive: true });
  await unpack(path, bytes, { rename: (name) => name, keepOwner: process.getuid?.() === 0 });
}

/** A file that did not come whole is removed. */
export async function intoFile(path: string, bytes: AsyncIterable<Buffer>): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  try {
    await pipeline(bytes, createWriteStream(path));
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}
