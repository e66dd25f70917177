import { humanSize } from "../../base/units.ts";
import type { Output } from "../terminal/output.ts";

/** Milliseconds before the first line: most copies are over by then. */
const PATIENCE = 500;
const PERIOD = 200;
const CLEAR = "\u001b[2K\r";

/** How much was copied so far, in one line of a terminal that goes away in the end. */
export class CopyProgress {
  private readonly out: Output | undefined;
  private readonly words: string;
  private timer: NodeJS.Timeout | undefined;
  private shown = false;
  /** Bytes so far. */
  bytes = 0;

  /** Without `out`, which must be a terminal, it only counts. */
  constructor(out: Output | undefined, words: string) {
    this.out = out;
    this.words = words;
    if (out !== undefined) this.wait(PATIENCE);
  }

  add(bytes: number): void {
    this.bytes += bytes;
  }

  /** The same chunks, counted as they pass. */
  async *counting<T extends Uint8Array>(chunks: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const chunk of chunks) {
      this.add(chunk.length);
      yield chunk;
    }
  }

  end(): void {
    clearTimeout(this.timer);
    if (this.shown) this.out?.write(CLEAR);
    this.shown = false;
  }

  private wait(ms: number): void {
    this.timer = setTimeout(() => {
      this.out?.write(`${CLEAR}${this.words} - ${humanSize(this.bytes)}`);
      this.shown = true;
      this.wait(PERIOD);
    }, ms);
    this.timer.unref();
  }
}
