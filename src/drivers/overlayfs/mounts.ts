import fs from "node:fs";
import path from "node:path";
import { errnoOf } from "../../base/errors.ts";
import { umountInBackground } from "../syscalls/background.ts";
import { MNT_DETACH, MS, mount, UMOUNT_NOFOLLOW, umount } from "../syscalls/mount.ts";

/**
 * Options that keep a layer what its tar says: a deleted or renamed folder is written out in full, never as a note
 * that points to where it was (redirect), and a changed file is a whole file (metacopy).
 */
const OPTIONS = "index=off,metacopy=off,redirect_dir=nofollow";

export interface OverlayPaths {
  /** Lower folders, topmost first, below `base`. */
  lower: string[];
  /** Absolute; without: read-only. Both on one mount. */
  upper?: string;
  work?: string;
  target: string;
}

/**
 * Mounts an overlay. The kernel takes one page of options, so the folders are named from `base`, which is the
 * working directory for just that call: 127 layers fit however long the data root's path is.
 */
export function mountOverlay(base: string, { lower, upper, work, target }: OverlayPaths): void {
  const writable =
    upper === undefined || work === undefined
      ? ""
      : `,upperdir=${path.relative(base, upper)},workdir=${path.relative(base, work)}`;
  const home = process.cwd();
  process.chdir(base);
  try {
    mount(
      "overlay",
      target,
      "overlay",
      writable === "" ? MS.RDONLY : 0,
      `lowerdir=${lower.join(":")}${writable},${OPTIONS}`,
    );
  } finally {
    process.chdir(home);
  }
}

/** Whether something is mounted on the folder. */
export function isMountPoint(folder: string): boolean {
  const there = fs.statSync(folder, { throwIfNoEntry: false });
  return there !== undefined && there.dev !== fs.statSync(path.dirname(folder)).dev;
}

const gone = (e: unknown): boolean => errnoOf(e) === "EINVAL" || errnoOf(e) === "ENOENT";

/** Unmounts whatever is on the folder; what is busy is detached and goes when its last user does. Nothing there is fine. */
export async function unmountFolder(folder: string): Promise<void> {
  try {
    await umountInBackground(folder, UMOUNT_NOFOLLOW);
  } catch (e) {
    if (gone(e)) return;
    if (errnoOf(e) !== "EBUSY") throw e;
    await umountInBackground(folder, UMOUNT_NOFOLLOW | MNT_DETACH);
  }
}

/** As unmountFolder, at once and always detaching; for leftovers of a former process. */
export function detachFolder(folder: string): void {
  try {
    umount(folder, UMOUNT_NOFOLLOW | MNT_DETACH);
  } catch (e) {
    if (!gone(e)) throw e;
  }
}
