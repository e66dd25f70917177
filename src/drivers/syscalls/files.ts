import { check, declare, O_CLOEXEC, SyscallError } from "./libc.ts";

/**
 * File system calls relative to an open folder. Names are "byte strings": one char for each byte (latin1), since
 * Linux names need not be UTF-8. They must not contain NUL. All throw SyscallError.
 */
export type ByteString = string;

/** open(2) flags, <fcntl.h>. */
export const O = {
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  CREAT: 0o100,
  EXCL: 0o200,
  NONBLOCK: 0o4000,
  DIRECTORY: 0o200000,
  NOFOLLOW: 0o400000,
  PATH: 0o10000000,
} as const;

/** File types in st_mode. */
export const S = {
  IFMT: 0o170000,
  IFSOCK: 0o140000,
  IFLNK: 0o120000,
  IFREG: 0o100000,
  IFBLK: 0o060000,
  IFDIR: 0o040000,
  IFCHR: 0o020000,
  IFIFO: 0o010000,
} as const;

/** openat2's way to resolve, <linux/openat2.h>. */
export const RESOLVE = { NO_XDEV: 1, NO_MAGICLINKS: 2, NO_SYMLINKS: 4, BENEATH: 8, IN_ROOT: 16 } as const;

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_REMOVEDIR = 0x200;
const AT_EMPTY_PATH = 0x1000;
const SYS_OPENAT2 = 437; // the same on every architecture
const RENAME_NOREPLACE = 1;

const openatNative = declare("int openat(int dir, const char *path, int flags, int mode)");
const syscallNative = declare("long syscall(long number, long dir, const char *path, const void *how, size_t size)");
const mkdiratNative = declare("int mkdirat(int dir, const char *path, unsigned int mode)");
const unlinkatNative = declare("int unlinkat(int dir, const char *path, int flags)");
const symlinkatNative = declare("int symlinkat(const char *target, int dir, const char *path)");
const linkatNative = declare("int linkat(int fromDir, const char *from, int toDir, const char *to, int flags)");
const renameat2Native = declare(
  "int renameat2(int fromDir, const char *from, int toDir, const char *to, unsigned int flags)",
);
const mknodatNative = declare("int mknodat(int dir, const char *path, unsigned int mode, unsigned long device)");
const fchownNative = declare("int fchown(int fd, unsigned int uid, unsigned int gid)");
const fchownatNative = declare(
  "int fchownat(int dir, const char *path, unsigned int uid, unsigned int gid, int flags)",
);
const fchmodNative = declare("int fchmod(int fd, unsigned int mode)");
const fchmodatNative = declare("int fchmodat(int dir, const char *path, unsigned int mode, int flags)");
const futimensNative = declare("int futimens(int fd, const void *times)");
const utimensatNative = declare("int utimensat(int dir, const char *path, const void *times, int flags)");
const statxNative = declare("int statx(int dir, const char *path, int flags, unsigned int mask, void *buffer)");
const readlinkatNative = declare("long readlinkat(int dir, const char *path, void *buffer, size_t size)");

const plain = /^[\x01-\x7f]*$/;

/** What a `const char *` parameter takes: plain ASCII as it is, anything else as its bytes. */
export const cstring = (path: ByteString): string | Buffer =>
  plain.test(path) ? path : Buffer.from(`${path}\0`, "latin1");

/** A byte string as a person reads it. */
export const readable = (path: ByteString): string =>
  plain.test(path) ? path : Buffer.from(path, "latin1").toString("utf8");

/** The bytes of an ordinary string as a byte string. */
export const byteString = (path: string): ByteString =>
  plain.test(path) ? path : Buffer.from(path, "utf8").toString("latin1");

export const openAt = (dir: number, path: ByteString, flags: number, mode = 0): number =>
  check(openatNative(dir, cstring(path), flags | O_CLOEXEC, mode), "openat", readable(path));

const RACES = 1000;

/** openat2(2): resolves `path` by `resolve`'s rules with `dir` as the root. A rename that races is tried again. */
export function openAt2(dir: number, path: ByteString, flags: number, resolve: number): number {
  const how = new BigUint64Array([BigInt(flags | O_CLOEXEC), 0n, BigInt(resolve)]);
  for (let tries = 0; ; tries++) {
    try {
      return check(syscallNative(SYS_OPENAT2, dir, cstring(path), how, 24), "openat2", readable(path));
    } catch (e) {
      if (!(e instanceof SyscallError && e.code === "EAGAIN") || tries >= RACES) throw e;
    }
  }
}

export const mkdirAt = (dir: number, path: ByteString, mode: number): number =>
  check(mkdiratNative(dir, cstring(path), mode), "mkdirat", readable(path));

export const unlinkAt = (dir: number, path: ByteString): number =>
  check(unlinkatNative(dir, cstring(path), 0), "unlinkat", readable(path));

export const rmdirAt = (dir: number, path: ByteString): number =>
  check(unlinkatNative(dir, cstring(path), AT_REMOVEDIR), "rmdir", readable(path));

export const symlinkAt = (target: ByteString, dir: number, path: ByteString): number =>
  check(symlinkatNative(cstring(target), dir, cstring(path)), "symlinkat", readable(path));

/** Links the entry itself, also when it is a symbolic link. */
export const linkAt = (fromDir: number, from: ByteString, toDir: number, to: ByteString): number =>
  check(linkatNative(fromDir, cstring(from), toDir, cstring(to), 0), "linkat", readable(to));

/** Renames; fails with EEXIST when `to` is there. */
export const renameAt = (fromDir: number, from: ByteString, toDir: number, to: ByteString): number =>
  check(renameat2Native(fromDir, cstring(from), toDir, cstring(to), RENAME_NOREPLACE), "renameat2", readable(to));

/** glibc's makedev: major and minor interleaved. */
const makeDevice = (major: number, minor: number): bigint => {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return ((high & 0xfffff000n) << 32n) | ((high & 0xfffn) << 8n) | ((low & 0xffffff00n) << 12n) | (low & 0xffn);
};

export const mknodAt = (dir: number, path: ByteString, mode: number, major = 0, minor = 0): number =>
  check(mknodatNative(dir, cstring(path), mode, makeDevice(major, minor)), "mknodat", readable(path));

export const chown = (fd: number, uid: number, gid: number): number => check(fchownNative(fd, uid, gid), "fchown");

/** Owner of the entry itself, never of what it links to. */
export const chownAt = (dir: number, path: ByteString, uid: number, gid: number): number =>
  check(fchownatNative(dir, cstring(path), uid, gid, AT_SYMLINK_NOFOLLOW), "fchownat", readable(path));

export const chmod = (fd: number, mode: number): number => check(fchmodNative(fd, mode), "fchmod");

/** Follows links: only for entries known to be none. */
export const chmodAt = (dir: number, path: ByteString, mode: number): number =>
  check(fchmodatNative(dir, cstring(path), mode, 0), "fchmodat", readable(path));

/** A point in time; `seconds` may be negative, `nanoseconds` is 0 to 999,999,999. */
export interface Timestamp {
  seconds: number;
  nanoseconds: number;
}

const timespecs = (time: Timestamp): BigInt64Array => {
  const [seconds, nanoseconds] = [BigInt(time.seconds), BigInt(time.nanoseconds)];
  return new BigInt64Array([seconds, nanoseconds, seconds, nanoseconds]);
};

/** Sets atime and mtime. */
export const setTimes = (fd: number, time: Timestamp): number => check(futimensNative(fd, timespecs(time)), "futimens");

export const setTimesAt = (dir: number, path: ByteString, time: Timestamp): number =>
  check(utimensatNative(dir, cstring(path), timespecs(time), AT_SYMLINK_NOFOLLOW), "utimensat", readable(path));

export interface Status {
  mode: number;
  uid: number;
  gid: number;
  size: number;
  /** 512-byte blocks allocated. */
  blocks: number;
  links: number;
  inode: bigint;
  /** Device and inode number in one key. */
  identity: string;
  mtime: Timestamp;
  major: number;
  minor: number;
  /** Something is mounted here. */
  mounted: boolean;
}

export const typeOf = (status: { mode: number }): number => status.mode & S.IFMT;

const STATX_BASIC = 0x7ff;
const STATX_ATTR_MOUNT_ROOT = 0x2000n;
const statBuffer = Buffer.alloc(256);

function status(dir: number, path: ByteString, flags: number): Status {
  check(statxNative(dir, cstring(path), flags, STATX_BASIC, statBuffer), "statx", readable(path));
  const b = statBuffer;
  const inode = b.readBigUInt64LE(32);
  return {
    mode: b.readUInt16LE(28),
    uid: b.readUInt32LE(20),
    gid: b.readUInt32LE(24),
    size: Number(b.readBigUInt64LE(40)),
    blocks: Number(b.readBigUInt64LE(48)),
    links: b.readUInt32LE(16),
    inode,
    identity: `${b.readUInt32LE(136)}:${b.readUInt32LE(140)}:${inode}`,
    mtime: { seconds: Number(b.readBigInt64LE(112)), nanoseconds: b.readUInt32LE(120) },
    major: b.readUInt32LE(128),
    minor: b.readUInt32LE(132),
    mounted: (b.readBigUInt64LE(8) & STATX_ATTR_MOUNT_ROOT) !== 0n,
  };
}

/** Status of an entry itself, links not followed. */
export const statAt = (dir: number, path: ByteString): Status => status(dir, path, AT_SYMLINK_NOFOLLOW);

/** As statAt; undefined when there is no such entry. */
export function statIfAny(dir: number, path: ByteString): Status | undefined {
  try {
    return statAt(dir, path);
  } catch (e) {
    if (e instanceof SyscallError && e.code === "ENOENT") return undefined;
    throw e;
  }
}

export const statOf = (fd: number): Status => status(fd, "", AT_EMPTY_PATH);

const PATH_MAX = 4096;

export function readlinkAt(dir: number, path: ByteString): ByteString {
  const buffer = Buffer.alloc(PATH_MAX);
  const length = check(readlinkatNative(dir, cstring(path), buffer, PATH_MAX), "readlinkat", readable(path));
  return buffer.toString("latin1", 0, length);
}
