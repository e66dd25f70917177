import { GantryError } from "../../base/errors.ts";
import type { StateStore } from "../../ports/state-store.ts";
import type { VolumeContents } from "../../ports/volume-contents.ts";
import { ANONYMOUS_LABEL, checkVolumeName, LOCAL, VOLUMES, type VolumeRecord } from "./volume-record.ts";
import { volumeExists } from "./volume-records.ts";
import type { VolumeUsers } from "./volume-users.ts";
import type { Volumes } from "./volumes.ts";

export interface VolumeRenameDeps {
  state: StateStore;
  volumes: Volumes;
  contents: Pick<VolumeContents, "rename">;
  users: VolumeUsers;
}

/**
 * Gives volumes other names. One commit names the volume and all that refers to it anew and says where the folder still
 * lies; the folder follows. Containers that run keep what they have mounted.
 */
export class VolumeRename {
  private readonly deps: VolumeRenameDeps;

  constructor(deps: VolumeRenameDeps) {
    this.deps = deps;
  }

  /** Throws notFound NO_SUCH_VOLUME; invalid BAD_VOLUME_NAME, SAME_NAME, VOLUME_ELSEWHERE; conflict VOLUME_EXISTS, VOLUME_BUSY. */
  async rename(from: string, to: string): Promise<void> {
    const { state, volumes, users } = this.deps;
    const { driver } = volumes.get(from);
    if (driver !== LOCAL) {
      throw new GantryError("invalid", "VOLUME_ELSEWHERE", `cannot rename volume ${from}: plugin ${driver} keeps it`);
    }
    checkVolumeName(to);
    if (from === to) throw new GantryError("invalid", "SAME_NAME", `the volume is named ${to} already`);
    const claims = [volumes.claims.own(from, "being renamed")];
    try {
      claims.push(volumes.claims.own(to, "being renamed"));
      await users.renaming(from, to, (changes, apply) => {
        if (state.get(VOLUMES, to) !== undefined) throw volumeExists(to);
        const { madeFor: _, ...old } = volumes.get(from);
        const { [ANONYMOUS_LABEL]: __, ...labels } = old.labels; // somebody has named it
        const renamed: VolumeRecord = { ...old, name: to, labels, movedFrom: from };
        state.commit([
          { bucket: VOLUMES, key: from, value: undefined },
          { bucket: VOLUMES, key: to, value: renamed },
          ...changes,
        ]);
        apply();
        moveFolder(this.deps, renamed, from);
      });
      volumes.publish(to, "rename", { oldName: from });
    } finally {
      for (const end of claims) end();
    }
  }
}

/** At the engine's start, before anything looks at folders: those whose rename was cut short follow. */
export function finishRenames(deps: Pick<VolumeRenameDeps, "state" | "contents">): void {
  for (const [, record] of deps.state.list<VolumeRecord>(VOLUMES)) {
    if (record.movedFrom !== undefined) moveFolder(deps, record, record.movedFrom);
  }
}

function moveFolder(
  { state, contents }: Pick<VolumeRenameDeps, "state" | "contents">,
  record: VolumeRecord,
  from: string,
): void {
  contents.rename(from, record.name);
  const { movedFrom: _, ...moved } = record;
  state.commit([{ bucket: VOLUMES, key: record.name, value: moved }]);
}
