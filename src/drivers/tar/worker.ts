import { parentPort } from "node:worker_threads";
import { GantryError } from "../../base/errors.ts";
import { extract, packDigest } from "./jobs.ts";
import { Packer } from "./packer.ts";
import { rebuild } from "./recipe.ts";
import { type FromWorker, type ToWorker, toWire } from "./protocol.ts";

const canceled = (): GantryError => new GantryError("canceled", "CANCELED", "canceled");

/** A job in this thread, as messages about it arrive. */
interface Running {
  message(message: ToWorker): void;
}

function serve(port: NonNullable<typeof parentPort>): void {
  const jobs = new Map<number, Running>();
  const tell = (message: FromWorker, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

  const finish = (id: number, work: Promise<Extract<FromWorker, { kind: "done" }>["result"]>): void => {
    work.then(
      (result) => {
        jobs.delete(id);
        tell({ id, kind: "done", result });
      },
      (e: unknown) => {
        jobs.delete(id);
        tell({ id, kind: "failed", error: toWire(e) });
      },
    );
  };

  port.on("message", (message: ToWorker) => {
    const { id } = message;
    if (message.kind === "extract") {
      const input = new Input(() => tell({ id, kind: "taken" }));
      jobs.set(id, input);
      finish(id, extract(input, message.job, false));
    } else if (message.kind === "pack") {
      jobs.set(id, new PackRun(new Packer(message.job.options).pack(message.job.root), id, tell, finish));
    } else if (message.kind === "rebuild") {
      const { root, recipe, digest } = message.job;
      jobs.set(id, new PackRun(rebuild(root, recipe, digest), id, tell, finish));
    } else if (message.kind === "digest") {
      let stop = false;
      jobs.set(id, { message: (m) => void (stop ||= m.kind === "abort") });
      finish(
        id,
        packDigest(message.job, () => stop),
      );
    } else jobs.get(id)?.message(message);
  });
}

/** An extract's input: bytes as they arrive, acknowledged when taken, so that the sender can hold back. */
class Input implements AsyncIterable<Buffer>, Running {
  readonly #queue: (Buffer | "end" | "abort")[] = [];
  readonly #taken: () => void;
  #wake: (() => void) | undefined;

  constructor(taken: () => void) {
    this.#taken = taken;
  }

  message(message: ToWorker): void {
    if (message.kind === "bytes") {
      this.#queue.push(Buffer.from(message.bytes.buffer, message.bytes.byteOffset, message.bytes.byteLength));
    } else if (message.kind === "end") this.#queue.push("end");
    else if (message.kind === "abort") this.#queue.unshift("abort");
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void> {
    for (;;) {
      const next = this.#queue.shift();
      if (next === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      } else if (next === "end") return;
      else if (next === "abort") throw canceled();
      else {
        yield next;
        this.#taken();
      }
    }
  }
}

class PackRun implements Running {
  readonly #pieces: Generator<Buffer, void>;
  readonly #id: number;
  readonly #tell: (message: FromWorker, transfer: ArrayBuffer[]) => void;
  readonly #finish: (id: number, work: Promise<undefined>) => void;

  constructor(
    pieces: Generator<Buffer, void>,
    id: number,
    tell: (message: FromWorker, transfer: ArrayBuffer[]) => void,
    finish: (id: number, work: Promise<undefined>) => void,
  ) {
    this.#pieces = pieces;
    this.#id = id;
    this.#tell = tell;
    this.#finish = finish;
  }

  message(message: ToWorker): void {
    try {
      if (message.kind === "abort") {
        this.#pieces.return();
        this.#finish(this.#id, Promise.reject(canceled()));
      } else if (message.kind === "pull") {
        const next = this.#pieces.next();
        if (next.done) this.#finish(this.#id, Promise.resolve(undefined));
        else this.#tell({ id: this.#id, kind: "piece", bytes: next.value }, [next.value.buffer as ArrayBuffer]);
      }
    } catch (e) {
      this.#finish(this.#id, Promise.reject(e as Error));
    }
  }
}

if (parentPort) serve(parentPort);
