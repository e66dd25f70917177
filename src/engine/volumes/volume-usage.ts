import type { VolumeContents } from "../../ports/volume-contents.ts";
import { mountOptionsOf, type VolumeRecord } from "./volume-record.ts";
import type { VolumeUser, VolumeUsers } from "./volume-users.ts";
import type { Volumes } from "./volumes.ts";

export interface VolumeUsage {
  record: VolumeRecord;
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
  list(filters: Parameters<Volumes["list"]>[0]): Promise<VolumeUsage[]> {
    return Promise.all(this.deps.volumes.list(filters).map((record) => this.of(record)));
  }

  /** Throws notFound NO_SUCH_VOLUME. */
  get(name: string): Promise<VolumeUsage> {
    return this.of(this.deps.volumes.get(name));
  }

  private async of(record: VolumeRecord): Promise<VolumeUsage> {
    const { volumes, contents, users } = this.deps;
    const elsewhere = mountOptionsOf(record) !== undefined;
    return {
      record,
      size: elsewhere ? undefined : await contents.bytesOnDisk(volumes.mountpoint(record.name)),
      users: users.of(record.name),
    };
  }
}
