import fs from "node:fs";
import path from "node:path";
import { errnoOf, GantryError, messageOf } from "../../base/errors.ts";
import type { Owner } from "../../base/id-map.ts";
import type { SharedMemory } from "../../ports/shared-memory.ts";
import { MNT_DETACH, MS, mount, umount } from "../syscalls/mount.ts";

export class TmpfsSharedMemory implements SharedMemory {
  private readonly root: string;

  /** `root`: a folder below the exec root; made if missing. */
  constructor(root: string) {
    this.root = root;
    fs.mkdirSync(root, { recursive: true, mode: 0o700 });
  }

  path(id: string): string {
    return path.join(this.root, id);
  }

  create(id: string, size: number, { uid, gid }: Owner = { uid: 0, gid: 0 }): string {
    const target = this.path(id);
    fs.mkdirSync(target, { recursive: true, mode: 0o700 });
    if (fs.statSync(target).dev !== fs.statSync(this.root).dev) return target;
    try {
      mount("shm", target, "tmpfs", MS.NOSUID | MS.NODEV | MS.NOEXEC, `mode=1777,size=${size},uid=${uid},gid=${gid}`);
    } catch (cause) {
      throw new GantryError("internal", "SHM_MOUNT_FAILED", `mounting shm tmpfs: ${messageOf(cause)}`, { cause });
    }
    return target;
  }

  remove(id: string): void {
    const target = this.path(id);
    for (;;) {
      try {
        umount(target, MNT_DETACH);
      } catch (error) {
        if (["EINVAL", "ENOENT"].includes(errnoOf(error) ?? "")) break;
        throw error;
      }
    }
    fs.rmSync(target, { recursive: true, force: true });
  }

  list(): string[] {
    return fs.readdirSync(this.root);
  }
}
