export type EntryType = "file" | "directory" | "link" | "other";

/** What a path inside a root leads to. */
export interface RootfsEntry {
  type: EntryType;
  /** Permission bits, set-id and sticky bits. */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes. */
  size: number;
}

export type FileType = "file" | "directory" | "link" | "fifo" | "socket" | "block" | "char";

/** An entry by itself. */
export interface FileStatus {
  type: FileType;
  /** Permission bits, set-id and sticky bits. */
  mode: number;
  /** Bytes; of a link, those of its target. */
  size: number;
  /** Nanoseconds since 1970. */
  mtime: bigint;
}

export interface NewOwner {
  uid: number;
  gid: number;
  mode: number;
}

/**
 * Reading and preparing a container's root file system from the host. Every path is taken as a process with that root
 * would take it: absolute links and `..` stay inside, magic links (/proc/self/fd) are never followed. Synchronous.
 * Errors besides the ones named: invalid BAD_ROOTFS_PATH with the kernel's reason (a loop of links, a file where a
 * folder is needed).
 */
export interface Rootfs {
  /**
   * A regular file's contents; undefined when it is missing or something else than a regular file. Throws invalid
   * FILE_TOO_LARGE beyond `maxBytes`.
   */
  readFile(root: string, path: string, maxBytes: number): Buffer | undefined;
  /** At most the first `bytes` of a regular file; undefined as readFile. */
  readHead(root: string, path: string, bytes: number): Buffer | undefined;
  /** Links are followed. */
  stat(root: string, path: string): RootfsEntry | undefined;
  /**
   * Links on the way are followed; one as the last part is not, unless a slash comes after it. undefined when it is
   * missing; invalid BAD_ROOTFS_PATH where a file stands for a folder.
   */
  lstat(root: string, path: string): FileStatus | undefined;
  /** Where `path` really leads inside the root: absolute, without links; what does not exist yet is kept as written. */
  resolve(root: string, path: string): string;
  /** Makes missing folders with this owner and mode; what is there stays as it is. Returns the path resolved. */
  ensureDirectory(root: string, path: string, owner: NewOwner): string;
  /** An empty file of root's at the top, 0755 as Docker's, unless something has that name. */
  ensureTopFile(root: string, name: string): void;
  /** A symbolic link, in a folder that is made where it is missing, unless something has that path. */
  ensureLink(root: string, path: string, target: string, owner: NewOwner): void;
  /**
   * Before any runtime sees the root: /dev, /proc and /sys are real folders or absent. A link there would make an old
   * runtime mount or write outside. Throws invalid UNSAFE_IMAGE.
   */
  checkSpecialFolders(root: string): void;
}
