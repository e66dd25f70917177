import fs from "node:fs";
import { GantryError, messageOf } from "../../base/errors.ts";
import type { IdMap } from "../../base/id-map.ts";
import {
  type ByteString,
  byteString,
  O,
  openAt,
  openAt2,
  RESOLVE,
  readable,
  readlinkAt,
  S,
  type Status,
  statAt,
  statIfAny,
  statOf,
  typeOf,
} from "../syscalls/files.ts";
import { closeFd, openFd, SyscallError } from "../syscalls/libc.ts";
import { entriesOf } from "../syscalls/remove-tree.ts";
import { getXattr, listXattrs, type XattrTarget } from "../syscalls/xattr.ts";
import { carriedXattr } from "./attributes.ts";
import { BLOCK, type Entry, type SparseRun } from "./entry.ts";
import { asInside } from "./id-shift.ts";
import { formatHeader } from "./header.ts";
import type { PaxRecord } from "./pax.ts";
import { partsOf } from "./rooted-folder.ts";
import { hasHoles, sparseMap, sparseName, sparseRecords, sparseRuns } from "./sparse-pack.ts";
import { OPAQUE, OPAQUE_XATTR, WHITEOUT } from "./whiteout.ts";

export interface PackerOptions {
  whiteouts: "overlay" | "plain";
  path?: string;
  rename?: string;
  without?: readonly string[];
  ids?: IdMap;
  sparse?: boolean;
}

/** Where an entry stands: its name in the archive, its path from the root, and its folder's name in the archive. */
interface Place {
  as: ByteString;
  path: ByteString;
  prefix: ByteString;
}

/** Size of the pieces given out, in bytes. */
const PIECE = 256 * 1024;
const PATH_MAX = 4095;

/**
 * Writes a tree as a tar, piece by piece as they are asked for. The bytes are the identity of built layers: the same
 * tree must give the same bytes in every release. The order is depth first, names in a folder by their bytes.
 */
export class Packer {
  readonly #options: PackerOptions;
  /** Hard-linked files already written, by inode. */
  readonly #written = new Map<string, ByteString>();
  /** Bytes of file contents so far. */
  size = 0;
  readonly #without: ReadonlySet<ByteString>;
  #out = Buffer.allocUnsafeSlow(PIECE);
  #used = 0;

  constructor(options: PackerOptions) {
    this.#options = options;
    this.#without = new Set(options.without?.map((path) => partsOf(byteString(path)).join("/")));
  }

  /** Each piece is the receiver's to keep. */
  *pack(root: string): Generator<Buffer, void> {
    const rootFd = openFd(root, O.RDONLY | O.DIRECTORY);
    try {
      yield* this.#start(rootFd);
      yield* this.#bytes(Buffer.alloc(BLOCK * 2));
      if (this.#used > 0) yield this.#out.subarray(0, this.#used);
    } catch (e) {
      throw translate(e);
    } finally {
      closeFd(rootFd);
    }
  }

  *#start(rootFd: number): Generator<Buffer, void> {
    const parts = partsOf(byteString(this.#options.path ?? ""));
    const rename = this.#options.rename === undefined ? undefined : byteString(this.#options.rename);
    const name = parts.pop();
    if (name === undefined) {
      const prefix = rename === undefined ? "" : rename === "/" ? "/" : `${rename}/`;
      if (prefix !== "") yield* this.#describe(entryOf(statOf(rootFd), "dir", prefix, rootFd));
      yield* this.#children(rootFd, prefix, "");
      return;
    }
    const up = openAt2(rootFd, parts.join("/") || ".", O.RDONLY | O.DIRECTORY, RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS);
    try {
      const as = rename ?? name;
      yield* this.#entry(up, name, statAt(up, name), { as, path: [...parts, name].join("/"), prefix: "" });
    } finally {
      closeFd(up);
    }
  }

  /** `prefix`: of names in the archive; `path`: from the root, for `without`. */
  *#children(fd: number, prefix: ByteString, path: ByteString): Generator<Buffer, void> {
    if (this.#options.whiteouts === "overlay" && getXattr(fd, OPAQUE_XATTR)?.toString() === "y") {
      yield* this.#describe(mark(`${prefix}${OPAQUE}`));
    }
    const names = entriesOf(fd).map((entry) => entry.name);
    names.sort((a, b) => (a < b ? -1 : 1));
    for (const name of names) {
      const below = path === "" ? name : `${path}/${name}`;
      if (this.#without.has(below)) continue;
      const status = statIfAny(fd, name);
      if (status === undefined) continue; // deleted meanwhile
      yield* this.#entry(fd, name, status, { as: prefix + name, path: below, prefix });
    }
  }

  *#entry(dir: number, name: ByteString, status: Status, place: Place): Generator<Buffer, void> {
    const { as } = place;
    if (as.length > PATH_MAX) {
      throw new GantryError("invalid", "NAME_TOO_LONG", `path too long: ${readable(as).slice(0, 200)}…`);
    }
    const type = typeOf(status);
    if (type === S.IFDIR) {
      yield* this.#folder(dir, name, place);
      return;
    }
    if (type === S.IFSOCK) return;
    if (type === S.IFCHR && status.major === 0 && status.minor === 0 && this.#options.whiteouts === "overlay") {
      yield* this.#describe(mark(`${place.prefix}${WHITEOUT}${name}`));
      return;
    }
    const first = this.#written.get(status.identity);
    if (first !== undefined) {
      yield* this.#describe({ ...entryOf(status, "link", as), link: first, xattrs: new Map(), size: 0 });
      return;
    }
    if (type === S.IFREG) {
      yield* this.#file(dir, name, as);
      return;
    }
    const entry = nodeIfAny(dir, name, status, as);
    if (entry === undefined) return;
    if (status.links > 1) this.#written.set(status.identity, as);
    yield* this.#describe(entry);
  }

  *#folder(dir: number, name: ByteString, { as, path }: Place): Generator<Buffer, void> {
    const fd = openIfAny(dir, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
    if (fd === undefined) return;
    try {
      yield* this.#describe(entryOf(statOf(fd), "dir", `${as}/`, fd));
      yield* this.#children(fd, `${as}/`, path);
    } finally {
      closeFd(fd);
    }
  }

  *#file(dir: number, name: ByteString, as: ByteString): Generator<Buffer, void> {
    const fd = openIfAny(dir, name, O.RDONLY | O.NOFOLLOW | O.NONBLOCK); // not to hang on a FIFO that was swapped in
    if (fd === undefined) return;
    try {
      const status = statOf(fd);
      if (typeOf(status) !== S.IFREG) return;
      if (status.links > 1) this.#written.set(status.identity, as);
      const entry = entryOf(status, "file", as, fd);
      const runs = this.#options.sparse && hasHoles(status) ? sparseRuns(fd, status.size) : undefined;
      if (runs === undefined) {
        yield* this.#describe(entry);
        yield* this.#content(fd, { offset: 0, length: status.size });
      } else yield* this.#sparseFile(fd, entry, runs);
    } finally {
      closeFd(fd);
    }
  }

  *#sparseFile(fd: number, entry: Entry, runs: SparseRun[]): Generator<Buffer, void> {
    const map = sparseMap(runs, entry.size);
    const stored = runs.reduce((sum, { length }) => sum + length, 0);
    yield* this.#describe({ ...entry, size: map.length + stored, name: sparseName(entry.name) }, sparseRecords(entry));
    yield* this.#bytes(map);
    for (const run of runs) yield* this.#run(fd, run);
    yield* this.#zeros((BLOCK - (stored % BLOCK)) % BLOCK);
  }

  *#content(fd: number, all: SparseRun): Generator<Buffer, void> {
    yield* this.#run(fd, all);
    yield* this.#zeros((BLOCK - (all.length % BLOCK)) % BLOCK);
  }

  /** Just so many bytes: a file that shrinks meanwhile is filled up with zeros, since its header is out already. */
  *#run(fd: number, { offset, length }: SparseRun): Generator<Buffer, void> {
    this.size += length;
    let left = length;
    while (left > 0) {
      const room = Math.min(left, PIECE - this.#used);
      const got = fs.readSync(fd, this.#out, this.#used, room, offset + length - left);
      if (got === 0) break;
      this.#used += got;
      left -= got;
      if (this.#used === PIECE) yield this.#take();
    }
    yield* this.#zeros(left);
  }

  *#zeros(count: number): Generator<Buffer, void> {
    for (let left = count; left > 0; ) {
      const now = Math.min(left, PIECE - this.#used);
      this.#out.fill(0, this.#used, this.#used + now);
      this.#used += now;
      left -= now;
      if (this.#used === PIECE) yield this.#take();
    }
  }

  *#describe(entry: Entry, more?: readonly PaxRecord[]): Generator<Buffer, void> {
    const { ids } = this.#options;
    yield* this.#bytes(formatHeader(ids === undefined ? entry : { ...entry, ...asInside(ids, entry) }, more));
  }

  *#bytes(bytes: Buffer): Generator<Buffer, void> {
    for (let at = 0; at < bytes.length; ) {
      const now = bytes.copy(this.#out, this.#used, at);
      this.#used += now;
      at += now;
      if (this.#used === PIECE) yield this.#take();
    }
  }

  #take(): Buffer {
    const full = this.#out;
    this.#out = Buffer.allocUnsafeSlow(PIECE);
    this.#used = 0;
    return full;
  }
}

/** Opens what the walk has just seen; undefined when it was deleted or replaced meanwhile. */
function openIfAny(dir: number, name: ByteString, flags: number): number | undefined {
  try {
    return openAt(dir, name, flags);
  } catch (e) {
    if (e instanceof SyscallError && ["ENOENT", "ENOTDIR", "ELOOP", "ENXIO"].includes(e.code)) return undefined;
    throw e;
  }
}

/** A link, device or FIFO; undefined when it was deleted or replaced meanwhile. */
function nodeIfAny(dir: number, name: ByteString, status: Status, as: ByteString): Entry | undefined {
  const type = typeOf(status);
  try {
    const link = type === S.IFLNK ? readlinkAt(dir, name) : "";
    return { ...entryOf(status, NODES[type]!, as, `/proc/self/fd/${dir}/${name}`), link };
  } catch (e) {
    if (e instanceof SyscallError && ["ENOENT", "EINVAL"].includes(e.code)) return undefined;
    throw e;
  }
}

const NODES: Record<number, Entry["type"]> = {
  [S.IFLNK]: "symlink",
  [S.IFCHR]: "char",
  [S.IFBLK]: "block",
  [S.IFIFO]: "fifo",
};

function entryOf(status: Status, type: Entry["type"], name: ByteString, target?: XattrTarget): Entry {
  const device = type === "char" || type === "block";
  return {
    type,
    name,
    link: "",
    size: type === "file" ? status.size : 0,
    mode: status.mode & 0o7777,
    uid: status.uid,
    gid: status.gid,
    mtime: status.mtime,
    major: device ? status.major : 0,
    minor: device ? status.minor : 0,
    xattrs: target === undefined ? new Map() : xattrsOf(target),
    sparse: false,
  };
}

function xattrsOf(target: XattrTarget): Map<ByteString, Buffer> {
  const found = new Map<ByteString, Buffer>();
  for (const name of listXattrs(target)) {
    if (!carriedXattr(name)) continue;
    const value = getXattr(target, name);
    if (value !== undefined) found.set(name, value);
  }
  return found;
}

/** A whiteout or opaque mark; the same whenever and by whomever the deletion was done. */
const mark = (name: ByteString): Entry => ({
  type: "file",
  name,
  link: "",
  size: 0,
  mode: 0o600,
  uid: 0,
  gid: 0,
  mtime: { seconds: 0, nanoseconds: 0 },
  major: 0,
  minor: 0,
  xattrs: new Map(),
  sparse: false,
});

function translate(e: unknown): unknown {
  if (!(e instanceof SyscallError)) return e;
  if (e.code === "ENOENT" || e.code === "ENOTDIR") {
    return new GantryError("notFound", "NO_SUCH_PATH", `no such file or directory: ${messageOf(e)}`, { cause: e });
  }
  return new GantryError("internal", "PACK_FAILED", messageOf(e), { cause: e });
}
