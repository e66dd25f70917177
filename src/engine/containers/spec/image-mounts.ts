import path from "node:path";
import { GantryError, isGantryError } from "../../../base/errors.ts";
import type { IdMap } from "../../../base/id-map.ts";
import type { LayerStore } from "../../../ports/layer-store.ts";
import type { Rootfs } from "../../../ports/rootfs.ts";
import type { ImageRecord, ImageSource } from "../../images/contract.ts";
import type { ContainerRecord } from "../record.ts";
import { idMapOf } from "../user-namespace.ts";
import type { ImageMountRequest } from "./mount-requests.ts";

export interface ImageMountsDeps {
  images: Pick<ImageSource, "resolve">;
  layers: Pick<LayerStore, "mount" | "removeWorkspace" | "listWorkspaces">;
  rootfs: Pick<Rootfs, "resolve" | "stat">;
  /** What containers' ids are on the host, unless they ask for the host's own. */
  idMap?: IdMap;
}

const invalid = (code: string, message: string, hint?: string): GantryError =>
  new GantryError("invalid", code, `invalid mount config for type "image": ${message}`, hint ? { hint } : {});

/** Whose workspace it is: those of a container's image mounts begin with its id. */
export const workspaceOwner = (workspaceId: string): string => workspaceId.split(".")[0] ?? workspaceId;

/** Images' files as mounts (`--mount type=image`). They lie in workspaces that last as long as the container is up. */
export class ImageMounts {
  private readonly deps: ImageMountsDeps;

  constructor(deps: ImageMountsDeps) {
    this.deps = deps;
  }

  /** Throws invalid NO_MOUNT_IMAGE: a client must not take it for the container's own image and pull that one. */
  resolve(request: ImageMountRequest): ImageRecord {
    try {
      return this.deps.images.resolve(request.image);
    } catch (error) {
      if (!isGantryError(error, "NO_SUCH_IMAGE")) throw error;
      throw invalid("NO_MOUNT_IMAGE", error.message, `get it first: gantry pull ${request.image}`);
    }
  }

  /** Mounts it and gives the path on the host. Repeatable. Throws invalid NO_MOUNT_IMAGE, NO_SUCH_SUBPATH. */
  async mount(record: ContainerRecord, request: ImageMountRequest): Promise<{ source: string; folder: boolean }> {
    const { chain } = this.resolve(request);
    const index = record.mounts.findIndex((row) => row.Destination === request.destination);
    const remapped = idMapOf(record.hostConfig, this.deps.idMap) !== undefined;
    const workspace = `${record.id}.${index}`;
    const { mountPoint } = await this.deps.layers.mount(workspace, chain[chain.length - 1], { remapped });
    const { subpath } = request;
    if (subpath === undefined) return { source: mountPoint, folder: true };
    // nobody can change the image's links once they are followed
    const inside = this.deps.rootfs.resolve(mountPoint, subpath);
    const entry = this.deps.rootfs.stat(mountPoint, inside);
    if (entry === undefined) {
      throw invalid("NO_SUCH_SUBPATH", `cannot access path ${subpath} of ${request.image}: no such file or directory`);
    }
    return { source: path.join(mountPoint, inside), folder: entry.type === "directory" };
  }

  /** The container has ended. Repeatable. */
  async release(containerId: string): Promise<void> {
    for (const id of this.deps.layers.listWorkspaces()) {
      if (id !== containerId && workspaceOwner(id) === containerId) await this.deps.layers.removeWorkspace(id);
    }
  }
}
