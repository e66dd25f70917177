import { GantryError, isGantryError, messageOf } from "../../base/errors.ts";
import type { Descriptor, Digest } from "../../base/image-config.ts";
import type { BlobStore, BlobWriter } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { RegistryAuth, RemoteRegistry, RepositoryRef } from "../../ports/remote-registry.ts";
import { Slots } from "./transfer-progress.ts";

/** Layers that come down at once, over all pulls. */
const AT_ONCE = 4;
/** Attempts that brought no byte until a download is given up. */
const FRUITLESS = 5;

export const lied = (message: string): GantryError => new GantryError("invalid", "REGISTRY_LIED", message);
export const canceled = (): GantryError => new GantryError("canceled", "CANCELED", "context canceled");

interface Transfer {
  done: Promise<void>;
  listeners: Set<(received: number) => void>;
  aborter: AbortController;
}

export interface Fetch {
  repo: RepositoryRef;
  blob: Descriptor;
  auth?: RegistryAuth | undefined;
  signal?: AbortSignal | undefined;
  /** Bytes of the blob that are here. */
  onBytes?: (received: number) => void;
}

export interface DownloadsDeps {
  blobs: BlobStore;
  registry: RemoteRegistry;
  clock: Clock;
  logger: Logger;
  retryPauseMs?: number | undefined;
}

/** Brings blobs into the store: each once however many ask, resumed where the connection was cut. */
export class Downloads {
  private readonly deps: DownloadsDeps;
  private readonly running = new Map<Digest, Transfer>();
  private readonly slots = new Slots(AT_ONCE);

  constructor(deps: DownloadsDeps) {
    this.deps = deps;
  }

  /** True if a further download would have to wait. */
  get busy(): boolean {
    return this.slots.busy;
  }

  /**
   * Resolves when the blob is stored and verified. Who aborts leaves alone; the last one to leave ends the download
   * and its partial bytes are kept.
   */
  async fetch(fetch: Fetch): Promise<void> {
    const { blob, signal, onBytes } = fetch;
    if (signal?.aborted) throw canceled();
    if (this.deps.blobs.has(blob.digest)) return;
    const known = this.running.get(blob.digest);
    // One that its last caller has just left is ending: wait for that, then resume it.
    if (known?.aborter.signal.aborted) {
      await known.done.catch(() => {});
      return this.fetch(fetch);
    }
    const transfer = known ?? this.start(fetch);
    const listener = (received: number): void => onBytes?.(received);
    transfer.listeners.add(listener);
    try {
      await new Promise<void>((resolve, reject) => {
        const onAbort = (): void => {
          transfer.listeners.delete(listener);
          if (transfer.listeners.size > 0) return reject(canceled());
          transfer.aborter.abort();
          // Its bytes are put away first: whoever retries at once finds them.
          transfer.done.catch(() => {}).finally(() => reject(canceled()));
        };
        signal?.addEventListener("abort", onAbort, { once: true });
        transfer.done.then(resolve, reject).finally(() => signal?.removeEventListener("abort", onAbort));
      });
    } finally {
      transfer.listeners.delete(listener);
    }
  }

  private start(fetch: Fetch): Transfer {
    const aborter = new AbortController();
    const listeners = new Set<(received: number) => void>();
    const tell = (received: number): void => {
      for (const listener of listeners) listener(received);
    };
    const run = (): Promise<void> => this.download({ ...fetch, signal: aborter.signal, onBytes: tell });
    const done = this.slots.run(run, aborter.signal).finally(() => this.running.delete(fetch.blob.digest));
    const transfer: Transfer = { done, listeners, aborter };
    this.running.set(fetch.blob.digest, transfer);
    return transfer;
  }

  private async download(fetch: Fetch & { signal: AbortSignal }): Promise<void> {
    const { blobs, logger } = this.deps;
    const { blob, signal } = fetch;
    let fruitless = 0;
    let doubted = false;
    for (;;) {
      if (signal.aborted) throw canceled();
      const before: number = blobs.partialSize(blob.digest);
      try {
        await this.attempt(fetch);
        return;
      } catch (error) {
        const resumedBadly: boolean = isGantryError(error, "DIGEST_MISMATCH") && before > 0 && !doubted;
        if (signal.aborted || (!resumedBadly && !isGantryError(error, "REGISTRY_UNREACHABLE"))) throw error;
        // The bytes from before may be what was wrong: once more from the start.
        doubted ||= resumedBadly;
        fruitless = blobs.partialSize(blob.digest) > before ? 0 : fruitless + 1;
        if (fruitless >= FRUITLESS) throw error;
        logger.info("download goes on", {
          digest: blob.digest,
          from: blobs.partialSize(blob.digest),
          after: messageOf(error),
        });
        await this.pause(fruitless, signal);
      }
    }
  }

  private async attempt(fetch: Fetch & { signal: AbortSignal }): Promise<void> {
    const { repo, blob, auth, signal, onBytes } = fetch;
    const { blobs, registry } = this.deps;
    const writer = blobs.writer({ digest: blob.digest, size: blob.size });
    try {
      if (writer.offset < blob.size || blob.size === 0) {
        const got = await registry.getBlob(repo, blob.digest, { auth, signal, start: writer.offset });
        try {
          if (got.size !== undefined && got.size !== blob.size) {
            throw lied(`blob ${blob.digest} has ${got.size} bytes instead of ${blob.size}`);
          }
          await receive(got, writer, blob, onBytes);
        } finally {
          got.body.destroy();
        }
      }
    } catch (error) {
      // What a liar sent is worth nothing; what a broken connection brought is resumed.
      await writer.abort(isGantryError(error, "REGISTRY_UNREACHABLE") || signal.aborted);
      throw error;
    }
    await writer.commit();
  }

  private pause(fruitless: number, signal: AbortSignal): Promise<void> {
    const ms = (this.deps.retryPauseMs ?? 500) * 2 ** fruitless;
    return new Promise((resolve, reject) => {
      const cancel = this.deps.clock.after(ms, () => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      });
      const onAbort = (): void => {
        cancel();
        reject(canceled());
      };
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }
}

/** Writes what comes, from where the writer stands; a server that began earlier is heard out to there first. */
async function receive(
  got: Awaited<ReturnType<RemoteRegistry["getBlob"]>>,
  writer: BlobWriter,
  blob: Descriptor,
  onBytes: ((received: number) => void) | undefined,
): Promise<void> {
  let skip = writer.offset - got.start;
  let have = writer.offset;
  for await (const piece of got.body) {
    let chunk = piece as Buffer;
    if (skip > 0) {
      const known = Math.min(skip, chunk.length);
      skip -= known;
      chunk = chunk.subarray(known);
      if (chunk.length === 0) continue;
    }
    have += chunk.length;
    if (have > blob.size) throw lied(`blob ${blob.digest} is longer than its ${blob.size} bytes`);
    await writer.write(chunk);
    onBytes?.(have);
  }
  if (have < blob.size) throw lied(`blob ${blob.digest} ends after ${have} of ${blob.size} bytes`);
}
