import { Worker } from "node:worker_threads";
import { GantryError, messageOf } from "../../base/errors.ts";
import type { ExtractResult } from "../../ports/archive.ts";
import type { DigestResult } from "./jobs.ts";
import { trimMemoryInBackground } from "../syscalls/background.ts";
import { type FromWorker, fromWire, type ToWorker } from "./protocol.ts";

export interface WorkerPoolOptions {
  workerUrl: URL;
  /** Node options of the worker; default: the process's own. */
  execArgv?: string[];
  /** Workers that may run at once. */
  most: number;
  /** Milliseconds without a job after which a worker ends. */
  idle: number;
}

/** How one job hears from its worker. */
export interface JobListener {
  taken?(): void;
  piece?(bytes: Buffer): void;
  done(result: ExtractResult | DigestResult | undefined): void;
  failed(error: GantryError): void;
}

export interface Job {
  send(message: { kind: "bytes"; bytes: Uint8Array } | { kind: "end" | "pull" | "abort" }): void;
}

/** A job without its id. */
export type Opening =
  Extract<ToWorker, { job: unknown }> extends infer Message
    ? Message extends unknown
      ? Omit<Message, "id">
      : never
    : never;

/**
 * Worker threads that start with the first job and end when idle, for a worker costs about 10 MB. A worker runs
 * several jobs in turns, so that one that waits for another (a pack piped into an extract) never starves it.
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #threads = new Set<Thread>();
  #lastId = 0;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  open(opening: Opening, listener: JobListener): Job {
    const thread = this.#pick();
    const id = ++this.#lastId;
    thread.begin(id, listener, { id, ...opening } as ToWorker);
    return {
      send: (message) =>
        thread.post({ id, ...message } as ToWorker, "bytes" in message ? [message.bytes.buffer as ArrayBuffer] : []),
    };
  }

  /** Ends all workers; running jobs fail. */
  async close(): Promise<void> {
    await Promise.all([...this.#threads].map((thread) => thread.end()));
  }

  #pick(): Thread {
    const least = [...this.#threads].toSorted((a, b) => a.load - b.load)[0];
    if (least !== undefined && (least.load === 0 || this.#threads.size >= this.#options.most)) return least;
    const thread = new Thread(this.#options, () => this.#threads.delete(thread));
    this.#threads.add(thread);
    return thread;
  }
}

class Thread {
  readonly #worker: Worker;
  readonly #jobs = new Map<number, JobListener>();
  readonly #idle: number;
  readonly #gone: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WorkerPoolOptions, gone: () => void) {
    this.#idle = options.idle;
    this.#gone = gone;
    this.#worker = new Worker(options.workerUrl, {
      ...(options.execArgv === undefined ? {} : { execArgv: options.execArgv }),
      resourceLimits: { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 8 },
    });
    let cause: unknown;
    this.#worker.on("message", (message: FromWorker) => this.#message(message));
    this.#worker.on("error", (e) => {
      cause = e;
    });
    this.#worker.on("exit", () => {
      gone();
      clearTimeout(this.#timer);
      const error = new GantryError(
        "internal",
        "ARCHIVE_FAILED",
        `archive worker ended: ${messageOf(cause ?? "stopped")}`,
        { cause },
      );
      for (const listener of this.#jobs.values()) listener.failed(error);
      this.#jobs.clear();
      void trimMemoryInBackground(); // some 80 MB after a large layer
    });
  }

  get load(): number {
    return this.#jobs.size;
  }

  begin(id: number, listener: JobListener, message: ToWorker): void {
    clearTimeout(this.#timer);
    this.#worker.ref();
    this.#jobs.set(id, listener);
    this.post(message, []);
  }

  post(message: ToWorker, transfer: ArrayBuffer[]): void {
    this.#worker.postMessage(message, transfer);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #message(message: FromWorker): void {
    const listener = this.#jobs.get(message.id);
    if (listener === undefined) return;
    if (message.kind === "taken") listener.taken?.();
    else if (message.kind === "piece") {
      listener.piece?.(Buffer.from(message.bytes.buffer, message.bytes.byteOffset, message.bytes.byteLength));
    } else {
      this.#jobs.delete(message.id);
      if (this.#jobs.size === 0) this.#rest();
      if (message.kind === "done") listener.done(message.result);
      else listener.failed(fromWire(message.error));
    }
  }

  #rest(): void {
    this.#worker.unref();
    this.#timer = setTimeout(() => {
      this.#gone(); // no job may come to it any more
      void this.end();
    }, this.#idle);
    this.#timer.unref();
  }
}
