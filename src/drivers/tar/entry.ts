import { GantryError } from "../../base/errors.ts";
import { type ByteString, readable, type Timestamp } from "../syscalls/files.ts";

export const BLOCK = 512;

export type EntryType = "file" | "dir" | "symlink" | "link" | "char" | "block" | "fifo";

/** One member of an archive, with PAX and GNU extensions already applied. */
export interface Entry {
  type: EntryType;
  /** As written in the archive. */
  name: ByteString;
  /** Target of a symbolic or hard link. */
  link: ByteString;
  /** Bytes of content, holes of a sparse file included. */
  size: number;
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  mtime: Timestamp;
  major: number;
  minor: number;
  xattrs: Map<ByteString, Buffer>;
  /** The content has holes: only runs of it are stored. */
  sparse: boolean;
}

/** A run of data in a sparse file, in bytes. */
export interface SparseRun {
  offset: number;
  length: number;
}

export const badArchive = (reason: string, entry?: ByteString): GantryError =>
  entry === undefined
    ? new GantryError("invalid", "BAD_ARCHIVE", `bad archive: ${reason}`)
    : new GantryError(
        "invalid",
        "BAD_ARCHIVE",
        `bad archive: entry ${JSON.stringify(readable(entry).slice(0, 300))}: ${reason}`,
      );
