import fs from "node:fs";
import path from "node:path";
import { GantryError } from "../../base/errors.ts";
import type { Digest } from "../../base/image-config.ts";
import type { Layer } from "../../ports/layer-store.ts";
import type { StateStore } from "../../ports/state-store.ts";
import type { Trash } from "./trash.ts";

const BUCKET = "layers";
const TEMP = "tmp-";
/** Lower folder below all others: an overlay needs one, and a read-only one needs two. */
export const EMPTY = ".empty";
/** The field's limit, which Docker has as well. */
export const MAX_DEPTH = 127;

/** A layer as the state has it. */
interface LayerRecord extends Layer {
  /** An opaque mark on its root hides all layers below it. */
  opaque?: true;
  /** The kernel boot that wrote it, until it is flushed: after a power cut such a layer may have lost its data. */
  unflushed?: string;
}

/** Which layers there are, and the folder of each: `<root>/<dir>/diff`, `dir` a short number in base 36. */
export class LayerIndex {
  readonly root: string;
  readonly #state: StateStore;
  readonly #trash: Trash;
  readonly #records = new Map<Digest, LayerRecord>();
  readonly #boot = fs.readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  #last = 0;

  /** Clears away folders that no record knows, and records whose data may be lost or is missing. */
  constructor(root: string, state: StateStore, trash: Trash) {
    this.root = root;
    this.#state = state;
    this.#trash = trash;
    fs.mkdirSync(path.join(root, EMPTY), { recursive: true, mode: 0o755 });
    const found = new Set(fs.readdirSync(root));
    found.delete(EMPTY);
    const lost: Digest[] = [];
    for (const [chainId, record] of state.list<LayerRecord>(BUCKET)) {
      const whole = record.unflushed === undefined || record.unflushed === this.#boot;
      if (whole && found.delete(record.dir)) this.#records.set(chainId, record);
      else lost.push(chainId);
      this.#last = Math.max(this.#last, Number.parseInt(record.dir, 36));
    }
    if (lost.length > 0) state.commit(lost.map((key) => ({ bucket: BUCKET, key, value: undefined })));
    for (const name of found) trash.discard(path.join(root, name));
  }

  get(chainId: Digest): Layer | undefined {
    const record = this.#records.get(chainId);
    if (record === undefined) return undefined;
    const { opaque: _, unflushed: __, ...layer } = record;
    return layer;
  }

  need(chainId: Digest): Layer {
    const layer = this.get(chainId);
    if (layer !== undefined) return layer;
    throw new GantryError("notFound", "NO_SUCH_LAYER", `layer does not exist: ${chainId}`, { details: { chainId } });
  }

  list(): Layer[] {
    return [...this.#records.keys()].map((chainId) => this.need(chainId));
  }

  /** The layer and all below it, topmost first. Throws notFound NO_SUCH_LAYER, invalid MAX_DEPTH. */
  chain(chainId: Digest): Layer[] {
    const layers: Layer[] = [];
    for (let at: Digest | undefined = chainId; at !== undefined; at = layers.at(-1)?.parent) layers.push(this.need(at));
    if (layers.length > MAX_DEPTH) throw new GantryError("invalid", "MAX_DEPTH", "max depth exceeded");
    return layers;
  }

  /** Lower folders of a chain for a mount, topmost first, from the layers' root. */
  lower(chainId: Digest | undefined): string[] {
    const folders: string[] = [];
    for (const layer of chainId === undefined ? [] : this.chain(chainId)) {
      folders.push(`${layer.dir}/diff`);
      if (this.#records.get(layer.chainId)?.opaque) break;
    }
    folders.push(EMPTY);
    return folders;
  }

  diff(layer: Layer): string {
    return path.join(this.root, layer.dir, "diff");
  }

  /** A folder to make a layer in; unknown to the index until `add`. */
  temp(): string {
    const folder = path.join(this.root, `${TEMP}${(++this.#last).toString(36)}`);
    fs.mkdirSync(folder, { mode: 0o700 });
    return folder;
  }

  /** Makes what stands in a temp folder a layer; durable in the index when it returns. */
  add(temp: string, fields: Omit<Layer, "dir">, opaque: boolean): Layer {
    const dir = path.basename(temp).slice(TEMP.length);
    fs.renameSync(temp, path.join(this.root, dir));
    const record: LayerRecord = { ...fields, dir, unflushed: this.#boot, ...(opaque ? { opaque } : {}) };
    try {
      this.#state.commit([{ bucket: BUCKET, key: fields.chainId, value: record }]);
    } catch (e) {
      this.#trash.discard(path.join(this.root, dir));
      throw e;
    }
    this.#records.set(fields.chainId, record);
    return this.need(fields.chainId);
  }

  remove(chainId: Digest): void {
    const record = this.#records.get(chainId);
    if (record === undefined) return;
    this.#state.commit([{ bucket: BUCKET, key: chainId, value: undefined }]);
    this.#records.delete(chainId);
    this.#trash.discard(path.join(this.root, record.dir));
  }

  hasChild(chainId: Digest): boolean {
    for (const record of this.#records.values()) if (record.parent === chainId) return true;
    return false;
  }

  unflushed(): Digest[] {
    return [...this.#records.values()]
      .filter((record) => record.unflushed !== undefined)
      .map((record) => record.chainId);
  }

  /** To be called after a flush with what `unflushed` gave before it. */
  flushed(chainIds: Digest[]): void {
    const records = chainIds.flatMap((chainId) => this.#records.get(chainId) ?? []);
    const clean = records.map((record) => ({ ...record, unflushed: undefined })); // JSON drops it
    this.#state.commit(clean.map((value) => ({ bucket: BUCKET, key: value.chainId, value })));
    for (const record of clean) this.#records.set(record.chainId, record);
  }
}
