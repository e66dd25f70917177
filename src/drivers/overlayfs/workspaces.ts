import fs from "node:fs";
import path from "node:path";
import { errnoOf, GantryError } from "../../base/errors.ts";
import type { Digest } from "../../base/image-config.ts";
import type { Workspace } from "../../ports/layer-store.ts";
import { detachFolder } from "./mounts.ts";
import type { Trash } from "./trash.ts";

const TEMP = "tmp-";
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,200}$/;
/** A link in the workspace's folder whose target is the parent's chain id, or this. */
const PARENT = "parent";
const NO_PARENT = "none";

/** Folders of the workspaces: `<root>/<id>/{upper,work,merged}`. */
export class Workspaces {
  readonly #root: string;
  readonly #trash: Trash;
  readonly #parents = new Map<string, Digest | undefined>();

  constructor(root: string, trash: Trash) {
    this.#root = root;
    this.#trash = trash;
    fs.mkdirSync(root, { recursive: true, mode: 0o711 });
    for (const id of fs.readdirSync(root)) {
      const parent = id.startsWith(TEMP) ? undefined : readParent(path.join(root, id, PARENT));
      if (parent !== undefined) this.#parents.set(id, parent === NO_PARENT ? undefined : parent);
      else this.#clear(id);
    }
  }

  has(id: string): boolean {
    return this.#parents.has(id);
  }

  list(): string[] {
    return [...this.#parents.keys()];
  }

  parent(id: string): Digest | undefined {
    return this.#parents.get(id);
  }

  standsOn(chainId: Digest): boolean {
    return [...this.#parents.values()].includes(chainId);
  }

  /** Throws notFound NO_SUCH_WORKSPACE. */
  need(id: string): Workspace & { work: string } {
    if (!this.has(id)) throw new GantryError("notFound", "NO_SUCH_WORKSPACE", `no such workspace: ${id}`);
    return this.paths(id);
  }

  paths(id: string): Workspace & { work: string } {
    if (!NAME.test(id) || id.startsWith(TEMP))
      throw new GantryError("invalid", "INVALID_ID", `invalid workspace id: ${id}`);
    const folder = path.join(this.#root, id);
    return {
      id,
      mountPoint: path.join(folder, "merged"),
      upper: path.join(folder, "upper"),
      work: path.join(folder, "work"),
    };
  }

  /** `root`: attributes of the tree's root, which an overlay takes from the upper folder. */
  make(id: string, parent: Digest | undefined, root: { mode: number; uid: number; gid: number }): void {
    const { upper } = this.paths(id);
    const temp = path.join(this.#root, `${TEMP}${id}`);
    this.#trash.discard(temp);
    fs.mkdirSync(temp, { mode: 0o711 });
    const tempUpper = path.join(temp, path.basename(upper));
    fs.mkdirSync(tempUpper);
    fs.chownSync(tempUpper, root.uid, root.gid);
    fs.chmodSync(tempUpper, root.mode & 0o7777);
    for (const name of ["work", "merged"]) fs.mkdirSync(path.join(temp, name), { mode: 0o711 });
    fs.symlinkSync(parent ?? NO_PARENT, path.join(temp, PARENT));
    fs.renameSync(temp, path.dirname(upper));
    this.#parents.set(id, parent);
  }

  /** An empty folder beside the upper one. */
  stage(id: string): string {
    const staged = this.#staged(this.need(id));
    this.#trash.discard(staged);
    fs.mkdirSync(staged);
    return staged;
  }

  /** What is staged becomes the upper folder. The workspace must be unmounted. */
  accept(id: string): void {
    const workspace = this.need(id);
    const staged = this.#staged(workspace);
    if (!fs.existsSync(staged)) return;
    const { upper, work } = workspace;
    this.#trash.discard(work);
    fs.mkdirSync(work, { mode: 0o711 });
    this.#trash.discard(upper);
    fs.renameSync(staged, upper);
  }

  unstage(id: string): void {
    this.#trash.discard(this.#staged(this.need(id)));
  }

  #staged({ upper }: Workspace): string {
    return path.join(path.dirname(upper), "staged");
  }

  /** The workspace must be unmounted. */
  discard(id: string): void {
    this.#trash.discard(path.dirname(this.paths(id).upper));
    this.#parents.delete(id);
  }

  #clear(id: string): void {
    detachFolder(path.join(this.#root, id, "merged"));
    this.#trash.discard(path.join(this.#root, id));
  }
}

function readParent(link: string): string | undefined {
  try {
    return fs.readlinkSync(link);
  } catch (e) {
    if (errnoOf(e) === "ENOENT" || errnoOf(e) === "EINVAL" || errnoOf(e) === "ENOTDIR") return undefined;
    throw e;
  }
}
