import type { Readable } from "node:stream";
import type { IdMap } from "../base/id-map.ts";
import type { Digest } from "../base/image-config.ts";

export interface ExtractOptions {
  /** layer: OCI whiteouts become overlayfs whiteouts and opaque folders. plain: `.wh.` names are ordinary files. */
  whiteouts: "overlay" | "plain";
  /** The folder below `root` that the names in the archive are meant from; links still resolve in `root`. Default: root. */
  into?: string;
  /** Sets every entry's owner (COPY --chown, build contexts: 0:0). */
  owner?: { uid: number; gid: number };
  /** Docker's cp: refuse to replace a folder by a file or the other way round. */
  noOverwriteDirNonDir?: boolean;
  /**
   * The tree is a container's in a user namespace: owners in the archive (and `owner`) are the container's, those on
   * disk the host's. Throws invalid UNMAPPED_ID for one that it has not.
   */
  ids?: IdMap;
  /**
   * A file to write from which LayerArchive.rebuild gives the same bytes again: all of the archive but the contents
   * of files, which stay in `root`.
   */
  recipe?: string;
  /** The archive is the tree as a whole: its entry for the root describes the root, and it must not lack its end mark. */
  whole?: boolean;
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
  /**
   * Name of the first entry in the archive instead of the path's own last part (cp renames). "." gives the folder
   * as `./` and `./x` what is in it. Without `path` and `rename` the root itself has no entry, only what is in it.
   */
  rename?: string;
  /** Files with holes become GNU's sparse entries (PAX 1.0); by default holes are written as zeros. */
  sparse?: boolean;
  /** Leave these out and what is in them, by path relative to root. */
  without?: readonly string[];
  /** As in ExtractOptions; owners that the container has not become nobody (65534). */
  ids?: IdMap;
  signal?: AbortSignal;
}

/**
 * Tar streams from and to folders. Deterministic: depth first, names in a folder in byte order, PAX only where needed,
 * no atime/ctime, the same tree gives the same bytes. Keeps modes, numeric owners, mtimes, xattrs
 * (security.capability, user.*, not trusted.overlay.*), hard links, devices, FIFOs.
 */
export interface Archive {
  /**
   * Extracts below `root` and nowhere else, whatever the names and links in the tar or in the tree say
   * (openat2 RESOLVE_IN_ROOT semantics: links resolve inside root, `lib -> usr/lib` then `lib/foo` works).
   * Input may be plain tar, gzip, zstd, bzip2 or xz (by magic). On error what was extracted stays: the caller owns
   * root; nothing touches root any more once the promise is settled. The input is read to its end or destroyed.
   * An existing entry is replaced, an existing folder merged with. In "plain" mode an entry for the root itself is
   * passed over; in "overlay" mode it describes the root. What something is mounted on is never replaced.
   * Errors: invalid BAD_ARCHIVE (names the entry), invalid ARCHIVE_TOO_LARGE (also for what looks like a bomb),
   * invalid CANNOT_OVERWRITE, conflict MOUNTED, forbidden READ_ONLY, internal DISK_FULL, canceled.
   */
  extract(input: Readable, root: string, options: ExtractOptions): Promise<ExtractResult>;
  /**
   * A tar of the folder; errors destroy the stream. notFound NO_SUCH_PATH when `path` is not there. Nothing touches root
   * any more once the stream has emitted "close".
   */
  pack(root: string, options: PackOptions): Readable;
}

/** What a layer store needs beyond that. */
export interface LayerArchive extends Archive {
  /** The digest of what `pack` would give, and the bytes of file contents in it, without the bytes themselves. */
  packDigest(root: string, options: PackOptions): Promise<{ digest: Digest; size: number }>;
  /**
   * The uncompressed archive that was extracted with `recipe`, byte for byte; what was extracted must be unchanged.
   * The stream fails with internal LAYER_CORRUPT when the bytes do not hash to `digest`.
   */
  rebuild(root: string, recipe: string, options: { digest: Digest; signal?: AbortSignal }): Readable;
}
