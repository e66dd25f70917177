import type { Readable } from "node:stream";
import type { Digest } from "../base/image-config.ts";

export interface ExtractOptions {
  /** layer: OCI whiteouts become overlayfs whiteouts and opaque folders. plain: `.wh.` names are ordinary files. */
  whiteouts: "overlay" | "plain";
  /** Sets every entry's owner (COPY --chown, build contexts: 0:0). */
  owner?: { uid: number; gid: number };
  /** Docker's cp: refuse to replace a folder by a file or the other way round. */
  noOverwriteDirNonDir?: boolean;
  /** Stop and throw beyond these. */
  limits?: { bytes?: number; entries?: number };
  signal?: AbortSignal;
}

export interface ExtractResult {
  /** Of the uncompressed bytes; for a layer this is its diff id. */
  digest: Digest;
  /** Uncompressed size of file contents in bytes. */
  size: number;
  entries: number;
}

export interface PackOptions {
  /** overlay: overlayfs whiteouts (char 0/0) and opaque xattrs become `.wh.` entries. plain: written as they are. */
  whiteouts: "overlay" | "plain";
  /** Only this path below `root` (folder or file); default all of it. */
  path?: string;
  /** Name of the first entry in the archive instead of the path's own (cp renames). */
  rename?: string;
  /** Leave these out, by path relative to root: true excludes. */
  exclude?: (path: string) => boolean;
  signal?: AbortSignal;
}

/**
 * Tar streams from and to folders. Deterministic: entries sorted by name (byte order), PAX only where needed,
 * no atime/ctime, the same tree gives the same bytes. Keeps modes, numeric owners, mtimes, xattrs
 * (security.capability, user.*, not trusted.overlay.*), hard links, devices, FIFOs.
 */
export interface Archive {
  /**
   * Extracts below `root` and nowhere else, whatever the names and links in the tar or in the tree say
   * (openat2 RESOLVE_IN_ROOT semantics: links resolve inside root, `lib -> usr/lib` then `lib/foo` works).
   * Input may be plain tar, gzip or zstd (by magic). On error what was extracted stays: the caller owns root.
   * Errors: invalid BAD_ARCHIVE (names the entry), invalid ARCHIVE_TOO_LARGE, canceled.
   */
  extract(input: Readable, root: string, options: ExtractOptions): Promise<ExtractResult>;
  /** A tar of the folder; errors destroy the stream. */
  pack(root: string, options: PackOptions): Readable;
}
