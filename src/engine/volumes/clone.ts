import type { VolumeContents } from "../../ports/volume-contents.ts";
import { requireOwnData } from "./replaceable.ts";
import type { VolumeRecord } from "./volume-record.ts";
import { ANONYMOUS_LABEL } from "./volume-record.ts";
import type { VolumeUser, VolumeUsers } from "./volume-users.ts";
import type { Volumes } from "./volumes.ts";

export interface VolumeCloneDeps {
  volumes: Volumes;
  contents: VolumeContents;
  users: VolumeUsers;
}

/** Makes volumes of volumes. */
export class VolumeClone {
  private readonly deps: VolumeCloneDeps;

  constructor(deps: VolumeCloneDeps) {
    this.deps = deps;
  }

  /**
   * A new volume with the contents and the labels of another, all or nothing. `pause`: holds those that use it meanwhile;
   * else `writers` names them. Throws notFound NO_SUCH_VOLUME, conflict VOLUME_EXISTS, VOLUME_BUSY, invalid VOLUME_ELSEWHERE.
   */
  async clone(
    from: string,
    to: string,
    { pause }: { pause: boolean },
  ): Promise<{ record: VolumeRecord; writers: VolumeUser[] }> {
    const { volumes, contents, users } = this.deps;
    const source = volumes.get(from);
    requireOwnData(source, "clone");
    const endClaim = volumes.claims.own(to, "being made");
    try {
      const opened = await volumes.open(from, "being cloned");
      try {
        // somebody has named the clone
        const { [ANONYMOUS_LABEL]: _, ...labels } = source.labels;
        volumes.begin(to, labels);
        try {
          const writers = pause ? [] : users.of(from).filter((user) => user.active);
          const staged = await contents.stage(to);
          const thaw = pause ? await users.freeze(from) : undefined;
          try {
            await contents.copy(opened.path, staged);
          } finally {
            await thaw?.();
          }
          await contents.sync();
          contents.accept(to);
          return { record: volumes.finish(to), writers };
        } catch (error) {
          await volumes.abandon(to);
          throw error;
        }
      } finally {
        opened.close();
      }
    } finally {
      endClaim();
    }
  }
}
