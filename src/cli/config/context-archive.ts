import { inflateRawSync } from "node:zlib";
import { readTar } from "../../local/tar-reader.ts";
import { padding, type TarEntry, tarHeader, trailer } from "../../local/tar-writer.ts";
import { goJson } from "../format/json.ts";
import type { ContextMeta, TlsFiles } from "./context-store.ts";

/** More than this is no context. */
const LIMIT = 10 << 20;

/** The tar that `context import` of docker and gantry take. */
export function contextTar(meta: ContextMeta, tls: TlsFiles): Buffer {
  const parts: Buffer[] = [];
  const add = (name: string, type: TarEntry["type"], mode: number, data: Buffer = Buffer.alloc(0)): void => {
    parts.push(tarHeader({ name, type, mode, size: data.length, mtime: 0 }), data, padding(data.length));
  };
  add("meta.json", "file", 0o644, Buffer.from(goJson(meta)));
  add("tls/", "folder", 0o700);
  for (const [endpoint, files] of Object.entries(tls)) {
    add(`tls/${endpoint}/`, "folder", 0o700);
    for (const [file, data] of Object.entries(files)) add(`tls/${endpoint}/${file}`, "file", 0o600, data);
  }
  return Buffer.concat([...parts, trailer()]);
}

/** Reads a tar, or a zip, under the name that it shall have here. Throws Error in docker's words. */
export async function readContext(
  archive: AsyncIterable<Buffer>,
  name: string,
): Promise<{ meta: ContextMeta; tls: TlsFiles }> {
  const bytes = await whole(archive);
  const files = bytes.subarray(0, 4).equals(Buffer.from("PK\x03\x04")) ? zipFiles(bytes) : await tarFiles(bytes);
  let meta: ContextMeta | undefined;
  const tls: TlsFiles = {};
  for (const [path, data] of files) {
    const [, endpoint, file] = /^tls\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    if (path === "meta.json") meta = { ...(JSON.parse(data.toString("utf8")) as ContextMeta), Name: name };
    else if (endpoint === undefined || file === undefined || /^\.\.?$/.test(endpoint) || /^\.\.?$/.test(file)) {
      throw new Error("unexpected context file");
    } else (tls[endpoint] ??= {})[file] = data;
  }
  if (meta === undefined) throw new Error("invalid context: no metadata found");
  return { meta: { ...meta, Metadata: meta.Metadata ?? {}, Endpoints: meta.Endpoints ?? {} }, tls };
}

async function whole(archive: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of archive) {
    size += chunk.length;
    if (size > LIMIT) throw new Error("read exceeds the defined limit");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function tarFiles(bytes: Buffer): Promise<[string, Buffer][]> {
  const files: [string, Buffer][] = [];
  const chunks = async function* (): AsyncGenerator<Buffer> {
    yield bytes;
  };
  for await (const entry of readTar(chunks())) {
    if (entry.type === "file") files.push([entry.name.replace(/^\.\//, ""), await whole(entry.content)]);
  }
  return files;
}

/** The files of a zip, by its directory at the end. */
function zipFiles(bytes: Buffer): [string, Buffer][] {
  const end = bytes.lastIndexOf("PK\x05\x06");
  const files: [string, Buffer][] = [];
  let at = end === -1 ? bytes.length : bytes.readUInt32LE(end + 16);
  for (let left = end === -1 ? 0 : bytes.readUInt16LE(end + 10); left > 0; left -= 1) {
    const method = bytes.readUInt16LE(at + 10);
    const packed = bytes.readUInt32LE(at + 20);
    const name = bytes.toString("utf8", at + 46, at + 46 + bytes.readUInt16LE(at + 28));
    const local = bytes.readUInt32LE(at + 42);
    const begin = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const data = bytes.subarray(begin, begin + packed);
    at += 46 + bytes.readUInt16LE(at + 28) + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
    if (name.endsWith("/")) continue;
    files.push([name, method === 0 ? data : inflateRawSync(data, { maxOutputLength: LIMIT })]);
  }
  return files;
}
