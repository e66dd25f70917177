import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";

const SIZE = 1 << 20;
/** Only a disk with this many bytes free gets its reserve (back). */
const COMFORTABLE = 8 * SIZE;

/** Disk space that is set aside in a file, to be freed when there is no other. */
export class DiskReserve {
  private readonly file: string;
  private held: boolean;

  constructor(file: string) {
    this.file = file;
    this.held = fs.existsSync(file);
  }

  /** Frees it; false if that was done before. */
  spend(): boolean {
    if (!this.held) return false;
    this.held = false;
    fs.rmSync(this.file, { force: true });
    return true;
  }

  /** Sets it aside (again), where there is room. Never throws: nobody asked for it. */
  restore(): void {
    if (this.held) return;
    try {
      const { bavail, bsize } = fs.statfsSync(path.dirname(this.file));
      if (bavail * bsize < COMFORTABLE) return;
      // Zeros would take no room on a file system that compresses or has holes.
      fs.writeFileSync(this.file, randomBytes(SIZE), { mode: 0o600 });
      this.held = true;
    } catch {
      fs.rmSync(this.file, { force: true }); // a quota, or somebody was quicker
    }
  }
}
