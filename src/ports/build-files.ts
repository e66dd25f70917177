import type { Readable } from "node:stream";

export interface Owner {
  uid: number;
  gid: number;
}

/** One source of a COPY or ADD, found in a context, a stage or an image. */
export interface FoundSource {
  /** Relative to the root, without leading slash; "" is the root itself. Links in it are not resolved yet. */
  path: string;
  kind: "file" | "folder";
}

/** What is known of regular files' contents: sha256 (hex) by path, relative to the root. */
export interface ContentDigests {
  get(path: string): string | undefined;
  set(path: string, digest: string): void;
}

/** Makes the test for one part of a path between slashes; "deep" stands for any number of folders, none too. */
export type PartMatcher = (part: string) => ((name: string) => boolean) | "deep";

export interface CacheFolderOptions {
  mode: number;
  owner: Owner;
  fill?: (folder: string) => Promise<void>;
}

export interface DigestOptions {
  /** Owners count too (a copy that keeps them). */
  owners: boolean;
  /** Paths relative to the source that are left out. */
  exclude?: (path: string) => boolean;
  contents?: ContentDigests;
  /** Hears of each file, with a digest (hex) of all that counts; `path` is relative to the source, "" for a file itself. */
  onFile?: (path: string, digest: string) => void;
  signal?: AbortSignal;
}

export interface CopyRequest {
  /** Root folder that the source is in; links never lead out of it. */
  root: string;
  source: FoundSource;
  /** Root folder that is written to; links never lead out of it. */
  targetRoot: string;
  /** Absolute path below `targetRoot`; a slash at the end means a folder. */
  target: string;
  /** Owner of all that is made; undefined keeps the source's (new parent folders are 0:0). */
  owner?: Owner;
  /** Permissions of all that is copied, from the source's; undefined keeps those. */
  mode?: (mode: number, kind: "file" | "folder") => number;
  /** As in DigestOptions. */
  exclude?: (path: string) => boolean;
  signal?: AbortSignal;
}

/**
 * Files of a build: the context, the stages' trees and temporary folders. Every path is resolved inside the root it
 * belongs to (openat2 RESOLVE_IN_ROOT), so neither `..` nor a link leads out.
 * Errors: notFound NO_SUCH_FILE, invalid BAD_COPY, invalid FILE_TOO_LARGE, canceled.
 */
export interface BuildFiles {
  /** A fresh, private folder; give it back with `discard`. */
  scratch(): Promise<string>;
  /** Removes a scratch folder and all in it. Missing is fine. */
  discard(folder: string): Promise<void>;
  /** Removes what scratch folders a killed engine left. */
  sweep(): Promise<void>;
  /**
   * A lasting folder for `--mount=type=cache`, by key (hex); made when missing, with what `fill` puts into it. It is
   * there only once it is filled.
   */
  cacheFolder(key: string, options: CacheFolderOptions): Promise<string>;
  /** Keys of all of them. */
  cacheFolders(): string[];
  /** Bytes of its files. */
  cacheSize(key: string): Promise<number>;
  /** Missing is fine. */
  removeCacheFolder(key: string): Promise<void>;
  /** On the disk that all this is on. */
  freeBytes(): number;

  /** A regular file's text, at most `limit` bytes; undefined when there is none. */
  readText(root: string, path: string, limit: number): string | undefined;
  /** Writes a new file (and its parents) below a scratch folder. */
  writeText(root: string, path: string, text: string, mode: number): void;
  /** Writes a stream to a new file below a scratch folder; its sha256 (hex). `modified`: ms since the epoch. */
  writeStream(
    root: string,
    path: string,
    body: Readable,
    options: { mode: number; modified?: number; signal?: AbortSignal },
  ): Promise<string>;
  /** Deletes what `excluded` names below `root`; a folder that still holds something stays. */
  removeExcluded(root: string, excluded: (path: string) => boolean): Promise<void>;

  /**
   * The source; with `matcher` all that match it, sorted by name.
   * Throws NO_SUCH_FILE for a plain path that is not there; a pattern may match nothing.
   */
  find(root: string, source: string, matcher?: PartMatcher): FoundSource[];
  /** sha256 (hex) over names, types, modes, link targets, attributes and contents; not over times. */
  digest(root: string, source: FoundSource, options: DigestOptions): Promise<string>;
  /**
   * Copies as Docker's COPY: a folder's contents into the target folder, a file to the target or into it when that is
   * a folder; missing parents are made 0755; links inside a folder stay links; times, attributes and hard links stay.
   */
  copy(request: CopyRequest): Promise<void>;
  /** Makes a folder and its parents 0755 where missing; the real path below `root` on the host. */
  makeFolder(root: string, path: string, owner?: Owner): string;
  /** The file as a stream for Archive.extract if it is a tar, plain or compressed; undefined otherwise. */
  openArchive(root: string, path: string): Promise<Readable | undefined>;
  /** A real path on the host for a file or folder inside `root`. Throws NO_SUCH_FILE. */
  realPath(root: string, path: string): string;
  /** Which of `paths` are not there. */
  missing(root: string, paths: readonly string[]): string[];
  /** Removes those of `paths` that are empty files or empty folders: what a runtime made to mount upon. */
  removeStubs(root: string, paths: readonly string[]): void;
  /** Gives what is newer below `root` the time `seconds` since 1970. */
  clampTimes(root: string, seconds: number): void;
  /** True when the folder holds nothing. */
  isEmpty(folder: string): boolean;
}

export interface Download {
  /** Name by the URL's last part or Content-Disposition; undefined if neither gives one. */
  filename?: string;
  /** Last-Modified in ms since the epoch. */
  modified?: number;
  /** Bytes, where the server tells. */
  size?: number;
  body: Readable;
}

/**
 * Files from http(s) URLs (ADD, import). A redirect from elsewhere to loopback, and link-local addresses at all, are refused.
 * Errors: invalid BAD_URL, unavailable DOWNLOAD_FAILED, forbidden DOWNLOAD_REFUSED, canceled.
 */
export interface Downloads {
  open(url: string, signal?: AbortSignal): Promise<Download>;
}

export interface GitRequest {
  url: string;
  /** A branch, a tag, a commit or a full name (`refs/…`); the repository's default when missing. */
  ref?: string;
  /** The folder `.git` stays. */
  keepGitDir: boolean;
  /** What it names as parts of its own is fetched too. */
  submodules: boolean;
  signal?: AbortSignal;
}

/**
 * Git repositories over http, https and git. Addresses are refused as for Downloads; a repository can't make git run or read
 * anything of this machine.
 * Errors: invalid BAD_URL, unavailable GIT_FAILED, notImplemented NO_GIT, forbidden DOWNLOAD_REFUSED, canceled.
 */
export interface GitRepositories {
  /** Puts the files into an empty folder. */
  checkout(request: GitRequest, folder: string): Promise<{ commit: string }>;
}
