import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import type { ContextStore, KeptContext, KeptContextInfo } from "../../ports/context-store.ts";
import { S, typeOf } from "../syscalls/files.ts";
import { removeTree } from "../syscalls/remove-tree.ts";
import { LentContext, type Manifest } from "./lent-context.ts";
import { openRoot, withFd } from "./root.ts";
import { walk } from "./walk.ts";

/** How many are kept; the one that was used longest ago makes room. */
const KEPT = 16;

/** Below one folder: `<id>/root` is what a client has sent, `<id>/manifest.json` says what it is; without it nothing counts. */
export class HostContextStore implements ContextStore {
  private readonly folder: string;
  private readonly used = new Set<string>();

  /** `folder` is made when missing. Only this process uses it. */
  constructor(folder: string) {
    this.folder = folder;
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  async open(key: string): Promise<KeptContext> {
    const id = this.freeId(key);
    this.used.add(id);
    try {
      await this.makeRoom();
      const before = this.manifest(id);
      if (before === undefined) await this.clear(id);
      fs.mkdirSync(this.root(id), { recursive: true, mode: 0o700 });
      return this.lend(id, before);
    } catch (error) {
      this.used.delete(id);
      throw error;
    }
  }

  list(): KeptContextInfo[] {
    return this.ids().flatMap((id) => {
      const created = this.manifest(id)?.created;
      if (created === undefined) return [];
      const lastUsed = fs.statSync(this.manifestPath(id)).mtime.toISOString();
      return [{ id, size: sizeOf(this.root(id)), created, lastUsed, inUse: this.used.has(id) }];
    });
  }

  async remove(id: string): Promise<number> {
    if (this.used.has(id) || !this.ids().includes(id)) return 0;
    this.used.add(id);
    try {
      const size = sizeOf(this.root(id));
      await this.clear(id);
      return size;
    } finally {
      this.used.delete(id);
    }
  }

  private lend(id: string, before: Manifest | undefined): KeptContext {
    return new LentContext({
      root: this.root(id),
      manifest: this.manifestPath(id),
      before: before ?? { created: new Date().toISOString(), entries: [] },
      release: async (kept) => {
        if (!kept) await this.clear(id);
        this.used.delete(id);
      },
    });
  }

  private ids(): string[] {
    return fs.readdirSync(this.folder);
  }

  private freeId(key: string): string {
    const name = createHash("sha256").update(key).digest("hex").slice(0, 24);
    for (let number = 0; ; number++) if (!this.used.has(`${name}-${number}`)) return `${name}-${number}`;
  }

  private async makeRoom(): Promise<void> {
    const idle = this.ids()
      .filter((id) => !this.used.has(id))
      .map((id) => ({ id, at: fs.statSync(this.manifestPath(id), { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
      .toSorted((a, b) => b.at - a.at);
    for (const { id } of idle.slice(KEPT - 1)) await this.remove(id);
  }

  private manifest(id: string): Manifest | undefined {
    try {
      return JSON.parse(fs.readFileSync(this.manifestPath(id), "utf8")) as Manifest;
    } catch {
      return undefined; // none, or not whole: the folder is sent anew
    }
  }

  private async clear(id: string): Promise<void> {
    fs.rmSync(this.manifestPath(id), { force: true });
    if (fs.existsSync(this.slot(id))) await removeTree(this.folder, id);
  }

  private slot(id: string): string {
    return path.join(this.folder, id);
  }

  private root(id: string): string {
    return path.join(this.slot(id), "root");
  }

  private manifestPath(id: string): string {
    return path.join(this.slot(id), "manifest.json");
  }
}

function sizeOf(folder: string): number {
  if (!fs.existsSync(folder)) return 0;
  let bytes = 0;
  withFd(openRoot(folder), (fd) => {
    for (const { status } of walk(fd)) if (typeOf(status) === S.IFREG) bytes += status.size;
  });
  return bytes;
}
