import fs from "node:fs";
import path from "node:path";
import { errnoOf, GantryError, messageOf } from "../../base/errors.ts";
import type { Owner } from "../../base/id-map.ts";
import type { VolumeContents } from "../../ports/volume-contents.ts";
import { syncFileSystemInBackground } from "../syscalls/background.ts";
import { removeTree } from "../syscalls/remove-tree.ts";
import { copyFolder, emptyFolder } from "./copy-up.ts";
import { bytesOnDisk } from "./disk-usage.ts";
import { DATA } from "./local-volume-files.ts";

const STAGED = "_staged";
/** Data that was replaced, with a number behind it, until it is deleted. */
const REPLACED = "_replaced-";

export class LocalVolumeContents implements VolumeContents {
  private readonly root: string;
  private readonly owner: Owner;
  private replaced = 0;

  /** As LocalVolumeFiles, which makes the root. */
  constructor(root: string, owner: Owner = { uid: 0, gid: 0 }) {
    this.root = root;
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
    if (fs.existsSync(data)) fs.renameSync(data, this.freeName(folder));
    fs.renameSync(staged, data);
  }

  private freeName(folder: string): string {
    for (;;) {
      const name = path.join(folder, `${REPLACED}${++this.replaced}`);
      if (!fs.existsSync(name)) return name;
    }
  }

  async clean(name: string): Promise<void> {
    const folder = path.join(this.root, name);
    for (const entry of namesIn(folder)) {
      if (entry === STAGED || entry.startsWith(REPLACED)) await removeTree(folder, entry);
    }
  }

  async sweep(): Promise<void> {
    for (const name of namesIn(this.root)) {
      const names = namesIn(path.join(this.root, name));
      // Data is moved away by nobody but an accept.
      if (!names.includes(DATA) && names.some((entry) => entry.startsWith(REPLACED))) this.accept(name);
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
