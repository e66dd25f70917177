import fs from "node:fs";
import path from "node:path";
import { messageOf } from "../../base/errors.ts";
import type { FrozenTrees } from "../../ports/frozen-trees.ts";
import type { Logger } from "../../ports/logger.ts";
import { syncFileSystemInBackground } from "../syscalls/background.ts";
import { removeTree } from "../syscalls/remove-tree.ts";
import { copyFolder } from "./copy-up.ts";
import { bytesOnDisk } from "./disk-usage.ts";

const TREE = "tree";
/** A copy for the next thaw. */
const SPARE = "spare";
/** Ends the name of what is not complete. */
const HALF = ".half";
/** A spare is made where it takes no more of the free space than one part in so many. */
const ROOM = 4;

/** `<root>/<id>/{tree,spare}`. The constructor clears away what a crash left half made. */
export class LocalFrozenTrees implements FrozenTrees {
  private readonly root: string;
  private readonly logger: Logger;
  private readonly preparing = new Map<string, Promise<void>>();

  constructor(root: string, logger: Logger) {
    this.root = root;
    this.logger = logger;
    fs.mkdirSync(root, { recursive: true, mode: 0o700 });
    for (const id of this.list()) {
      for (const name of fs.readdirSync(path.join(root, id))) {
        if (name.endsWith(HALF)) fs.rmSync(path.join(root, id, name), { recursive: true, force: true });
      }
    }
  }

  async freeze(id: string, source: string): Promise<number> {
    fs.mkdirSync(path.join(this.root, id), { mode: 0o700 });
    try {
      await this.copy(source, path.join(this.root, id, TREE));
    } catch (error) {
      await removeTree(this.root, id);
      throw error;
    }
    return bytesOnDisk(path.join(this.root, id, TREE));
  }

  async thaw(id: string, target: string): Promise<void> {
    await this.preparing.get(id);
    const spare = path.join(this.root, id, SPARE);
    if (!fs.existsSync(spare)) await this.copy(path.join(this.root, id, TREE), spare);
    fs.renameSync(spare, target);
  }

  prepare(id: string): void {
    if (this.preparing.has(id) || fs.existsSync(path.join(this.root, id, SPARE))) return;
    const work = this.makeSpare(id).catch((error: unknown) =>
      this.logger.warn("no copy of a snapshot was made ahead", { tree: id, error: messageOf(error) }),
    );
    const known = work.finally(() => this.preparing.delete(id));
    this.preparing.set(id, known);
  }

  async remove(id: string): Promise<void> {
    await this.preparing.get(id);
    await removeTree(this.root, id);
  }

  list(): string[] {
    return fs.readdirSync(this.root);
  }

  async settled(): Promise<void> {
    await Promise.all(this.preparing.values());
  }

  private async makeSpare(id: string): Promise<void> {
    const tree = path.join(this.root, id, TREE);
    const { bavail, bsize } = await fs.promises.statfs(this.root);
    if ((await bytesOnDisk(tree)) * ROOM > bavail * bsize) return;
    await this.copy(tree, path.join(this.root, id, SPARE));
  }

  private async copy(source: string, target: string): Promise<void> {
    const half = `${target}${HALF}`;
    const [parent, name] = [path.dirname(half), path.basename(half)];
    await removeTree(parent, name);
    try {
      fs.mkdirSync(half, { mode: 0o700 });
      await copyFolder(source, half);
      await syncFileSystemInBackground(this.root);
      fs.renameSync(half, target);
    } catch (error) {
      await removeTree(parent, name);
      throw error;
    }
  }
}
