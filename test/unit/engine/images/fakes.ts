import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { GantryError } from "../../../../src/base/errors.ts";
import type { Digest } from "../../../../src/base/image-config.ts";
import type { ImageUser } from "../../../../src/engine/images/contract.ts";
import type { ImagesDeps } from "../../../../src/engine/images/deps.ts";
import { tarHeader, tarPadding } from "../../../../src/engine/images/tar-writer.ts";
import type { BlobStore, BlobWriter } from "../../../../src/ports/blob-store.ts";
import type { Clock } from "../../../../src/ports/clock.ts";
import type { Layer, LayerStore } from "../../../../src/ports/layer-store.ts";
import type { Logger } from "../../../../src/ports/logger.ts";
import type { RemoteRegistry } from "../../../../src/ports/remote-registry.ts";
import type { StateChange, StateStore } from "../../../../src/ports/state-store.ts";

export const sha = (bytes: Buffer | string): Digest => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

export async function collect(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A tar of files by name. */
export function tarOf(files: Record<string, string | Buffer>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, content] of Object.entries(files)) {
    const bytes = Buffer.from(content);
    parts.push(tarHeader(name, bytes.length), bytes, tarPadding(bytes.length));
  }
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

export class MemoryBlobs implements BlobStore {
  readonly blobs = new Map<Digest, Buffer>();
  readonly partials = new Map<Digest, Buffer>();
  /** Blobs that were written as a stream. */
  written = 0;

  has(digest: Digest): boolean {
    return this.blobs.has(digest);
  }
  size(digest: Digest): number {
    return this.read(digest).length;
  }
  read(digest: Digest): Buffer {
    const bytes = this.blobs.get(digest);
    if (!bytes) throw new GantryError("notFound", "NO_SUCH_BLOB", `no such blob: ${digest}`);
    return bytes;
  }
  open(digest: Digest, range?: { start: number }): Readable {
    const bytes = this.read(digest).subarray(range?.start ?? 0);
    return Readable.from(bytes.length === 0 ? [] : [bytes], { objectMode: false });
  }
  put(bytes: Buffer | string): Digest {
    const digest = sha(bytes);
    this.blobs.set(digest, Buffer.from(bytes));
    return digest;
  }
  writer(expect: { digest?: Digest; size?: number } = {}): BlobWriter {
    const before = expect.digest === undefined ? undefined : this.partials.get(expect.digest);
    const chunks: Buffer[] = before ? [before] : [];
    return {
      offset: before?.length ?? 0,
      write: async (chunk) => void chunks.push(Buffer.from(chunk)),
      commit: async () => {
        const bytes = Buffer.concat(chunks);
        if (expect.digest !== undefined) this.partials.delete(expect.digest);
        if (expect.digest !== undefined && sha(bytes) !== expect.digest) {
          throw new GantryError("invalid", "DIGEST_MISMATCH", `${expect.digest}: the bytes don't match`);
        }
        if (expect.size !== undefined && expect.size !== bytes.length) {
          throw new GantryError("invalid", "DIGEST_MISMATCH", "the size doesn't match");
        }
        this.written += 1;
        return { digest: this.put(bytes), size: bytes.length };
      },
      abort: async (keep) => {
        if (expect.digest === undefined) return;
        if (keep) this.partials.set(expect.digest, Buffer.concat(chunks));
        else this.partials.delete(expect.digest);
      },
    };
  }
  partialSize(digest: Digest): number {
    return this.partials.get(digest)?.length ?? 0;
  }
  remove(digest: Digest): void {
    this.blobs.delete(digest);
  }
  list(): Digest[] {
    return [...this.blobs.keys()];
  }
}

const unused = (): never => {
  throw new Error("not in this test");
};

/** Layers as their tars in memory. */
export class MemoryLayers implements LayerStore {
  readonly tars = new Map<Digest, { layer: Layer; tar: Buffer }>();
  readonly inUse = new Set<Digest>();
  syncs = 0;

  get(chainId: Digest): Layer | undefined {
    return this.tars.get(chainId)?.layer;
  }
  list(): Layer[] {
    return [...this.tars.values()].map(({ layer }) => layer);
  }
  async addFromTar(parent: Digest | undefined, tar: Readable, options: { expect?: Digest } = {}): Promise<Layer> {
    let bytes = await collect(tar);
    if (bytes[0] === 0x1f) bytes = gunzipSync(bytes);
    const diffId = sha(bytes);
    if (options.expect !== undefined && options.expect !== diffId) {
      throw new GantryError("invalid", "DIGEST_MISMATCH", `layer is ${diffId} instead of ${options.expect}`);
    }
    const chainId = parent === undefined ? diffId : sha(`${parent} ${diffId}`);
    const layer: Layer = {
      chainId,
      diffId,
      size: bytes.length,
      dir: chainId.slice(7, 19),
      ...(parent ? { parent } : {}),
    };
    this.tars.set(chainId, { layer, tar: bytes });
    return layer;
  }
  tar(chainId: Digest): Readable {
    return Readable.from([this.tars.get(chainId)!.tar], { objectMode: false });
  }
  async remove(chainId: Digest): Promise<void> {
    const standing = this.list().some((layer) => layer.parent === chainId);
    if (standing || this.inUse.has(chainId))
      throw new GantryError("conflict", "LAYER_IN_USE", `layer ${chainId} is in use`);
    this.tars.delete(chainId);
  }
  async sync(): Promise<void> {
    this.syncs += 1;
  }
  addFromWorkspace = unused;
  mount = unused;
  remount = unused;
  remapped = unused;
  view = unused;
  unmount = unused;
  removeWorkspace = unused;
  listWorkspaces = (): string[] => [];
  changes = unused;
  diskUse = unused;
  addCopy = unused;
  mountedAt = unused;
  folders = unused;
}

export class MemoryState implements StateStore {
  readonly buckets = new Map<string, Map<string, string>>();
  get<T>(bucket: string, key: string): T | undefined {
    const text = this.buckets.get(bucket)?.get(key);
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }
  list<T>(bucket: string): [string, T][] {
    return [...(this.buckets.get(bucket) ?? [])].map(([key, text]) => [key, JSON.parse(text) as T]);
  }
  commit(changes: StateChange[]): void {
    for (const { bucket, key, value } of changes) {
      const entries = this.buckets.get(bucket) ?? new Map<string, string>();
      this.buckets.set(bucket, entries);
      if (value === undefined) entries.delete(key);
      else entries.set(key, JSON.stringify(value));
    }
  }
  async synced(): Promise<void> {}

  close(): void {}
}

export const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** Real timers, a time that moves a second with every stamp. */
export function testClock(): Clock {
  let seconds = Date.parse("2025-01-01T00:00:00Z") / 1000;
  return {
    now: () => Date.now(),
    stamp: () => new Date(seconds++ * 1000).toISOString().replace("Z", "000000Z"),
    after(ms, fn) {
      const timer = setTimeout(fn, ms);
      return () => clearTimeout(timer);
    },
  };
}

export interface World extends ImagesDeps {
  layers: MemoryLayers;
  blobs: MemoryBlobs;
  state: MemoryState;
  users: Map<Digest, ImageUser[]>;
  published: string[];
}

/** Everything that `Images` needs, in memory. */
export function world(registry: RemoteRegistry = {} as RemoteRegistry): World {
  const users = new Map<Digest, ImageUser[]>();
  const published: string[] = [];
  return {
    layers: new MemoryLayers(),
    blobs: new MemoryBlobs(),
    state: new MemoryState(),
    registry,
    clock: testClock(),
    logger: quiet,
    applyChanges: (config, changes) => ({ ...config, ...(changes.length > 0 ? { Cmd: changes } : {}) }),
    usage: { containersUsing: (id) => users.get(id) ?? [] },
    events: {
      publish: (type, action, id, attributes) => void published.push(`${type} ${action} ${id} ${attributes["name"]}`),
    },
    platform: { os: "linux", architecture: "amd64" },
    layersRoot: "/layers",
    retryPauseMs: 5,
    users,
    published,
  };
}
