import { once } from "node:events";
import path from "node:path";
import type { Readable } from "node:stream";
import { GantryError, messageOf } from "../../base/errors.ts";
import type { Archive } from "../../ports/archive.ts";
import type { ContainerFiles } from "../../ports/container-files.ts";
import type { Logger } from "../../ports/logger.ts";
import type { FileStatus, Rootfs } from "../../ports/rootfs.ts";
import { baseOf, containerPath } from "./container-path.ts";
import type { PublishContainerEvent } from "./deps.ts";
import { refuseReadOnly } from "./read-only.ts";
import type { ContainerEntry } from "./registry.ts";
import { resolveUser } from "./spec/user.ts";
import type { TreeUse, TreeUses } from "./tree-uses.ts";

const ETC_LIMIT = 4 * 1024 * 1024;

/** What stands at a path of a container. */
export interface PathInfo extends FileStatus {
  /** The path's last part, as asked for. */
  name: string;
  /** Where a link leads in the end: absolute; "" for all else. */
  linkTarget: string;
}

export interface WriteOptions {
  /** A folder takes no file's place, and the other way round. */
  noOverwriteDirNonDir: boolean;
  /** All belongs to the container's user, where it has one. */
  copyUidGid: boolean;
}

export interface CopiesDeps {
  rootfs: Rootfs;
  archive: Archive;
  files: ContainerFiles;
  logger: Logger;
  publish: PublishContainerEvent;
}

/** Files of containers, read and written from outside; `asked` is the container as the client named it. */
export class Copies {
  private readonly deps: CopiesDeps;
  private readonly uses: TreeUses;

  constructor(deps: CopiesDeps, uses: TreeUses) {
    this.deps = deps;
    this.uses = uses;
  }

  /** Throws notFound NO_SUCH_PATH. */
  stat(entry: ContainerEntry, asked: string, given: string, signal: AbortSignal): Promise<PathInfo> {
    return this.uses.during(entry, "view", signal, async ({ root }) => this.look(root, asked, given));
  }

  /** The file or folder as a tar. Throws as `stat`. */
  async read(
    entry: ContainerEntry,
    asked: string,
    given: string,
    signal: AbortSignal,
  ): Promise<{ info: PathInfo; tar: Readable }> {
    const { rootfs } = this.deps;
    const use = await this.uses.open(entry, "view", signal);
    try {
      const info = this.look(use.root, asked, given);
      const full = containerPath(given);
      const rename = baseOf(full);
      // A link as the last part is packed itself.
      const real =
        info.type === "directory"
          ? rootfs.resolve(use.root, full)
          : path.posix.join(rootfs.resolve(use.root, path.posix.dirname(full)), rename);
      const tar = await this.pack(entry, use, { path: real, rename });
      this.deps.publish(entry, "archive-path");
      return { info, tar };
    } catch (error) {
      await use.end();
      throw error;
    }
  }

  /** Unpacks a tar into a folder. Throws as `stat`, invalid NOT_A_DIRECTORY, forbidden READ_ONLY. */
  write(
    entry: ContainerEntry,
    asked: string,
    given: string,
    tar: Readable,
    options: WriteOptions & { signal: AbortSignal },
  ): Promise<void> {
    const { rootfs, archive } = this.deps;
    return this.uses.during(entry, "view", options.signal, async ({ root, ids, signal }) => {
      const into = rootfs.resolve(root, containerPath(given));
      const found = rootfs.lstat(root, into);
      if (found === undefined) throw noSuchPath(given, asked);
      if (found.type !== "directory") {
        throw new GantryError("invalid", "NOT_A_DIRECTORY", "extraction point is not a directory");
      }
      refuseReadOnly(entry.record, into, (destination) => rootfs.resolve(root, destination));
      const owner = options.copyUidGid ? this.owner(entry, root) : undefined;
      await archive.extract(tar, root, {
        whiteouts: "plain",
        into,
        noOverwriteDirNonDir: options.noOverwriteDirNonDir,
        ...(owner === undefined ? {} : { owner }),
        ...(ids && { ids }),
        signal,
      });
      this.deps.publish(entry, "extract-to-dir");
    });
  }

  /** The whole tree as a tar, without what is mounted in it. */
  async export(entry: ContainerEntry, signal: AbortSignal): Promise<Readable> {
    const use = await this.uses.open(entry, "layers", signal);
    const tar = await this.pack(entry, use, {});
    this.deps.publish(entry, "export");
    return tar;
  }

  /** The tar, once its first bytes are there: what fails at once is an error of the call. The use ends with it. */
  private async pack(entry: ContainerEntry, use: TreeUse, part: { path?: string; rename?: string }): Promise<Readable> {
    const tar = this.deps.archive.pack(use.root, {
      ...{ whiteouts: "plain", ...part, signal: use.signal },
      ...(use.ids && { ids: use.ids }),
    });
    tar.once("close", () => void use.end());
    await once(tar, "readable");
    tar.once("error", (error) => {
      if (use.signal.aborted) return;
      this.deps.logger.warn("packing a container's files", { container: entry.id, error: messageOf(error) });
    });
    return tar;
  }

  private look(root: string, asked: string, given: string): PathInfo {
    const full = containerPath(given);
    const status = this.deps.rootfs.lstat(root, full);
    if (status === undefined) throw noSuchPath(given, asked);
    const linkTarget = status.type === "link" ? this.deps.rootfs.resolve(root, full) : "";
    return { ...status, name: baseOf(full), linkTarget };
  }

  private owner(entry: ContainerEntry, root: string): { uid: number; gid: number } | undefined {
    const { User } = entry.record.config;
    if (!User) return undefined;
    const read = (file: string): string => this.deps.rootfs.readFile(root, file, ETC_LIMIT)?.toString("utf8") ?? "";
    const { uid, gid } = resolveUser(User, read("/etc/passwd"), read("/etc/group"), []);
    return { uid, gid };
  }
}

const noSuchPath = (given: string, container: string): GantryError =>
  new GantryError("notFound", "NO_SUCH_PATH", `Could not find the file ${given} in container ${container}`);
