import type { ByteString } from "../syscalls/files.ts";
import { SyscallError } from "../syscalls/libc.ts";
import { removeXattr, setXattr } from "../syscalls/xattr.ts";
import { badArchive, type Entry } from "./entry.ts";

/** POSIX access lists: a file's own, and what a folder gives to that which is made in it. */
export const ACL = "system.posix_acl_access";
export const DEFAULT_ACL = "system.posix_acl_default";

const isAcl = (name: ByteString): boolean => name === ACL || name === DEFAULT_ACL;

/**
 * Attributes that archives carry; the rest (overlayfs's own above all) belongs to the host. A name with "=" cannot
 * stand in a PAX header.
 */
export const carriedXattr = (name: ByteString): boolean =>
  name === "security.capability" ||
  isAcl(name) ||
  (name.startsWith("user.") && !name.startsWith("user.overlay.") && !name.includes("="));

/** Gives what was made its entry's attributes. */
export class AttributeWriter {
  /** Some folder hands its default list on to what is made in it, of which archives know nothing. */
  #inherited = false;

  write(fd: number, { name: entry, xattrs }: Pick<Entry, "name" | "xattrs">): void {
    for (const [name, value] of xattrs) {
      if (!carriedXattr(name)) continue;
      if (isAcl(name)) setAcl(fd, name, value, entry);
      else setXattr(fd, name, value);
      this.#inherited ||= name === DEFAULT_ACL;
    }
    if (!this.#inherited) return;
    for (const name of [ACL, DEFAULT_ACL]) if (!xattrs.has(name)) removeXattr(fd, name);
  }
}

/** File systems without access lists do without. */
function setAcl(fd: number, name: ByteString, value: Buffer, entry: ByteString): void {
  try {
    setXattr(fd, name, value);
  } catch (e) {
    if (!(e instanceof SyscallError)) throw e;
    if (e.code === "EINVAL" || e.code === "EACCES") throw badArchive("bad access list", entry);
    if (e.code !== "ENOTSUP") throw e;
  }
}
