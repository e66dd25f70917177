import {
  type ByteString,
  byteString,
  chown,
  mkdirAt,
  O,
  openAt2,
  RESOLVE,
  readlinkAt,
  S,
  statIfAny,
  typeOf,
} from "../syscalls/files.ts";
import fs from "node:fs";
import { closeFd, openFd, SyscallError } from "../syscalls/libc.ts";
import { badArchive } from "./entry.ts";

const NAME_MAX = 4095;
const HOPS_MAX = 40;
const CACHED = 64;

/**
 * A name's parts with `.` and `..` worked in; [] is the root itself. A leading slash counts for nothing.
 * Throws BAD_ARCHIVE when the name climbs out or is too long.
 */
export function partsOf(name: ByteString): ByteString[] {
  if (name.length > NAME_MAX) throw badArchive("name too long", name);
  const parts: ByteString[] = [];
  for (const part of name.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) throw badArchive("name climbs out of the target", name);
  }
  return parts;
}

/**
 * Folders below a root, opened so that links resolve inside the root and nowhere else, whatever happens meanwhile.
 * Descriptors of the last folders are kept.
 */
export class RootedFolder {
  readonly fd: number;
  readonly #path: ByteString;
  readonly #owner: { uid: number; gid: number } | undefined;
  readonly #open = new Map<ByteString, number>();
  #retired: number[] = [];

  constructor(root: string, owner?: { uid: number; gid: number }) {
    this.fd = openFd(root, O.RDONLY | O.DIRECTORY);
    // "" for the root of a tree that is mounted nowhere
    this.#path = byteString(fs.readlinkSync(`/proc/self/fd/${this.fd}`)).replace(/\/$/, "");
    this.#owner = owner;
  }

  close(): void {
    for (const fd of [...this.#retired, ...this.#open.values()]) closeFd(fd);
    closeFd(this.fd);
  }

  /**
   * To be called after an entry that could stand on a cached path (a folder or a link) was replaced.
   * Descriptors given out stay open until the next call.
   */
  forget(): void {
    for (const fd of this.#retired) closeFd(fd);
    this.#retired = [...this.#open.values()];
    this.#open.clear();
  }

  /** An open folder by its path from the root ("" is the root). The descriptor stays this object's. */
  folder(path: ByteString, create: boolean): number {
    if (path === "") return this.fd;
    const known = this.#open.get(path);
    if (known !== undefined) {
      this.#open.delete(path);
      this.#open.set(path, known);
      return known;
    }
    let fd: number;
    try {
      fd = this.#resolve(path);
    } catch (e) {
      if (!create || !(e instanceof SyscallError && e.code === "ENOENT")) throw e;
      this.#make(path, 0);
      fd = this.#resolve(path);
    }
    if (this.#open.size >= CACHED) {
      const [oldest, oldFd] = this.#open.entries().next().value!;
      this.#open.delete(oldest);
      closeFd(oldFd);
    }
    this.#open.set(path, fd);
    return fd;
  }

  #resolve(path: ByteString): number {
    return openAt2(this.fd, path, O.RDONLY | O.DIRECTORY, RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS);
  }

  /** Makes what is missing of `path`; a dangling link on the way gets its target made. */
  #make(path: ByteString, hops: number): void {
    if (hops > HOPS_MAX) throw badArchive("too many links", path);
    const cut = path.lastIndexOf("/");
    const up = this.folder(path.slice(0, Math.max(cut, 0)), true);
    const name = path.slice(cut + 1);
    const there = statIfAny(up, name);
    if (there === undefined) {
      mkdirAt(up, name, 0o755);
      if (this.#owner) this.#own(up, name, this.#owner);
    } else if (typeOf(there) === S.IFLNK) {
      const target = readlinkAt(up, name);
      const from = target.startsWith("/") ? "" : this.pathOf(up);
      this.#make(clamped(`${from}/${target}`), hops + 1);
    }
  }

  #own(up: number, name: ByteString, owner: { uid: number; gid: number }): void {
    const fd = openAt2(up, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW, RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS);
    try {
      chown(fd, owner.uid, owner.gid);
    } finally {
      closeFd(fd);
    }
  }

  /** Real path of an open folder, from the root. */
  pathOf(fd: number): ByteString {
    const real = fs.readlinkSync(`/proc/self/fd/${fd}`, "latin1");
    return real.startsWith(`${this.#path}/`) ? real.slice(this.#path.length + 1) : "";
  }
}

/** A path in the root where `..` at the root stays at the root, as the kernel has it. */
function clamped(path: ByteString): ByteString {
  const parts: ByteString[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}
