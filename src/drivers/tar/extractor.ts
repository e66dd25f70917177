import fs from "node:fs";
import { GantryError } from "../../base/errors.ts";
import {
  type ByteString,
  byteString,
  chmod,
  chmodAt,
  chown,
  chownAt,
  linkAt,
  mkdirAt,
  mknodAt,
  O,
  openAt,
  openAt2,
  RESOLVE,
  readable,
  S,
  type Status,
  setTimes,
  setTimesAt,
  statAt,
  statIfAny,
  statOf,
  symlinkAt,
  typeOf,
  unlinkAt,
} from "../syscalls/files.ts";
import { closeFd, openFd, SyscallError } from "../syscalls/libc.ts";
import { dismantle } from "../syscalls/remove-tree.ts";
import { setXattr } from "../syscalls/xattr.ts";
import { type IdMap, ownerOutside, rootOf } from "../../base/id-map.ts";
import { asOutside } from "./id-shift.ts";
import { badArchive, type Entry } from "./entry.ts";
import { AttributeWriter } from "./attributes.ts";
import { FolderTimes } from "./folder-times.ts";
import { writeWithHoles } from "./holes.ts";
import type { EntrySink } from "./reader.ts";
import type { ContentPlace } from "./recipe.ts";
import { partsOf, RootedFolder } from "./rooted-folder.ts";
import { markOf, OPAQUE_XATTR } from "./whiteout.ts";

export interface ExtractorOptions {
  whiteouts: "overlay" | "plain";
  into?: string;
  owner?: { uid: number; gid: number };
  noOverwriteDirNonDir?: boolean;
  ids?: IdMap;
  limits: { bytes: number; entries: number };
  whole?: boolean;
  /** Files that entries replace are moved to this folder, named by inode. */
  keep?: string;
}

/** Where an entry goes: `name` in the open folder `dir`. */
interface Place {
  dir: number;
  name: ByteString;
  path: ByteString;
}

interface OpenFile {
  fd: number;
  /** It may end with one. */
  holes: boolean;
  entry: Entry;
  place: Place;
}

/** Puts entries into the tree below a root and nowhere else. */
export class Extractor implements EntrySink {
  readonly #root: RootedFolder;
  readonly #options: ExtractorOptions;
  /** Parts of the folder that names are meant from. */
  readonly #into: ByteString[];
  #file: OpenFile | undefined;
  #kept: number | undefined;
  #current: ByteString = "";
  /** Folders whose mtime is set at the end, since each entry in them would change it. */
  readonly #folders = new FolderTimes();
  readonly #attributeWriter = new AttributeWriter();
  entries = 0;
  size = 0;

  constructor(root: string, options: ExtractorOptions) {
    const { owner, ids } = options;
    this.#root = new RootedFolder(root, ids ? (ownerOutside(ids, owner ?? { uid: 0, gid: 0 }) ?? rootOf(ids)) : owner);
    this.#options = options;
    this.#into = partsOf(byteString(options.into ?? ""));
  }

  entry(entry: Entry): void {
    this.#current = entry.name;
    this.entries++;
    this.size += entry.size;
    const { bytes, entries } = this.#options.limits;
    if (this.entries > entries) throw tooLarge(`more than ${entries} entries`);
    if (this.size > bytes) throw tooLarge(`contents of more than ${bytes} bytes`);
    this.#guard(() => this.#place(entry));
  }

  data(bytes: Buffer, position: number): void {
    if (this.#file === undefined) return;
    const file = this.#file;
    this.#guard(() => {
      if (writeWithHoles(file.fd, bytes, position)) file.holes = true;
    });
  }

  finish(): void {
    if (this.#file === undefined) return;
    const { fd, entry, holes } = this.#file;
    this.#file = undefined;
    try {
      this.#guard(() => {
        if (holes) fs.ftruncateSync(fd, entry.size);
        this.#describe(fd, entry);
        setTimes(fd, entry.mtime);
      });
    } finally {
      closeFd(fd);
    }
  }

  /** Sets the folders' times; to be called after the last entry. */
  complete(): void {
    for (const [path, mtime] of this.#folders) {
      try {
        const fd = openAt2(this.#root.fd, path || ".", O.RDONLY | O.DIRECTORY, RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS);
        try {
          setTimes(fd, mtime);
        } finally {
          closeFd(fd);
        }
      } catch (e) {
        if (!(e instanceof SyscallError)) throw e; // a later entry took the folder's place
      }
    }
  }

  /** Where the content that comes now is stored, if it is: the path from the root without links. */
  contentPlace(): ContentPlace | undefined {
    if (this.#file === undefined) return undefined;
    const { fd, place } = this.#file;
    const folder = this.#root.pathOf(place.dir);
    return { path: folder === "" ? place.name : `${folder}/${place.name}`, inode: statOf(fd).inode };
  }

  close(): void {
    if (this.#file) closeFd(this.#file.fd);
    if (this.#kept !== undefined) closeFd(this.#kept);
    this.#file = undefined;
    this.#kept = undefined;
    this.#root.close();
  }

  #guard(body: () => void): void {
    try {
      body();
    } catch (e) {
      throw translate(e, this.#current);
    }
  }

  #place(entry: Entry): void {
    for (const text of [entry.name, entry.link]) {
      if (text.includes("\0")) throw badArchive("NUL in a name", entry.name);
    }
    const parts = partsOf(entry.name);
    if (this.#options.whiteouts === "overlay" && this.#mark(parts)) return;
    const name = parts.pop();
    if (name === undefined) {
      this.#rootEntry(entry);
      return;
    }
    const path = [...this.#into, ...parts].join("/");
    const place = { dir: this.#root.folder(path, true), name, path: path === "" ? name : `${path}/${name}` };
    this.#create(place, entry);
  }

  /** Applies a whiteout or opaque mark; true when the entry was one. */
  #mark(parts: ByteString[]): boolean {
    const mark = markOf(parts);
    if (mark.kind === "none") return false;
    if (mark.kind === "ignored") return true;
    const dir = this.#root.folder(parts.slice(0, -1).join("/"), true);
    if (mark.kind === "opaque") {
      setXattr(dir, OPAQUE_XATTR, Buffer.from("y"));
      return true;
    }
    // A whiteout speaks of lower layers only: what this layer itself has under the name stays.
    const there = statIfAny(dir, mark.name);
    if (there === undefined) mknodAt(dir, mark.name, S.IFCHR);
    else if (typeOf(there) === S.IFDIR) this.#makeOpaque(dir, mark.name);
    return true;
  }

  #makeOpaque(dir: number, name: ByteString): void {
    const fd = openAt(dir, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
    try {
      setXattr(fd, OPAQUE_XATTR, Buffer.from("y"));
    } finally {
      closeFd(fd);
    }
  }

  #rootEntry(entry: Entry): void {
    if (entry.type !== "dir") throw badArchive("the root is a folder", entry.name);
    // Unpacking into somebody's folder leaves that folder's own attributes alone; a layer's root has its own.
    if (this.#options.whiteouts === "plain" && !this.#options.whole) return;
    this.#describe(this.#root.fd, entry);
    this.#folders.add("", entry.mtime);
  }

  #create(place: Place, entry: Entry): void {
    if (entry.type === "dir") this.#folder(place, entry);
    else if (entry.type === "file") this.#open(place, entry);
    else if (entry.type === "link") this.#hardLink(place, entry);
    else if (entry.type === "symlink") this.#symlink(place, entry);
    else this.#node(place, entry);
  }

  #folder(place: Place, entry: Entry): void {
    const { dir, name } = place;
    let hidden = false;
    try {
      mkdirAt(dir, name, 0o700);
    } catch (e) {
      if (!exists(e)) throw e;
      const there = statAt(dir, name);
      if (typeOf(there) !== S.IFDIR) {
        if (this.#options.noOverwriteDirNonDir) {
          throw cannotOverwrite(`cannot overwrite non-directory ${shown(place)} with directory`);
        }
        hidden = isWhiteout(there);
        this.#clear(place, there);
        mkdirAt(dir, name, 0o700);
      }
    }
    const fd = openAt(dir, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
    try {
      // The whiteout that stood here hid the lower layers' folder; the new one must go on hiding it.
      if (hidden && this.#options.whiteouts === "overlay") setXattr(fd, OPAQUE_XATTR, Buffer.from("y"));
      this.#describe(fd, entry);
    } finally {
      closeFd(fd);
    }
    this.#folders.add(place.path, entry.mtime);
  }

  #open(place: Place, entry: Entry): void {
    const { dir, name } = place;
    const flags = O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW;
    let fd: number;
    try {
      fd = openAt(dir, name, flags, 0o600);
    } catch (e) {
      if (!exists(e)) throw e;
      this.#clear(place, statAt(dir, name));
      fd = openAt(dir, name, flags, 0o600);
    }
    this.#file = { fd, holes: entry.sparse, entry, place };
  }

  #symlink(place: Place, entry: Entry): void {
    this.#fresh(place, () => symlinkAt(entry.link, place.dir, place.name));
    this.#describeAt(place, entry);
  }

  #node(place: Place, entry: Entry): void {
    const type = entry.type === "char" ? S.IFCHR : entry.type === "block" ? S.IFBLK : S.IFIFO;
    if (entry.major < 0 || entry.major > 0xfff || entry.minor < 0 || entry.minor > 0xfffff) {
      throw badArchive("device number out of range", entry.name);
    }
    this.#fresh(place, () => mknodAt(place.dir, place.name, type | 0o600, entry.major, entry.minor));
    this.#describeAt(place, entry);
  }

  #hardLink(place: Place, entry: Entry): void {
    const parts = partsOf(entry.link);
    const overlay = this.#options.whiteouts === "overlay";
    if (parts.length === 0 || (overlay && markOf(parts).kind !== "none")) {
      throw badArchive(`hard link to ${JSON.stringify(readable(entry.link))}`, entry.name);
    }
    const targetName = parts.pop()!;
    const targetDir = this.#root.folder([...this.#into, ...parts].join("/"), false);
    const target = statAt(targetDir, targetName);
    if (typeOf(target) === S.IFDIR) throw badArchive("hard link to a folder", entry.name);
    if (statIfAny(place.dir, place.name)?.identity === target.identity) return;
    this.#fresh(place, () => linkAt(targetDir, targetName, place.dir, place.name));
  }

  #fresh(place: Place, create: () => void): void {
    try {
      create();
    } catch (e) {
      if (!exists(e)) throw e;
      this.#clear(place, statAt(place.dir, place.name));
      create();
    }
  }

  /** Takes away what stands in a new entry's place. */
  #clear(place: Place, there: Status): void {
    if (there.mounted) throw busy(place.path);
    if (typeOf(there) !== S.IFDIR) {
      if (typeOf(there) === S.IFLNK) this.#root.forget();
      this.#removeFile(place.dir, place.name);
      return;
    }
    if (this.#options.noOverwriteDirNonDir) {
      throw cannotOverwrite(`cannot overwrite directory ${shown(place)} with non-directory`);
    }
    for (const doomed of dismantle(place.dir, place.name)) {
      for (const name of doomed.names) this.#removeFile(doomed.dir, name);
    }
    this.#root.forget();
  }

  #removeFile(dir: number, name: ByteString): void {
    const { keep } = this.#options;
    const there = statAt(dir, name);
    if (there.mounted) throw busy(name); // unlinking it would take the mount away wherever else it shows
    if (keep !== undefined && typeOf(there) === S.IFREG) {
      if (this.#kept === undefined) fs.mkdirSync(keep, { mode: 0o700 });
      this.#kept ??= openFd(keep, O.RDONLY | O.DIRECTORY);
      if (statIfAny(this.#kept, String(there.inode)) === undefined) {
        linkAt(dir, name, this.#kept, String(there.inode));
      }
    }
    unlinkAt(dir, name);
  }

  /** Owner, then mode (chown clears setuid), then attributes (chown clears capabilities). */
  #describe(fd: number, entry: Entry): void {
    const { uid, gid, xattrs } = this.#attributes(entry);
    chown(fd, uid, gid);
    chmod(fd, entry.mode);
    this.#attributeWriter.write(fd, { name: entry.name, xattrs });
  }

  #attributes(entry: Entry): Pick<Entry, "uid" | "gid" | "xattrs"> {
    const { owner, ids } = this.#options;
    const wanted = { ...(owner ?? { uid: entry.uid, gid: entry.gid }), xattrs: entry.xattrs };
    return ids === undefined ? wanted : asOutside(ids, wanted, entry.name);
  }

  #describeAt({ dir, name }: Place, entry: Entry): void {
    const { uid, gid } = this.#attributes(entry);
    chownAt(dir, name, uid, gid);
    if (entry.type !== "symlink") chmodAt(dir, name, entry.mode);
    setTimesAt(dir, name, entry.mtime);
  }
}

const isWhiteout = (there: Status): boolean => typeOf(there) === S.IFCHR && there.major === 0 && there.minor === 0;
const exists = (e: unknown): boolean => e instanceof SyscallError && e.code === "EEXIST";
const shown = (place: Place): string => JSON.stringify(`/${readable(place.path)}`);
const busy = (path: ByteString): GantryError =>
  new GantryError("conflict", "MOUNTED", `unlinkat /${readable(path)}: device or resource busy`, {
    hint: "something is mounted there: a process in the container can write to it, nobody can replace it",
  });
const cannotOverwrite = (message: string): GantryError => new GantryError("invalid", "CANNOT_OVERWRITE", message);
const tooLarge = (what: string): GantryError =>
  new GantryError("invalid", "ARCHIVE_TOO_LARGE", `archive too large: ${what}`);

/** System errors that the archive itself causes: names and links that cannot be. */
const ARCHIVES_FAULT: Record<string, string> = {
  ENOENT: "a folder or link target is missing",
  ENOTDIR: "a file stands where a folder is needed",
  ELOOP: "too many links",
  ENAMETOOLONG: "name too long",
  EISDIR: "a folder stands in the way",
  EINVAL: "not possible on this file system",
  EPERM: "not permitted",
  EEXIST: "stands in the way of itself",
  EMLINK: "too many hard links",
  EXDEV: "link across file systems",
  EFBIG: "file too large",
  EOVERFLOW: "number out of range",
};

function translate(e: unknown, entry: ByteString): unknown {
  const code = e instanceof Error && "code" in e ? String(e.code) : "";
  if (e instanceof GantryError || code === "") return e;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new GantryError("internal", "DISK_FULL", `no space left on device while unpacking ${readable(entry)}`, {
      cause: e,
    });
  }
  if (code === "EROFS") {
    const message = `open /${readable(entry)}: read-only file system`;
    return new GantryError("forbidden", "READ_ONLY", message, { cause: e });
  }
  const reason = ARCHIVES_FAULT[code];
  if (reason !== undefined) return badArchive(`${reason} (${code})`, entry);
  return new GantryError("internal", "EXTRACT_FAILED", `unpacking ${readable(entry)}: ${(e as Error).message}`, {
    cause: e,
  });
}
