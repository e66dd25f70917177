import type { VolumeContents } from "../../ports/volume-contents.ts";
import { keeperOf, type Volume } from "./volume-record.ts";
import type { VolumeUser, VolumeUsers } from "./volume-users.ts";
import type { Volumes } from "./volumes.ts";

export interface VolumeUsage {
  volume: Volume;
  /** Bytes on disk; undefined where the data is elsewhere. */
  size: number | undefined;
  users: VolumeUser[];
}

/** What volumes take, and who uses them. */
export class VolumeUsages {
  private readonly deps: { volumes: Volumes; contents: Pick<VolumeContents, "bytesOnDisk">; users: VolumeUsers };

  constructor(deps: VolumeUsages["deps"]) {
    this.deps = deps;
  }

  /** Filters as for the list. */
  async list(filters: Parameters<Volumes["list"]>[0]): Promise<VolumeUsage[]> {
    const { volumes } = await this.deps.volumes.list(filters);
    return Promise.all(volumes.map((volume) => this.of(volume)));
  }

  /** Throws notFound NO_SUCH_VOLUME. */
  async get(name: string): Promise<VolumeUsage> {
    return this.of(await this.deps.volumes.inspect(name));
  }

  private async of(volume: Volume): Promise<VolumeUsage> {
    const { contents, users } = this.deps;
    const elsewhere = keeperOf(volume.record) !== undefined;
    return {
      volume,
      size: elsewhere ? undefined : await contents.bytesOnDisk(volume.mountpoint),
      users: users.of(volume.record.name),
    };
  }
}
