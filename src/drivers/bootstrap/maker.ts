import fs from "node:fs/promises";
import path from "node:path";
import { GantryError } from "../../base/errors.ts";
import type { Archive } from "../../ports/archive.ts";
import type { BaseImageMaker, BaseImageRecipe, BaseTree } from "../../ports/base-image-maker.ts";
import { makeBusyboxTree } from "./busybox.ts";
import { makeDebianTree } from "./debian.ts";
import { removeTree, setTimes } from "./tree.ts";

export interface LocalBaseImagesDeps {
  archive: Archive;
  /** An existing folder for temporary trees, on a file system with devices and programs allowed. */
  tempRoot: string;
  /** Which busybox to take; default: the machine's own. */
  busybox?: string;
}

/** Base images out of this machine's busybox and Debian's packages. */
export class LocalBaseImages implements BaseImageMaker {
  private readonly deps: LocalBaseImagesDeps;

  constructor(deps: LocalBaseImagesDeps) {
    this.deps = deps;
  }

  async make<T>(
    recipe: BaseImageRecipe,
    { onStatus, signal }: { onStatus: (status: string) => void; signal: AbortSignal },
    use: (tree: BaseTree) => Promise<T>,
  ): Promise<T> {
    if (signal.aborted) throw new GantryError("canceled", "CANCELED", "canceled");
    const folder = await fs.mkdtemp(path.join(this.deps.tempRoot, "bootstrap-"));
    try {
      // apt drops its privileges and must still find its way in.
      await fs.chmod(folder, 0o755);
      const root = path.join(folder, "root");
      const created =
        recipe.family === "busybox"
          ? await makeBusyboxTree(root, { onStatus, ...(this.deps.busybox ? { busybox: this.deps.busybox } : {}) })
          : await makeDebianTree(root, recipe, { onStatus, signal, temp: folder });
      await setTimes(root, created);
      const tar = this.deps.archive.pack(root, { whiteouts: "plain", signal });
      try {
        return await use({ tar, created: created.toISOString().replace(/\.000Z$/, "Z") });
      } finally {
        tar.destroy();
      }
    } finally {
      await removeTree(folder);
    }
  }
}
