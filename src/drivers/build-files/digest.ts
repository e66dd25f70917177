import { createHash, type Hash } from "node:crypto";
import fs from "node:fs";
import { setImmediate as breathe } from "node:timers/promises";
import { GantryError } from "../../base/errors.ts";
import type { DigestOptions, FoundSource } from "../../ports/build-files.ts";
import {
  type ByteString,
  byteString,
  O,
  openAt,
  readable,
  readlinkAt,
  S,
  type Status,
  statOf,
  typeOf,
} from "../syscalls/files.ts";
import { getXattr, listXattrs } from "../syscalls/xattr.ts";
import { holdingFd, inner, openInside, openRoot, split, withFd } from "./root.ts";
import { type Entry, walk } from "./walk.ts";

const CHUNK = 1024 * 1024;
/** Bytes hashed between two turns of the event loop. */
const TURN = 8 * CHUNK;

/** Attributes that are part of a file's content for an image. */
export const isKeptXattr = (name: ByteString): boolean =>
  name === "security.capability" || name.startsWith("user.") || name.startsWith("system.posix_acl_");

/** sha256 (hex) over one found source; see BuildFiles.digest. */
export async function digestOf(root: string, source: FoundSource, options: DigestOptions): Promise<string> {
  const path = inner(source.path);
  const digester = new Digester(options, path);
  await holdingFd(openRoot(root), async (top) => {
    const flags = source.kind === "folder" ? O.RDONLY | O.DIRECTORY : O.RDONLY | O.NONBLOCK;
    await holdingFd(openInside(top, path, flags), async (fd) => {
      if (source.kind === "folder") await digester.folder(fd);
      else await digester.file(fd, split(path).name);
    });
  });
  return digester.hex();
}

/** A digest of digests: each file's own, and all of them in order. */
class Digester {
  private readonly whole: Hash = createHash("sha256");
  private readonly options: DigestOptions;
  /** Of the source in its root. */
  private readonly source: ByteString;
  private readonly buffer = Buffer.allocUnsafe(CHUNK);
  private sinceTurn = 0;

  constructor(options: DigestOptions, source: ByteString) {
    this.options = options;
    this.source = source;
  }

  hex(): string {
    return this.whole.digest("hex");
  }

  async file(fd: number, name: ByteString): Promise<void> {
    const status = statOf(fd);
    const hash = this.header(name, status);
    if (typeOf(status) === S.IFREG) await this.content(hash, fd, this.source);
    this.end(hash, "");
  }

  async folder(fd: number): Promise<void> {
    const { exclude } = this.options;
    const left = (entry: Entry): boolean => exclude?.(readable(entry.path)) ?? false;
    for (const entry of walk(fd, (folder) => !left(folder))) {
      if (!left(entry)) await this.entry(entry);
    }
  }

  private async entry({ dir, name, path, status }: Entry): Promise<void> {
    const hash = this.header(path, status);
    const type = typeOf(status);
    if (type === S.IFLNK) field(hash, "link", readlinkAt(dir, name));
    else if (type === S.IFREG) {
      const fd = openAt(dir, name, O.RDONLY | O.NOFOLLOW | O.NONBLOCK);
      await holdingFd(fd, (open) => this.content(hash, open, this.source === "" ? path : `${this.source}/${path}`));
    } else if (type === S.IFDIR)
      withFd(openAt(dir, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW), (open) => attributes(hash, open));
    this.end(hash, path);
  }

  private header(path: ByteString, status: Status): Hash {
    const hash = createHash("sha256");
    // A link's permission bits mean nothing.
    const mode = typeOf(status) === S.IFLNK ? S.IFLNK : status.mode;
    const owner = this.options.owners ? [status.uid, status.gid] : [];
    const device = typeOf(status) === S.IFCHR || typeOf(status) === S.IFBLK ? [status.major, status.minor] : [];
    field(hash, "entry", path);
    hash.update(`${mode.toString(8)} ${[...owner, ...device].join(" ")}\0`);
    return hash;
  }

  private end(hash: Hash, path: ByteString): void {
    const digest = hash.digest("hex");
    this.whole.update(digest);
    this.options.onFile?.(readable(path), digest);
  }

  private async content(hash: Hash, fd: number, path: ByteString): Promise<void> {
    attributes(hash, fd);
    const { contents } = this.options;
    const text = readable(path);
    // Two names that are no UTF-8 may read the same.
    const known = byteString(text) === path ? contents?.get(text) : undefined;
    const digest = known ?? (await this.read(fd));
    if (known === undefined) contents?.set(text, digest);
    hash.update(digest);
  }

  private async read(fd: number): Promise<string> {
    const hash = createHash("sha256");
    for (;;) {
      const length = fs.readSync(fd, this.buffer, 0, CHUNK, null);
      if (length === 0) break;
      hash.update(this.buffer.subarray(0, length));
      this.sinceTurn += length;
      if (this.sinceTurn >= TURN) await this.turn();
    }
    return hash.digest("hex");
  }

  private async turn(): Promise<void> {
    this.sinceTurn = 0;
    await breathe();
    if (this.options.signal?.aborted) throw new GantryError("canceled", "CANCELED", "canceled");
  }
}

/** Lengths before values: no two trees give the same bytes. */
function field(hash: Hash, kind: string, value: ByteString): void {
  hash.update(`${kind} ${value.length}\0`).update(value, "latin1");
}

function attributes(hash: Hash, fd: number): void {
  for (const name of listXattrs(fd).filter(isKeptXattr).toSorted()) {
    field(hash, "xattr", name);
    field(hash, "value", getXattr(fd, name)?.toString("latin1") ?? "");
  }
}
