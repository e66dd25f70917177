import fs from "node:fs";
import { setImmediate as breathe } from "node:timers/promises";
import { GantryError } from "../../base/errors.ts";
import type { CopyRequest, Owner } from "../../ports/build-files.ts";
import {
  type ByteString,
  chmod,
  chown,
  chownAt,
  linkAt,
  mkdirAt,
  mknodAt,
  O,
  openAt,
  readable,
  readlinkAt,
  S,
  type Status,
  setTimes,
  setTimesAt,
  statIfAny,
  statOf,
  symlinkAt,
  typeOf,
  unlinkAt,
} from "../syscalls/files.ts";
import { getXattr, listXattrs, setXattr } from "../syscalls/xattr.ts";
import { isKeptXattr } from "./digest.ts";
import {
  badCopy,
  clean,
  ensureFolder,
  holdingFd,
  inner,
  openInside,
  openRoot,
  split,
  statInside,
  withFd,
} from "./root.ts";
import { entriesOf } from "../syscalls/remove-tree.ts";

const PERMISSIONS = 0o7777;
/** Copied in the thread pool from this size on; below, a call there costs more than the copy. */
const BIG = 1024 * 1024;
const FILES_PER_TURN = 256;
const DEEPEST = 512;

/** Carries out one BuildFiles.copy. */
export async function copyInto(request: CopyRequest): Promise<void> {
  const { source, target } = request;
  await holdingFd(openRoot(request.root), (fromRoot) =>
    holdingFd(openRoot(request.targetRoot), async (toRoot) => {
      const copier = new Copier(request);
      const path = inner(source.path);
      const goal = inner(target);
      if (source.kind === "folder") {
        await holdingFd(openInside(fromRoot, path, O.RDONLY | O.DIRECTORY), (from) =>
          holdingFd(ensureFolder(toRoot, goal, request.owner), (to) => copier.contents(from, to, "", 0)),
        );
        return;
      }
      const there = statInside(toRoot, goal);
      const intoFolder = target.endsWith("/") || (there !== undefined && typeOf(there) === S.IFDIR);
      const place = intoFolder ? { parent: goal, name: split(path).name } : resolveFile(toRoot, goal);
      if (place.name === "") throw badCopy(`cannot copy a file to ${target}`);
      await holdingFd(openInside(fromRoot, path, O.RDONLY | O.NONBLOCK), (from) =>
        holdingFd(ensureFolder(toRoot, place.parent, request.owner), (to) => copier.file(from, to, place.name)),
      );
    }),
  );
}

/** Where a file's path leads when its last part is a link to a file: written through, as Docker does. */
function resolveFile(root: number, path: ByteString): { parent: ByteString; name: ByteString } {
  let current = path;
  for (let hops = 0; hops < 40; hops++) {
    const { parent, name } = split(current);
    let link: ByteString | undefined;
    try {
      link = withFd(openInside(root, parent, O.RDONLY | O.DIRECTORY), (up) => {
        const there = name === "" ? undefined : statIfAny(up, name);
        return there && typeOf(there) === S.IFLNK ? readlinkAt(up, name) : undefined;
      });
    } catch {
      return { parent, name }; // no such folder yet: ensureFolder makes it, or says what is in the way
    }
    if (link === undefined) return { parent, name };
    current = clean(link.startsWith("/") ? link : `${parent}/${link}`);
  }
  throw badCopy(`too many links: ${readable(path)}`);
}

class Copier {
  private readonly owner: Owner | undefined;
  private readonly mode: CopyRequest["mode"];
  private readonly exclude: ((path: string) => boolean) | undefined;
  private readonly signal: AbortSignal | undefined;
  /** Files with several names, by identity: where the first copy is. */
  private readonly linked = new Map<string, { folder: string; name: ByteString }>();
  private sinceTurn = 0;

  constructor(request: CopyRequest) {
    this.owner = request.owner;
    this.mode = request.mode;
    this.exclude = request.exclude;
    this.signal = request.signal;
  }

  async contents(from: number, to: number, prefix: ByteString, depth: number): Promise<void> {
    if (depth > DEEPEST) throw badCopy(`folders are nested more than ${DEEPEST} deep`);
    for (const { name } of entriesOf(from)) {
      const path = prefix + name;
      await this.turn();
      const status = statIfAny(from, name);
      if (status === undefined) continue;
      const folder = typeOf(status) === S.IFDIR;
      if (this.exclude?.(readable(path))) continue;
      if (folder) await this.folder(from, to, name, path, status, depth);
      else await this.entry(from, to, name, status);
    }
  }

  private async folder(
    from: number,
    to: number,
    name: ByteString,
    path: ByteString,
    status: Status,
    depth: number,
  ): Promise<void> {
    const there = statIfAny(to, name);
    if (there !== undefined && typeOf(there) !== S.IFDIR) {
      // Also where a link to a folder stands (/lib in a merged-usr tree): to replace it would break the image.
      throw badCopy(`cannot copy to non-directory: ${readable(path)}`);
    }
    if (there === undefined) mkdirAt(to, name, 0o700);
    await holdingFd(openAt(from, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW), (inside) =>
      holdingFd(openAt(to, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW), async (made) => {
        await this.contents(inside, made, `${path}/`, depth + 1);
        this.finish(inside, made, status);
      }),
    );
  }

  private async entry(from: number, to: number, name: ByteString, status: Status): Promise<void> {
    switch (typeOf(status)) {
      case S.IFREG:
        if (status.links > 1 && this.link(to, name, status)) return;
        await holdingFd(openAt(from, name, O.RDONLY | O.NOFOLLOW | O.NONBLOCK), (file) => this.file(file, to, name));
        return;
      case S.IFLNK:
        this.makeWay(to, name);
        symlinkAt(readlinkAt(from, name), to, name);
        break;
      case S.IFSOCK:
        return; // means nothing without its process
      default:
        this.makeWay(to, name);
        mknodAt(to, name, typeOf(status) | this.modeOf(status), status.major, status.minor);
    }
    const { uid, gid } = this.owner ?? status;
    if (uid !== 0 || gid !== 0) chownAt(to, name, uid, gid);
    setTimesAt(to, name, status.mtime);
  }

  /** A regular file by its open descriptor to `name` in the folder. */
  async file(from: number, to: number, name: ByteString): Promise<void> {
    const status = statOf(from);
    if (typeOf(status) !== S.IFREG) throw badCopy(`${readable(name)} is not a regular file`);
    this.makeWay(to, name);
    const source = `/proc/self/fd/${from}`;
    const target = Buffer.from(`/proc/self/fd/${to}/${name}`, "latin1");
    const flags = fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE;
    if (status.size >= BIG) await fs.promises.copyFile(source, target, flags);
    else fs.copyFileSync(source, target, flags);
    withFd(openAt(to, name, O.RDONLY | O.NOFOLLOW), (made) => this.finish(from, made, status));
  }

  /** Owner before mode, since a change of owner takes set-uid away; times last. */
  private finish(from: number, made: number, status: Status): void {
    const { uid, gid } = this.owner ?? status;
    const now = statOf(made);
    if (now.uid !== uid || now.gid !== gid) chown(made, uid, gid);
    chmod(made, this.modeOf(status));
    for (const name of listXattrs(from)) {
      const value = isKeptXattr(name) ? getXattr(from, name) : undefined;
      if (value) setXattr(made, name, value);
    }
    setTimes(made, status.mtime);
  }

  private modeOf(status: Status): number {
    const mode = status.mode & PERMISSIONS;
    return this.mode?.(mode, typeOf(status) === S.IFDIR ? "folder" : "file") ?? mode;
  }

  /** Takes away what stands in a new file's place; a folder is never replaced by a file. */
  private makeWay(to: number, name: ByteString): void {
    const there = statIfAny(to, name);
    if (there === undefined) return;
    if (typeOf(there) === S.IFDIR) throw badCopy(`cannot replace to directory ${readable(name)} with file`);
    unlinkAt(to, name);
  }

  /** True if the file was made as another name of one that is copied already. */
  private link(to: number, name: ByteString, status: Status): boolean {
    const folder = fs.readlinkSync(`/proc/self/fd/${to}`, "latin1");
    const first = this.linked.get(status.identity);
    if (first === undefined) {
      this.linked.set(status.identity, { folder, name });
      return false;
    }
    this.makeWay(to, name);
    const path = Buffer.from(first.folder, "latin1").toString("utf8");
    withFd(openRoot(path), (dir) => linkAt(dir, first.name, to, name));
    return true;
  }

  private async turn(): Promise<void> {
    this.sinceTurn += 1;
    if (this.sinceTurn < FILES_PER_TURN) return;
    this.sinceTurn = 0;
    await breathe();
    if (this.signal?.aborted) throw new GantryError("canceled", "CANCELED", "canceled");
  }
}
