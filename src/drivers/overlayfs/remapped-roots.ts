import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { errnoOf, GantryError, messageOf } from "../../base/errors.ts";
import { type IdMap, type Owner, rootOf } from "../../base/id-map.ts";
import { asFileOwner } from "../syscalls/file-owner.ts";
import { closeFd, openFd } from "../syscalls/libc.ts";
import { attachMounts, cloneMounts, mapMountIds } from "../syscalls/mount.ts";
import { inNewNamespaces } from "../syscalls/user-namespaces.ts";
import { detachFolder, isMountPoint, mountOverlay, unmountFolder } from "./mounts.ts";

export interface RemappedRootsInit {
  dataRoot: string;
  execRoot: string;
  /** What containers' ids are on the host; undefined: what a former engine left is cleared away, no more. */
  map: IdMap | undefined;
}

/** Folders of the data root that are needed with containers' ids: closed to all but root, like everything in there. */
const FOLDERS = ["layers", "workspaces", "build"] as const;

/**
 * On the disk this id is the host's root. It is none that an image has: without it, root could make no file in a tree
 * of remapped ids, not even to give it to another owner then.
 */
const HOST_ROOT = { inside: 0xffff_fffe, outside: 0, size: 1 };

/**
 * Trees as containers in user namespaces need them. Layers and workspaces keep the ids of their images on the disk;
 * `<exec-root>/mapped` shows them with the host's ids for a container's (id-mapped mounts), and an overlay of these
 * stands at `<exec-root>/roots/<workspace>`. Only the remapped root may pass through there.
 */
export class RemappedRoots {
  private readonly init: RemappedRootsInit;
  private readonly owner: Owner;
  private readonly mapped: string;
  private readonly roots: string;
  /** Mounted by this engine, so with its map. */
  private readonly own = new Set<string>();

  /** `workspaces`: those that there are; roots of any other go. Throws unavailable NO_IDMAPPED_OVERLAY, EXEC_ROOT_CLOSED. */
  constructor(init: RemappedRootsInit, workspaces: readonly string[]) {
    this.init = init;
    this.owner = rootOf(init.map);
    this.mapped = path.join(init.execRoot, "mapped");
    this.roots = path.join(init.execRoot, "roots");
    this.close();
    for (const name of namesIn(this.roots)) if (!workspaces.includes(name)) this.clear(name);
    if (init.map === undefined) return;
    fs.mkdirSync(this.roots, { recursive: true });
    fs.chownSync(this.roots, 0, this.owner.gid);
    fs.chmodSync(this.roots, 0o710);
    requireWay(this.roots, this.owner);
    try {
      this.open(init.map);
      this.probe();
    } catch (cause) {
      this.close();
      const { message, hint } = NO_WAY;
      throw new GantryError("unavailable", "NO_IDMAPPED_OVERLAY", `${message}: ${messageOf(cause)}`, { cause, hint });
    }
  }

  /** Takes the id-mapped views away; mounted roots keep what they stand on. */
  close(): void {
    for (const name of namesIn(this.mapped)) {
      detachFolder(path.join(this.mapped, name));
      fs.rmdirSync(path.join(this.mapped, name));
    }
    removeFolder(this.mapped);
  }

  /**
   * Mounts a workspace (not mounted elsewhere) with remapped ids, or layers alone, read-only. Folders of `lower` are
   * below the layers' root. Repeatable.
   */
  mount(id: string, { lower, upper, work }: { lower: string[]; upper?: string; work?: string }): string {
    if (this.init.map === undefined) throw new Error("no ids are remapped");
    const target = path.join(this.roots, id);
    if (this.own.has(id)) return target;
    this.clear(id); // of an engine before, whose map may have been another
    fs.mkdirSync(target);
    const at = (folder: string): string => path.join(this.mapped, path.relative(this.init.dataRoot, folder));
    const writable = upper === undefined || work === undefined ? {} : { upper: at(upper), work: at(work) };
    try {
      // What an overlay makes for itself must belong to somebody whom the view below knows.
      asFileOwner(this.owner, () => mountOverlay(path.join(this.mapped, "layers"), { lower, ...writable, target }));
    } catch (error) {
      removeFolder(target);
      throw error;
    }
    this.own.add(id);
    return target;
  }

  /** Where the workspace is mounted, by whatever engine. */
  mountedAt(id: string): string | undefined {
    const target = path.join(this.roots, id);
    return isMountPoint(target) ? target : undefined;
  }

  /** Nothing there is fine. */
  async unmount(id: string): Promise<void> {
    const target = path.join(this.roots, id);
    await unmountFolder(target);
    this.own.delete(id);
    removeFolder(target);
  }

  /** The same file with remapped ids, where it is in the data root and not mounted from elsewhere; else the path itself. */
  present(file: string): string {
    const inside = path.relative(this.init.dataRoot, file);
    const view = path.join(this.mapped, inside);
    const covered = FOLDERS.some((name) => inside.startsWith(`${name}/`));
    if (!covered) return file;
    const [here, there] = [file, view].map((one) => fs.statSync(one, { throwIfNoEntry: false }));
    return here !== undefined && here.ino === there?.ino && here.dev === there.dev ? view : file;
  }

  private open(map: IdMap): void {
    fs.mkdirSync(this.mapped, { mode: 0o700 });
    const namespace = inNewNamespaces(
      { user: { map: { uids: [...map.uids, HOST_ROOT], gids: [...map.gids, HOST_ROOT] } }, network: false },
      (pid) => openFd(`/proc/${pid}/ns/user`, 0),
    );
    try {
      for (const name of FOLDERS) {
        const source = path.join(this.init.dataRoot, name);
        fs.mkdirSync(source, { recursive: true, mode: 0o700 });
        fs.mkdirSync(path.join(this.mapped, name));
        mountIdMapped(source, path.join(this.mapped, name), namespace);
      }
    } finally {
      closeFd(namespace);
    }
  }

  /** Whether the kernel really does it on this file system, before any container is told so. */
  private probe(): void {
    const id = "tmp-probe";
    const folder = path.join(this.init.dataRoot, "workspaces", id);
    const paths = { upper: path.join(folder, "upper"), work: path.join(folder, "work") };
    try {
      for (const name of Object.values(paths)) fs.mkdirSync(name, { recursive: true });
      const root = this.mount(id, { lower: [".empty"], ...paths });
      asFileOwner(this.owner, () => fs.mkdirSync(path.join(root, "made")));
      const [inside, stored] = [root, paths.upper].map((tree) => fs.statSync(path.join(tree, "made")).uid);
      if (inside !== this.owner.uid || stored !== 0)
        throw new Error(`root's file belongs to ${stored} on the disk and ${inside} outside`);
    } finally {
      this.clear(id);
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }

  private clear(id: string): void {
    detachFolder(path.join(this.roots, id));
    this.own.delete(id);
    removeFolder(path.join(this.roots, id));
  }
}

const NO_WAY = {
  message: `userns-remap needs overlayfs on id-mapped mounts, which Linux ${os.release()} does not do with this data root`,
  hint: "Linux 5.19 or newer and a data root on ext4, xfs or btrfs can; or leave userns-remap out",
};

/** The runtime goes to a container's root as the remapped root, who is a stranger to every folder on the way. */
function requireWay(folder: string, owner: Owner): void {
  for (let at = fs.realpathSync(folder); at !== path.dirname(at); at = path.dirname(at)) {
    const { mode, uid, gid } = fs.statSync(at);
    const bit = uid === owner.uid ? 0o100 : gid === owner.gid ? 0o010 : 0o001;
    if ((mode & bit) !== 0) continue;
    throw new GantryError(
      "unavailable",
      "EXEC_ROOT_CLOSED",
      `userns-remap: containers' root (${owner.uid}:${owner.gid} on the host) may not pass through ${at}, which is on the way to ${folder}`,
      { hint: `chmod o+x ${at}, or choose another --exec-root` },
    );
  }
}

function mountIdMapped(source: string, target: string, namespace: number): void {
  const clone = cloneMounts(source, { below: false });
  try {
    mapMountIds(clone, namespace);
    attachMounts(clone, target);
  } finally {
    closeFd(clone);
  }
}

const namesIn = (folder: string): string[] => (fs.existsSync(folder) ? fs.readdirSync(folder) : []);

function removeFolder(folder: string): void {
  try {
    fs.rmdirSync(folder);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
}
