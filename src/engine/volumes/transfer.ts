import { Readable } from "node:stream";
import { GantryError, isGantryError, messageOf } from "../../base/errors.ts";
import type { IdMap } from "../../base/id-map.ts";
import type { Archive } from "../../ports/archive.ts";
import type { Logger } from "../../ports/logger.ts";
import type { VolumeContents } from "../../ports/volume-contents.ts";
import { requireIdle, requireOwnData } from "./replaceable.ts";
import type { VolumeUser, VolumeUsers } from "./volume-users.ts";
import type { Volumes } from "./volumes.ts";

export type Compression = "none" | "gzip" | "zstd";

export interface VolumeTransferDeps {
  volumes: Volumes;
  contents: VolumeContents;
  users: VolumeUsers;
  archive: Archive;
  logger: Logger;
  compress: Record<Exclude<Compression, "none">, (tar: Readable) => AsyncIterable<Buffer>>;
  /** What containers' ids are on the host: archives have the containers'. */
  idMap?: IdMap;
}

export interface VolumeExport {
  /** The caller's to read to its end or to destroy. */
  tar: Readable;
  /** Containers that may write to the volume meanwhile. */
  writers: VolumeUser[];
}

export interface VolumeImport {
  name: string;
  /** There was none of that name. */
  created: boolean;
  /** Of file contents. */
  bytes: number;
  entries: number;
}

/** Volumes as tars, and back. */
export class VolumeTransfer {
  private readonly deps: VolumeTransferDeps;

  constructor(deps: VolumeTransferDeps) {
    this.deps = deps;
  }

  /** `pause`: holds those that use it until the last byte is read. Throws notFound NO_SUCH_VOLUME, conflict VOLUME_BUSY. */
  async export(
    name: string,
    { compression, pause, signal }: { compression: Compression; pause: boolean; signal: AbortSignal },
  ): Promise<VolumeExport> {
    const { volumes, users, archive, compress, idMap, logger } = this.deps;
    const opened = await volumes.open(name, "being exported");
    let thaw = async (): Promise<void> => {};
    try {
      if (pause) thaw = await users.freeze(name);
      const packed = archive.pack(opened.path, {
        ...{ whiteouts: "plain", rename: ".", sparse: true, signal },
        ...(idMap && { ids: idMap }),
      });
      packed.once("close", () => {
        opened.close();
        thaw().catch((error: unknown) => {
          logger.error("letting containers go after an export", { volume: name, error: messageOf(error) });
        });
      });
      return {
        tar: compression === "none" ? packed : readableOf(compress[compression](packed), packed),
        writers: pause ? [] : users.of(name).filter((user) => user.active),
      };
    } catch (error) {
      await thaw();
      opened.close();
      throw error;
    }
  }

  /**
   * Fills a volume from a tar, all or nothing; one that is not there is made. `how` says what becomes of a volume's own
   * contents, if it has any. Throws conflict VOLUME_NOT_EMPTY, VOLUME_IN_USE, VOLUME_BUSY; invalid VOLUME_ELSEWHERE, BAD_ARCHIVE.
   */
  async import(
    name: string,
    tar: Readable,
    { how, signal }: { how?: "replace" | "merge"; signal: AbortSignal },
  ): Promise<VolumeImport> {
    const { volumes, contents, users, archive, idMap } = this.deps;
    const endClaim = volumes.claims.own(name, "being imported");
    let created = false;
    try {
      const known = this.find(name);
      if (known === undefined) {
        volumes.begin(name, {});
        created = true;
      } else {
        requireOwnData(known, "import into");
        requireIdle(users, name, "import into");
        if (how === undefined) this.requireEmpty(name);
      }
      const staged = await contents.stage(name);
      if (how === "merge" && !created) await contents.copy(volumes.mountpoint(name), staged);
      const { size, entries } = await archive.extract(tar, staged, {
        ...{ whiteouts: "plain", whole: true, signal },
        ...(idMap && { ids: idMap }),
      });
      await contents.sync();
      // It took a while: somebody may have come meanwhile, and gone is who went.
      if (!created) requireIdle(users, name, "import into");
      if (signal.aborted) throw new GantryError("canceled", "CANCELED", "context canceled");
      contents.accept(name);
      if (created) volumes.finish(name);
      else volumes.publish(name, "import");
      await contents.clean(name);
      return { name, created, bytes: size, entries };
    } catch (error) {
      tar.destroy();
      if (created && this.find(name) === undefined) await volumes.abandon(name);
      else if (this.find(name) !== undefined) await contents.clean(name);
      throw error;
    } finally {
      endClaim();
    }
  }

  private find(name: string): ReturnType<Volumes["get"]> | undefined {
    try {
      return this.deps.volumes.get(name);
    } catch (error) {
      if (isGantryError(error, "NO_SUCH_VOLUME")) return undefined;
      throw error;
    }
  }

  private requireEmpty(name: string): void {
    const { volumes, contents } = this.deps;
    const folder = volumes.mountpoint(name);
    if (contents.isEmpty(folder)) return;
    throw new GantryError("conflict", "VOLUME_NOT_EMPTY", `volume ${name} is not empty`, {
      hint: "--replace puts the archive in the place of what is there, --merge adds it",
    });
  }
}

/** What is made of `source`, which ends with it. */
function readableOf(made: AsyncIterable<Buffer>, source: Readable): Readable {
  const stream = Readable.from(made, { objectMode: false });
  stream.once("close", () => source.destroy());
  return stream;
}
