import fs from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";
import { chainId } from "../../base/digest.ts";
import { errnoOf, GantryError } from "../../base/errors.ts";
import type { Digest } from "../../base/image-config.ts";
import type { LayerArchive } from "../../ports/archive.ts";
import type {
  DiskUse,
  Layer,
  LayerStore,
  MountOptions,
  StagedWorkspaces,
  Workspace,
  WorkspaceFolders,
} from "../../ports/layer-store.ts";
import type { Logger } from "../../ports/logger.ts";
import type { StateStore } from "../../ports/state-store.ts";
import { syncFileSystemInBackground } from "../syscalls/background.ts";
import { getXattr } from "../syscalls/xattr.ts";
import { bytesBelow, type Change, changesIn, gently, unusedStubs } from "./changes.ts";
import { LayerIndex } from "./layer-index.ts";
import { detachFolder, isMountPoint, mountOverlay, unmountFolder } from "./mounts.ts";
import { RemappedRoots, type RemappedRootsInit } from "./remapped-roots.ts";
import { Trash } from "./trash.ts";
import { Workspaces } from "./workspaces.ts";

export interface OverlayLayerStoreDeps {
  /** `<data-root>`; `layers`, `workspaces`, `views` and `trash` below it are this store's. One file system. */
  root: string;
  state: StateStore;
  archive: LayerArchive;
  logger?: Logger;
  /** For containers in user namespaces. */
  remap?: Pick<RemappedRootsInit, "execRoot" | "map">;
}

/** How a layer's tar can be written again; beside its `diff`. */
const RECIPE = "recipe";

/**
 * Layers as folders, mounted by overlayfs. The constructor clears away what a crash left (temp folders, unknown
 * layers, half-made workspaces, views), and takes over workspaces that are still mounted.
 */
export class OverlayLayerStore implements LayerStore, StagedWorkspaces {
  readonly #deps: OverlayLayerStoreDeps;
  readonly #trash: Trash;
  readonly #layers: LayerIndex;
  readonly #workspaces: Workspaces;
  readonly #views: string;
  /** Layers in use by a view or an add under way, with how often. */
  readonly #held = new Map<Digest, number>();
  /** Adds under way of layers whose chain id is known from the start. */
  readonly #adding = new Map<Digest, Promise<unknown>>();
  /** Folder of each view → what it shows. */
  readonly #viewed = new Map<string, { name: string; lower: string[] }>();
  readonly #remapped: RemappedRoots | undefined;
  #lastView = 0;

  constructor(deps: OverlayLayerStoreDeps) {
    this.#deps = deps;
    this.#views = path.join(deps.root, "views");
    this.#trash = new Trash(path.join(deps.root, "trash"), deps.logger);
    this.#layers = new LayerIndex(path.join(deps.root, "layers"), deps.state, this.#trash);
    this.#workspaces = new Workspaces(path.join(deps.root, "workspaces"), this.#trash);
    fs.mkdirSync(this.#views, { recursive: true, mode: 0o700 });
    for (const name of fs.readdirSync(this.#views)) {
      detachFolder(path.join(this.#views, name));
      fs.rmdirSync(path.join(this.#views, name));
    }
    const { remap } = deps;
    this.#remapped = remap && new RemappedRoots({ dataRoot: deps.root, ...remap }, this.#workspaces.list());
  }

  /** At the engine's end; what containers have mounted stays. */
  close(): void {
    this.#remapped?.close();
  }

  get(chainId: Digest): Layer | undefined {
    return this.#layers.get(chainId);
  }

  list(): Layer[] {
    return this.#layers.list();
  }

  /** When everything removed so far is deleted from the disk; for an orderly end. */
  settled(): Promise<void> {
    return this.#trash.settled();
  }

  async addFromTar(
    parent: Digest | undefined,
    tar: Readable,
    options: { expect?: Digest; signal?: AbortSignal } = {},
  ): Promise<Layer> {
    const { expect } = options;
    if (parent !== undefined) this.#layers.need(parent);
    if (expect === undefined) return await this.#extract(parent, tar, options);
    const chain = chainId(parent, expect);
    for (;;) {
      const known = this.#layers.get(chain);
      if (known !== undefined) {
        await consume(tar);
        return known;
      }
      const other = this.#adding.get(chain);
      if (other === undefined) break;
      await other.catch(() => {}); // should it fail, this one's own stream is still unread
    }
    const work = this.#extract(parent, tar, options);
    this.#adding.set(chain, work);
    try {
      return await work;
    } finally {
      this.#adding.delete(chain);
    }
  }

  async #extract(
    parent: Digest | undefined,
    tar: Readable,
    { expect, signal }: { expect?: Digest; signal?: AbortSignal },
  ): Promise<Layer> {
    const temp = this.#layers.temp();
    const release = this.#hold(parent);
    try {
      const diff = path.join(temp, "diff");
      fs.mkdirSync(diff, { mode: 0o755 });
      const { digest, size } = await this.#deps.archive.extract(tar, diff, {
        whiteouts: "overlay",
        recipe: path.join(temp, RECIPE),
        ...(signal === undefined ? {} : { signal }),
      });
      if (expect !== undefined && digest !== expect) {
        throw new GantryError("invalid", "DIGEST_MISMATCH", `layer has diff id ${digest}, expected ${expect}`);
      }
      const chain = chainId(parent, digest);
      const known = this.#layers.get(chain);
      if (known === undefined) return this.#layers.add(temp, layerOf(chain, digest, parent, size), isOpaque(diff));
      this.#trash.discard(temp);
      return known;
    } catch (e) {
      this.#trash.discard(temp);
      throw e;
    } finally {
      release();
    }
  }

  async addFromWorkspace(id: string): Promise<Layer> {
    const { upper } = this.#workspaces.need(id);
    const parent = this.#workspaces.parent(id);
    await this.unmount(id);
    const { digest, size } = await this.#deps.archive.packDigest(upper, { whiteouts: "overlay" });
    const chain = chainId(parent, digest);
    const layer = this.#layers.get(chain) ?? this.#adopt(upper, layerOf(chain, digest, parent, size));
    this.#workspaces.discard(id);
    return layer;
  }

  #adopt(upper: string, fields: Omit<Layer, "dir">): Layer {
    const temp = this.#layers.temp();
    try {
      fs.renameSync(upper, path.join(temp, "diff"));
      return this.#layers.add(temp, fields, false);
    } catch (e) {
      this.#trash.discard(temp);
      throw e;
    }
  }

  tar(chainId: Digest, signal?: AbortSignal): Readable {
    const layer = this.#layers.need(chainId);
    const diff = this.#layers.diff(layer);
    const recipe = path.join(path.dirname(diff), RECIPE);
    const release = this.#hold(chainId);
    const options = signal === undefined ? {} : { signal };
    const stream = fs.existsSync(recipe)
      ? this.#deps.archive.rebuild(diff, recipe, { digest: layer.diffId, ...options })
      : this.#deps.archive.pack(diff, { whiteouts: "overlay", ...options });
    stream.once("close", release);
    return stream;
  }

  async remove(chainId: Digest): Promise<void> {
    if (this.#layers.hasChild(chainId) || this.#workspaces.standsOn(chainId) || this.#held.has(chainId)) {
      throw new GantryError("conflict", "LAYER_IN_USE", `layer ${chainId} is in use`, { details: { chainId } });
    }
    this.#layers.remove(chainId);
  }

  async sync(): Promise<void> {
    const unflushed = this.#layers.unflushed();
    if (unflushed.length === 0) return;
    await syncFileSystemInBackground(this.#layers.root);
    this.#layers.flushed(unflushed);
  }

  async mount(id: string, parent: Digest | undefined, options: MountOptions = {}): Promise<Workspace> {
    const paths = this.#workspaces.paths(id);
    const lower = this.#layers.lower(parent);
    if (!this.#workspaces.has(id)) {
      this.#workspaces.make(id, parent, fs.statSync(path.join(this.#layers.root, lower[0]!)));
    } else if (this.#workspaces.parent(id) !== parent) {
      throw new GantryError("conflict", "WORKSPACE_EXISTS", `workspace ${id} stands on another layer`);
    }
    const { upper, work, mountPoint } = paths;
    if (options.remapped) {
      if (this.#remapped === undefined) throw new Error("no ids are remapped");
      await unmountFolder(mountPoint);
      return { id, upper, mountPoint: this.#remapped.mount(id, { lower, upper, work }) };
    }
    await this.#remapped?.unmount(id);
    if (!isMountPoint(mountPoint)) mountOverlay(this.#layers.root, { lower, upper, work, target: mountPoint });
    return { id, upper, mountPoint };
  }

  async remount(id: string, options: MountOptions): Promise<Workspace> {
    this.#workspaces.need(id);
    return await this.mount(id, this.#workspaces.parent(id), options);
  }

  remapped(file: string): string {
    if (this.#remapped === undefined) return file;
    for (const [folder, { name, lower }] of this.#viewed) {
      if (file === folder || file.startsWith(`${folder}/`))
        return this.#remapped.mount(name, { lower }) + file.slice(folder.length);
    }
    return this.#remapped.present(file);
  }

  async view(id: string, chainId: Digest): Promise<{ path: string; close(): Promise<void> }> {
    const lower = this.#layers.lower(chainId);
    const name = `${this.#workspaces.paths(id).id}-${++this.#lastView}`;
    const target = path.join(this.#views, name);
    fs.mkdirSync(target, { mode: 0o700 });
    const release = this.#hold(chainId);
    const close = async (): Promise<void> => {
      this.#viewed.delete(target);
      await this.#remapped?.unmount(name);
      await unmountFolder(target);
      release();
      try {
        fs.rmdirSync(target);
      } catch (e) {
        if (errnoOf(e) !== "ENOENT") throw e;
      }
    };
    try {
      mountOverlay(this.#layers.root, { lower, target });
    } catch (e) {
      await close();
      throw e;
    }
    this.#viewed.set(target, { name, lower });
    return { path: target, close };
  }

  async unmount(id: string): Promise<void> {
    await this.#remapped?.unmount(id);
    await unmountFolder(this.#workspaces.paths(id).mountPoint);
  }

  mountedAt(id: string): string | undefined {
    const { mountPoint } = this.#workspaces.paths(id);
    return isMountPoint(mountPoint) ? mountPoint : this.#remapped?.mountedAt(id);
  }

  folders(id: string, parent: Digest | undefined): WorkspaceFolders {
    const { upper, work, mountPoint } = this.#workspaces.paths(id);
    const lower = parent === undefined ? [] : this.#layers.chain(parent).map((layer) => this.#layers.diff(layer));
    return { lower, upper, work, merged: this.mountedAt(id) ?? mountPoint };
  }

  async removeWorkspace(id: string): Promise<void> {
    await this.unmount(id);
    this.#workspaces.discard(id);
  }

  listWorkspaces(): string[] {
    return this.#workspaces.list();
  }

  stageUpper(id: string): string {
    return this.#workspaces.stage(id);
  }

  acceptUpper(id: string): void {
    this.#workspaces.accept(id);
  }

  discardUpper(id: string): void {
    this.#workspaces.unstage(id);
  }

  async changes(id: string, stubs: readonly string[] = []): Promise<Change[]> {
    const { upper } = this.#workspaces.need(id);
    return await this.#besideLower(id, (lower) => gently(changesIn(upper, lower, stubs)));
  }

  async addCopy(
    id: string,
    { stubs, signal }: { stubs: readonly string[]; signal?: AbortSignal },
  ): Promise<Layer | undefined> {
    const { upper } = this.#workspaces.need(id);
    const parent = this.#workspaces.parent(id);
    const release = this.#hold(parent);
    try {
      const without = await this.#besideLower(id, async (lower) => unusedStubs(upper, lower, stubs));
      if (fs.readdirSync(upper, "latin1").every((name) => without.includes(name))) return undefined;
      const options = signal === undefined ? {} : { signal };
      const tar = this.#deps.archive.pack(upper, { whiteouts: "overlay", without, ...options });
      return await this.#extract(parent, tar, options);
    } finally {
      release();
    }
  }

  /** Runs `work` with a path of the whole tree that the workspace stands on. */
  async #besideLower<T>(id: string, work: (lower: string) => Promise<T>): Promise<T> {
    const parent = this.#workspaces.parent(id);
    if (parent === undefined) return await work(path.join(this.#layers.root, this.#layers.lower(parent)[0]!));
    const view = await this.view(id, parent);
    try {
      return await work(view.path);
    } finally {
      await view.close();
    }
  }

  async diskUse(id: string): Promise<DiskUse> {
    const { upper } = this.#workspaces.need(id);
    const parent = this.#workspaces.parent(id);
    const rw = await gently(bytesBelow(upper));
    const layers = parent === undefined ? [] : this.#layers.chain(parent);
    return { rw, rootFs: layers.reduce((sum, layer) => sum + layer.size, rw) };
  }

  /** Keeps a layer from being removed until the result is called. */
  #hold(chainId: Digest | undefined): () => void {
    if (chainId === undefined) return () => {};
    this.#held.set(chainId, (this.#held.get(chainId) ?? 0) + 1);
    let over = false;
    return () => {
      if (over) return;
      over = true;
      const left = this.#held.get(chainId)! - 1;
      if (left === 0) this.#held.delete(chainId);
      else this.#held.set(chainId, left);
    };
  }
}

const layerOf = (chainId: Digest, diffId: Digest, parent: Digest | undefined, size: number): Omit<Layer, "dir"> => ({
  chainId,
  diffId,
  ...(parent === undefined ? {} : { parent }),
  size,
});

const isOpaque = (diff: string): boolean => getXattr(diff, "trusted.overlay.opaque")?.toString() === "y";

async function consume(stream: Readable): Promise<void> {
  for await (const _ of stream);
}
