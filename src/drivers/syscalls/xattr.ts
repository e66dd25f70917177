import { type ByteString, cstring, readable } from "./files.ts";
import { check, declare, SyscallError } from "./libc.ts";

const flistxattr = declare("long flistxattr(int fd, void *list, size_t size)");
const fgetxattr = declare("long fgetxattr(int fd, const char *name, void *value, size_t size)");
const fsetxattr = declare("int fsetxattr(int fd, const char *name, const void *value, size_t size, int flags)");
const llistxattr = declare("long llistxattr(const char *path, void *list, size_t size)");
const lgetxattr = declare("long lgetxattr(const char *path, const char *name, void *value, size_t size)");
const lsetxattr = declare(
  "int lsetxattr(const char *path, const char *name, const void *value, size_t size, int flags)",
);

const fremovexattr = declare("int fremovexattr(int fd, const char *name)");

/** An open file, or an entry by its whole path (links not followed). */
export type XattrTarget = number | ByteString;

const LIST_MAX = 65536;
const scratch = Buffer.alloc(LIST_MAX);

const missing = (e: unknown): boolean => e instanceof SyscallError && (e.code === "ENODATA" || e.code === "ENOTSUP");

/** Names of an entry's extended attributes; none where the file system knows no attributes. */
export function listXattrs(target: XattrTarget): ByteString[] {
  try {
    const length = check(
      typeof target === "number"
        ? flistxattr(target, scratch, LIST_MAX)
        : llistxattr(cstring(target), scratch, LIST_MAX),
      "listxattr",
    );
    return length === 0 ? [] : scratch.toString("latin1", 0, length - 1).split("\0");
  } catch (e) {
    if (missing(e)) return [];
    throw e;
  }
}

/** The value of an attribute, or undefined when there is none. */
export function getXattr(target: XattrTarget, name: ByteString): Buffer | undefined {
  try {
    const length = check(
      typeof target === "number"
        ? fgetxattr(target, cstring(name), scratch, LIST_MAX)
        : lgetxattr(cstring(target), cstring(name), scratch, LIST_MAX),
      "getxattr",
      readable(name),
    );
    return Buffer.from(scratch.subarray(0, length));
  } catch (e) {
    if (missing(e)) return undefined;
    throw e;
  }
}

export function setXattr(target: XattrTarget, name: ByteString, value: Buffer): void {
  check(
    typeof target === "number"
      ? fsetxattr(target, cstring(name), value, value.length, 0)
      : lsetxattr(cstring(target), cstring(name), value, value.length, 0),
    "setxattr",
    readable(name),
  );
}

/** Nothing happens where there is none. */
export function removeXattr(fd: number, name: ByteString): void {
  try {
    check(fremovexattr(fd, cstring(name)), "removexattr", readable(name));
  } catch (e) {
    if (!missing(e)) throw e;
  }
}
