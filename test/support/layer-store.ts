import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { OverlayLayerStore } from "../../src/drivers/overlayfs/layer-store.ts";
import type { TarArchive } from "../../src/drivers/tar/tar-archive.ts";
import { MemoryStateStore } from "./memory-state.ts";
import { testArchive } from "./tar-archive.ts";

/** A layer store in a private folder; `await using` checks at the end that nothing is left mounted. */
export class LayerWorld implements AsyncDisposable {
  readonly root: string;
  readonly state = new MemoryStateStore();
  readonly archive: TarArchive = testArchive();
  store: OverlayLayerStore;

  constructor(name = "layers") {
    this.root = fs.mkdtempSync(path.join(os.tmpdir(), `gantry-${name}-`));
    this.store = this.open();
  }

  /** The store as the next process would open it. */
  open(): OverlayLayerStore {
    this.store = new OverlayLayerStore({ root: this.root, state: this.state, archive: this.archive });
    return this.store;
  }

  /** A tar of a tree that a shell script makes in an empty folder. */
  tar(script: string, ...options: string[]): Buffer {
    const folder = fs.mkdtempSync(path.join(this.root, "made-"));
    try {
      execFileSync("sh", ["-ec", script], { cwd: folder });
      return execFileSync("tar", ["-cf-", "--numeric-owner", ...options, "."], { cwd: folder, maxBuffer: 1 << 28 });
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  }

  stream(script: string): Readable {
    return Readable.from([this.tar(script)], { objectMode: false });
  }

  mounts(): string[] {
    const lines = fs.readFileSync("/proc/self/mounts", "utf8").split("\n");
    return lines.map((line) => line.split(" ")[1] ?? "").filter((target) => target.startsWith(`${this.root}/`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const leaked = this.mounts().filter((target) => !this.store.listWorkspaces().some((id) => target.includes(id)));
    for (const id of this.store.listWorkspaces()) await this.store.removeWorkspace(id);
    for (const target of this.mounts()) execFileSync("umount", ["-l", target]);
    await this.store.settled();
    await this.archive.close();
    fs.rmSync(this.root, { recursive: true, force: true });
    if (leaked.length > 0) throw new Error(`left mounted: ${leaked.join(", ")}`);
  }
}
