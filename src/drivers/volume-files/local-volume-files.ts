import fs from "node:fs";
import path from "node:path";
import { errnoOf, GantryError, messageOf } from "../../base/errors.ts";
import type { Owner } from "../../base/id-map.ts";
import type { VolumeFiles, VolumeMountOptions } from "../../ports/volume-files.ts";
import { byteString, O, openAt2, RESOLVE } from "../syscalls/files.ts";
import { closeFd, openFd } from "../syscalls/libc.ts";
import { MNT_DETACH, umount } from "../syscalls/mount.ts";
import { removeTree } from "../syscalls/remove-tree.ts";
import { fillByCopy, isEmpty, replaceByCopy, settle } from "./copy-up.ts";
import { LocalMounter } from "./mount-local.ts";
import { readMountTable } from "./mount-table.ts";

/** The folder of a volume's data, below its own. */
export const DATA = "_data";
/** Beside the data, where no container looks. */
const OWN_STAGING = { target: DATA, filling: "_filling", filled: "_filled" };
/** For what is mounted from elsewhere: nothing else is on its file system. */
const STAGING_INSIDE = { target: ".", filling: ".gantry-filling", filled: ".gantry-filled" };

export class LocalVolumeFiles implements VolumeFiles {
  private readonly root: string;
  /** As mounts are listed. */
  private readonly realRoot: string;
  private readonly owner: Owner;
  private readonly mounter = new LocalMounter();

  /** `root`: `<data-root>/volumes`; made if missing, closed to others. `owner`: whose new volumes are. */
  constructor(root: string, owner: Owner = { uid: 0, gid: 0 }) {
    this.root = root;
    this.owner = owner;
    fs.mkdirSync(root, { recursive: true, mode: 0o700 });
    this.realRoot = fs.realpathSync(root);
  }

  dataPath(name: string): string {
    return path.join(this.root, name, DATA);
  }

  create(name: string): void {
    fs.mkdirSync(path.join(this.root, name), { recursive: true, mode: 0o700 });
    const data = this.dataPath(name);
    if (fs.existsSync(data)) return;
    fs.mkdirSync(data, 0o755);
    fs.chownSync(data, this.owner.uid, this.owner.gid);
    fs.chmodSync(data, 0o755); // whatever the umask is
  }

  async remove(name: string): Promise<void> {
    this.unmount(name);
    await removeTree(this.root, name);
  }

  list(): string[] {
    return fs
      .readdirSync(this.root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && fs.existsSync(this.dataPath(entry.name)))
      .map((entry) => entry.name);
  }

  async size(name: string): Promise<number> {
    if (this.isMounted(name)) return 0;
    return sumOfSizes(this.dataPath(name));
  }

  async mount(name: string, options: VolumeMountOptions): Promise<void> {
    if (this.isMounted(name)) return;
    this.create(name);
    try {
      await this.mounter.mount(this.dataPath(name), options);
    } catch (error) {
      this.unmount(name);
      throw error;
    }
  }

  unmount(name: string): void {
    for (;;) {
      try {
        umount(this.dataPath(name), MNT_DETACH);
      } catch (error) {
        if (["EINVAL", "ENOENT"].includes(errnoOf(error) ?? "")) return;
        throw error;
      }
    }
  }

  async copyUp(
    { name, folder: data }: { name: string; folder: string },
    rootfs: string,
    from: string,
    shared: boolean,
  ): Promise<void> {
    const own = data === this.dataPath(name) && !this.isMounted(name);
    const staging = own ? { ...OWN_STAGING, folder: path.dirname(data) } : { ...STAGING_INSIDE, folder: data };
    let source: number | undefined;
    try {
      await settle(staging);
      if (!(await isEmpty(data))) return;
      source = openFolderIn(rootfs, from);
      if (source === undefined) return;
      if (own && !shared) await replaceByCopy(source, staging);
      else await fillByCopy(source, staging);
    } catch (cause) {
      await removeTree(staging.folder, staging.filling).catch(() => {});
      if (errnoOf(cause) === "ENOSPC") throw cause;
      const words = `error copying ${from} into volume ${name}: ${messageOf(cause)}`;
      throw new GantryError("internal", "COPY_UP_FAILED", words, { cause });
    } finally {
      if (source !== undefined) closeFd(source);
    }
  }

  subpath(data: string, subpath: string): string {
    const refuse = (why: string, cause?: unknown): GantryError =>
      new GantryError("invalid", "NO_SUCH_SUBPATH", `cannot access path ${path.join(data, subpath)}: ${why}`, {
        cause,
      });
    if (path.isAbsolute(subpath) || path.normalize(subpath).startsWith("..")) {
      throw refuse("subpath must be a relative path within the volume");
    }
    const root = openFd(data, O.PATH | O.DIRECTORY);
    try {
      const fd = openAt2(root, byteString(subpath), O.PATH, RESOLVE.BENEATH | RESOLVE.NO_MAGICLINKS);
      try {
        return fs.readlinkSync(`/proc/self/fd/${fd}`);
      } finally {
        closeFd(fd);
      }
    } catch (cause) {
      if (errnoOf(cause) === undefined) throw cause;
      throw refuse("lstat: no such file or directory", cause);
    } finally {
      closeFd(root);
    }
  }

  /** Not by a look at the folder itself: one of a host that is gone would never answer. */
  private isMounted(name: string): boolean {
    const place = path.join(this.realRoot, name, DATA);
    return readMountTable().some((row) => row.mountPoint === place);
  }
}

/** A descriptor of the folder that `from` is inside `rootfs`; undefined when there is none. */
function openFolderIn(rootfs: string, from: string): number | undefined {
  const root = openFd(rootfs, O.PATH | O.DIRECTORY);
  try {
    const inside = byteString(from).replace(/^\/+/, "") || ".";
    return openAt2(root, inside, O.RDONLY | O.DIRECTORY, RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS);
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoOf(error) ?? "")) return undefined;
    throw error;
  } finally {
    closeFd(root);
  }
}

/** Of the files below a folder; those that go away meanwhile don't count. */
async function sumOfSizes(folder: string): Promise<number> {
  let total = 0;
  const pending = [folder];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const entries = await fs.promises.readdir(next, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const file = path.join(next, entry.name);
      if (entry.isDirectory()) pending.push(file);
      else total += (await fs.promises.lstat(file).catch(() => undefined))?.size ?? 0;
    }
  }
  return total;
}
