import fs from "node:fs";
import path from "node:path";
import { errnoOf, GantryError, messageOf } from "../../base/errors.ts";
import type { Owner } from "../../base/id-map.ts";
import type { Logger } from "../../ports/logger.ts";
import type { VolumeContents } from "../../ports/volume-contents.ts";
import { syncFileSystemInBackground } from "../syscalls/background.ts";
import { removeTree } from "../syscalls/remove-tree.ts";
import { copyFolder, emptyFolder } from "./copy-up.ts";
import { bytesOnDisk } from "./disk-usage.ts";
import { DATA } from "./local-volume-files.ts";

const STAGED = "_staged";
/** Data that was replaced, by number, until it is deleted; no volume has such a name. */
const REPLACED = ".replaced";

export class LocalVolumeContents implements VolumeContents {
  private readonly root: string;
  private readonly owner: Owner;
  private readonly logger: Logger;
  private replaced = 0;
  private deleting: Promise<void> = Promise.resolve();

  /** As LocalVolumeFiles, which makes the root. */
  constructor(root: string, logger: Logger, owner: Owner = { uid: 0, gid: 0 }) {
    this.root = root;
    this.logger = logger;
    this.owner = owner;
  }

  async stage(name: string): Promise<string> {
    const folder = path.join(this.root, name);
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    await removeTree(folder, STAGED);
    const staged = path.join(folder, STAGED);
    fs.mkdirSync(staged);
    fs.chownSync(staged, this.owner.uid, this.owner.gid);
    fs.chmodSync(staged, 0o755); // whatever the umask is
    return staged;
  }

  accept(name: string): void {
    const folder = path.join(this.root, name);
    const [staged, data] = [path.join(folder, STAGED), path.join(folder, DATA)];
    if (!fs.existsSync(staged)) return;
    if (fs.existsSync(data)) this.throwAway(data);
    fs.renameSync(staged, data);
  }

  private throwAway(folder: string): void {
    const trash = path.join(this.root, REPLACED);
    fs.mkdirSync(trash, { recursive: true, mode: 0o700 });
    const name = String(++this.replaced);
    fs.renameSync(folder, path.join(trash, name));
    this.deleting = this.deleting.then(() => this.delete(name));
  }

  private async delete(replaced: string): Promise<void> {
    try {
      await removeTree(path.join(this.root, REPLACED), replaced);
    } catch (error) {
      this.logger.warn("deleting a volume's former data; the next start tries again", { error: messageOf(error) });
    }
  }

  settled(): Promise<void> {
    return this.deleting;
  }

  async clean(name: string): Promise<void> {
    if (fs.existsSync(path.join(this.root, name))) await removeTree(path.join(this.root, name), STAGED);
  }

  async sweep(): Promise<void> {
    for (const replaced of namesIn(path.join(this.root, REPLACED))) await this.delete(replaced);
    for (const name of namesIn(this.root)) {
      // Data is moved away by nobody but an accept; a new volume that is not complete is none of the index.
      if (!fs.existsSync(path.join(this.root, name, DATA))) this.accept(name);
      await this.clean(name);
    }
  }

  async copy(from: string, to: string): Promise<void> {
    try {
      await copyFolder(from, to);
    } catch (cause) {
      if (errnoOf(cause) === "ENOSPC") throw cause;
      throw new GantryError("internal", "COPY_FAILED", `error copying ${from}: ${messageOf(cause)}`, { cause });
    }
  }

  isEmpty(folder: string): boolean {
    return !fs.existsSync(folder) || emptyFolder(folder);
  }

  rename(from: string, to: string): void {
    const [old, renamed] = [path.join(this.root, from), path.join(this.root, to)];
    if (fs.existsSync(old)) fs.renameSync(old, renamed);
  }

  bytesOnDisk(folder: string): Promise<number> {
    return bytesOnDisk(folder);
  }

  sync(): Promise<void> {
    return syncFileSystemInBackground(this.root);
  }
}

function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errnoOf(error) ?? "")) return [];
    throw error;
  }
}
