import type { ContainerConfig } from "../../base/container-config.ts";
import { GantryError } from "../../base/errors.ts";
import type { Digest } from "../../base/image-config.ts";
import { familiarName, parseReference, withDefaultTag } from "../../base/reference.ts";
import type { ApplyChanges, ImageRecord } from "../images/contract.ts";
import type { Holds } from "../images/holds.ts";
import type { ContainerDeps } from "./deps.ts";
import { mergeConfig } from "./merge-config.ts";
import type { Pauses } from "./pauses.ts";
import type { ContainerRecord } from "./record.ts";
import type { ContainerEntry } from "./registry.ts";
import { RUNTIME_STUBS } from "./spec/stubs.ts";
import type { TreeUses } from "./tree-uses.ts";

export interface CommitRequest {
  /** `repo[:tag]`; none makes an untagged image. */
  name?: string;
  comment: string;
  author: string;
  /** Holds the container's processes meanwhile. */
  pause: boolean;
  /** Dockerfile instructions. */
  changes: string[];
  /** Over the container's own. */
  config?: ContainerConfig;
}

export interface CommitterDeps extends Pick<ContainerDeps, "images" | "layers" | "clock" | "publish"> {
  applyChanges: ApplyChanges;
  holds: Pick<Holds, "take">;
  /** Deletes those of the layers that nothing needs. */
  reclaim(chains: Digest[]): Promise<unknown>;
}

/** Makes images of containers. */
export class Committer {
  private readonly deps: CommitterDeps;
  private readonly uses: TreeUses;
  private readonly pauses: Pauses;

  constructor(deps: CommitterDeps, uses: TreeUses, pauses: Pauses) {
    this.deps = deps;
    this.uses = uses;
    this.pauses = pauses;
  }

  /** The new image's id. A failure leaves nothing, and the container as it was. */
  async commit(entry: ContainerEntry, request: CommitRequest, signal: AbortSignal): Promise<Digest> {
    const { deps } = this;
    const { record } = entry;
    // What can be wrong is said before anything is done.
    const name = request.name === undefined ? undefined : newName(request.name);
    const base = deps.images.resolve(record.imageId);
    const config = committedConfig(record, request, deps.applyChanges);
    const hold = await deps.holds.take(base.chain);
    const made: Digest[] = [];
    try {
      const layer = await this.whilePaused(entry, request.pause, () =>
        this.uses.during(entry, "changes", signal, async (use) => {
          const added = await this.changesOf(record.id, use.signal);
          if (added !== undefined) hold.add(added);
          return added;
        }),
      );
      if (layer !== undefined) made.push(layer);
      const image = await deps.images.add(
        imageConfig(base, record, { ...request, config, created: deps.clock.stamp(), empty: layer === undefined }),
        [...base.chain, ...made],
        name === undefined ? [] : [name],
        { parent: base.id },
      );
      deps.publish(entry, "commit", {
        comment: request.comment,
        imageID: image.id,
        ...(name === undefined ? {} : { imageRef: name }),
      });
      return image.id;
    } finally {
      hold.release();
      await deps.reclaim(made);
    }
  }

  private async changesOf(id: string, signal: AbortSignal): Promise<Digest | undefined> {
    const { layers } = this.deps;
    if (!layers.listWorkspaces().includes(id)) return undefined; // it never ran
    return (await layers.addCopy(id, { stubs: RUNTIME_STUBS, signal }))?.chainId;
  }

  private async whilePaused<T>(entry: ContainerEntry, pause: boolean, work: () => Promise<T>): Promise<T> {
    if (!pause) return work();
    const letGo = await this.pauses.hold(entry, "commit");
    try {
      return await work();
    } finally {
      await letGo();
    }
  }
}

/** The familiar name with its tag. Throws invalid BAD_REFERENCE. */
function newName(text: string): string {
  const name = withDefaultTag(parseReference(text));
  if (name.digest !== undefined) {
    throw new GantryError("invalid", "BAD_REFERENCE", "refusing to create a tag with a digest reference");
  }
  return familiarName(name);
}

/** The request's settings with the changes, over the container's own. ONBUILD is not inherited. */
export function committedConfig(
  record: Pick<ContainerRecord, "config">,
  request: Pick<CommitRequest, "config" | "changes">,
  applyChanges: ApplyChanges,
): ContainerConfig {
  const own = { ...record.config, OnBuild: null };
  const changed = applyChanges(request.config ?? own, request.changes);
  return { ...mergeConfig(changed, own), OnBuild: changed.OnBuild ?? null };
}

interface NewImage extends Pick<CommitRequest, "author" | "comment"> {
  config: ContainerConfig;
  created: string;
  /** There is no new layer. */
  empty: boolean;
}

function imageConfig(
  base: ImageRecord,
  record: ContainerRecord,
  { author, comment, config, created, empty }: NewImage,
): Parameters<CommitterDeps["images"]["add"]>[0] {
  const { rootfs: _, author: __, ...inherited } = base.config;
  const step = {
    created,
    ...(author ? { author } : {}),
    created_by: (record.config.Cmd ?? []).join(" "),
    ...(comment ? { comment } : {}),
    ...(empty ? { empty_layer: true } : {}),
  };
  const history = [...(base.config.history ?? []), step];
  return { ...inherited, created, ...(author ? { author } : {}), config, history };
}
