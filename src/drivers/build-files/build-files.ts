import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setImmediate as breathe } from "node:timers/promises";
import { errnoOf, GantryError } from "../../base/errors.ts";
import type {
  BuildFiles,
  CacheFolderOptions,
  CopyRequest,
  DigestOptions,
  FoundSource,
  Owner,
  PartMatcher,
} from "../../ports/build-files.ts";
import { O, readable, rmdirAt, S, setTimesAt, statIfAny, statOf, typeOf, unlinkAt } from "../syscalls/files.ts";
import { closeFd } from "../syscalls/libc.ts";
import { entriesOf, removeTree } from "../syscalls/remove-tree.ts";
import { copyInto } from "./copy.ts";
import { digestOf } from "./digest.ts";
import { removeExcluded } from "./remove-excluded.ts";
import { findSources } from "./find.ts";
import {
  ensureFolder,
  holdingFd,
  inner,
  isMissing,
  noSuchFile,
  openInside,
  openRoot,
  pathOfFd,
  split,
  statInside,
  withFd,
} from "./root.ts";
import { openTar } from "./sniff.ts";
import { walk } from "./walk.ts";

const PRIVATE = 0o700;
const CACHE_KEY = /^[0-9a-f]+$/;
/** Begins the name of a cache folder that is being filled. */
const UNFINISHED = "new-";
/** Entries looked at between two turns of the event loop. */
const TURN = 1000;

/** Build files on the host's file system, below one folder of the engine: `scratch/` and `cache/`. */
export class HostBuildFiles implements BuildFiles {
  private readonly scratchRoot: string;
  private readonly cacheRoot: string;

  /** `base`: a folder that only root may traverse; made when missing. */
  constructor(base: string) {
    this.scratchRoot = path.join(base, "scratch");
    this.cacheRoot = path.join(base, "cache");
    fs.mkdirSync(this.scratchRoot, { recursive: true, mode: PRIVATE });
    fs.mkdirSync(this.cacheRoot, { recursive: true, mode: PRIVATE });
  }

  async scratch(): Promise<string> {
    const folder = path.join(this.scratchRoot, randomBytes(8).toString("hex"));
    fs.mkdirSync(folder, { mode: PRIVATE });
    return folder;
  }

  async discard(folder: string): Promise<void> {
    if (path.dirname(folder) !== this.scratchRoot) throw new Error(`not a scratch folder: ${folder}`);
    await removeTree(this.scratchRoot, path.basename(folder));
  }

  async sweep(): Promise<void> {
    for (const name of fs.readdirSync(this.scratchRoot)) await removeTree(this.scratchRoot, name);
    for (const name of fs.readdirSync(this.cacheRoot)) {
      if (name.startsWith(UNFINISHED)) await removeTree(this.cacheRoot, name);
    }
  }

  async cacheFolder(key: string, { mode, owner, fill }: CacheFolderOptions): Promise<string> {
    const folder = this.cachePath(key);
    if (fs.existsSync(folder)) return folder;
    const unfinished = `${UNFINISHED}${randomBytes(8).toString("hex")}`;
    const made = path.join(this.cacheRoot, unfinished);
    fs.mkdirSync(made, { mode: PRIVATE });
    try {
      await fill?.(made);
      fs.chownSync(made, owner.uid, owner.gid);
      fs.chmodSync(made, mode);
      fs.renameSync(made, folder);
    } catch (error) {
      await removeTree(this.cacheRoot, unfinished);
      if (errnoOf(error) !== "ENOTEMPTY" && errnoOf(error) !== "EEXIST") throw error; // somebody else was faster
    }
    return folder;
  }

  cacheFolders(): string[] {
    return fs.readdirSync(this.cacheRoot).filter((name) => CACHE_KEY.test(name));
  }

  async cacheSize(key: string): Promise<number> {
    return await holdingFd(openRoot(this.cachePath(key)), async (fd) => {
      let [bytes, entries] = [0, 0];
      for (const { status } of walk(fd)) {
        if (typeOf(status) === S.IFREG) bytes += status.size;
        if (++entries % TURN === 0) await breathe();
      }
      return bytes;
    });
  }

  async removeCacheFolder(key: string): Promise<void> {
    if (fs.existsSync(this.cachePath(key))) await removeTree(this.cacheRoot, key);
  }

  freeBytes(): number {
    const { bavail, bsize } = fs.statfsSync(this.cacheRoot);
    return bavail * bsize;
  }

  private cachePath(key: string): string {
    if (!CACHE_KEY.test(key)) throw new Error(`not a cache key: ${key}`);
    return path.join(this.cacheRoot, key);
  }

  readText(root: string, file: string, limit: number): string | undefined {
    return withFd(openRoot(root), (top) => {
      let fd: number;
      try {
        fd = openInside(top, inner(file), O.RDONLY | O.NONBLOCK);
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
      return withFd(fd, (open) => {
        const status = statOf(open);
        if (typeOf(status) !== S.IFREG) return undefined;
        if (status.size > limit) {
          throw new GantryError("invalid", "FILE_TOO_LARGE", `${file} is larger than ${limit} bytes`);
        }
        const buffer = Buffer.alloc(status.size);
        return buffer.toString("utf8", 0, fs.readSync(open, buffer, 0, status.size, 0));
      });
    });
  }

  writeText(root: string, file: string, text: string, mode: number): void {
    const target = this.newFile(root, file);
    fs.writeFileSync(target, text, { flag: "wx" });
    fs.chmodSync(target, mode);
  }

  async writeStream(
    root: string,
    file: string,
    body: Readable,
    options: { mode: number; modified?: number; signal?: AbortSignal },
  ): Promise<string> {
    const target = this.newFile(root, file);
    const hash = createHash("sha256");
    async function* hashed(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of chunks) {
        hash.update(chunk);
        yield chunk;
      }
    }
    const out = fs.createWriteStream(target, { flags: "wx" });
    await pipeline(body, hashed, out, options.signal ? { signal: options.signal } : {});
    fs.chmodSync(target, options.mode);
    const time = (options.modified ?? 0) / 1000;
    fs.utimesSync(target, time, time);
    return hash.digest("hex");
  }

  /** A path for a new file in a scratch folder; its name is one part and stays inside. */
  private newFile(root: string, file: string): string {
    const { parent, name } = split(inner(file));
    if (parent !== "" || name === "") throw new GantryError("invalid", "BAD_COPY", `not a file name: ${file}`);
    return path.join(root, readable(name));
  }

  async removeExcluded(root: string, excluded: (path: string) => boolean): Promise<void> {
    removeExcluded(root, excluded);
  }

  find(root: string, source: string, matcher?: PartMatcher): FoundSource[] {
    return findSources(root, source, matcher);
  }

  digest(root: string, source: FoundSource, options: DigestOptions): Promise<string> {
    return digestOf(root, source, options);
  }

  copy(request: CopyRequest): Promise<void> {
    return copyInto(request);
  }

  makeFolder(root: string, folder: string, owner?: Owner): string {
    return withFd(openRoot(root), (top) => withFd(ensureFolder(top, inner(folder), owner), pathOfFd));
  }

  async openArchive(root: string, file: string): Promise<Readable | undefined> {
    const fd = withFd(openRoot(root), (top) => openInside(top, inner(file), O.RDONLY | O.NONBLOCK));
    if (typeOf(statOf(fd)) !== S.IFREG) {
      closeFd(fd);
      return undefined;
    }
    return openTar(fd);
  }

  realPath(root: string, file: string): string {
    return withFd(openRoot(root), (top) => {
      try {
        return withFd(openInside(top, inner(file), O.PATH), pathOfFd);
      } catch (error) {
        if (isMissing(error)) throw noSuchFile(file);
        throw error;
      }
    });
  }

  missing(root: string, paths: readonly string[]): string[] {
    return withFd(openRoot(root), (top) => paths.filter((one) => statInside(top, inner(one)) === undefined));
  }

  removeStubs(root: string, paths: readonly string[]): void {
    withFd(openRoot(root), (top) => {
      for (const one of paths) {
        const { parent, name } = split(inner(one));
        if (name === "") continue;
        try {
          withFd(openInside(top, parent, O.RDONLY | O.DIRECTORY), (up) => removeStub(up, name));
        } catch (error) {
          if (!isMissing(error)) throw error;
        }
      }
    });
  }

  clampTimes(root: string, seconds: number): void {
    withFd(openRoot(root), (top) => {
      for (const { dir, name, status } of walk(top)) {
        if (status.mtime.seconds >= seconds) setTimesAt(dir, name, { seconds, nanoseconds: 0 });
      }
    });
  }

  isEmpty(folder: string): boolean {
    return withFd(openRoot(folder), entriesOf).length === 0;
  }
}

/** Only an empty regular file or an empty folder: anything else is the step's own work. */
function removeStub(up: number, name: string): void {
  const status = statIfAny(up, name);
  if (status === undefined) return;
  const type = typeOf(status);
  if (type === S.IFREG && status.size === 0) unlinkAt(up, name);
  else if (type === S.IFDIR) {
    const empty = withFd(openInside(up, name, O.RDONLY | O.DIRECTORY), entriesOf).length === 0;
    if (empty) rmdirAt(up, name);
  }
}
