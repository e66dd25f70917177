import { clipped, columnsOf, withoutEscapes } from "./look.ts";
import type { Output } from "./output.ts";

/** Milliseconds between two pictures. */
const FRAME = 80;
const USUAL = { columns: 80, rows: 24 };
const CLEAR_REST = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";
const up = (rows: number): string => (rows === 0 ? "" : `\u001b[${rows}A\r`);

/** Lines at the end of a terminal that are drawn over until they are settled. No line is ever wider than the terminal. */
export class LiveLines {
  private readonly out: Output;
  private readonly lines: () => string[];
  /** How long the lines are that stand there. */
  private drawn: number[] = [];
  /** Lines for good that are to come above them. */
  private above: string[] = [];
  private last = 0;
  private timer: NodeJS.Timeout | undefined;

  /** `lines`: what stands there now. */
  constructor(out: Output, lines: () => string[]) {
    this.out = out;
    this.lines = lines;
  }

  /** Something has changed: it is drawn soon. */
  touch(): void {
    const wait = Math.max(0, this.last + FRAME - performance.now());
    this.timer ??= setTimeout(() => {
      // After signals that wait: one of them may tell of another width.
      setImmediate(() => this.timer && this.draw());
    }, wait);
  }

  /** A line for good, above those that are drawn over; it comes with the next picture. */
  print(line: string): void {
    this.above.push(line);
    this.touch();
  }

  /** Draws all lines for the last time, and leaves them. */
  settle(): void {
    this.draw(Infinity);
    this.drawn = [];
  }

  /** Takes the lines away. */
  clear(): void {
    this.stop();
    const rows = this.rows();
    // Line by line: to clear from the first row on would put all of it into the terminal's history.
    this.out.write(`${up(rows)}${`${CLEAR_REST}\n`.repeat(rows)}${up(rows)}${this.printed()}`);
    this.drawn = [];
  }

  private printed(): string {
    return this.above
      .splice(0)
      .map((line) => `${line}${CLEAR_REST}\n`)
      .join("");
  }

  private stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** How many the lines take now: a terminal that became narrower has folded them. */
  private rows(): number {
    const width = process.stdout.columns || USUAL.columns;
    return this.drawn.reduce((rows, length) => rows + Math.max(1, Math.ceil(length / width)), 0);
  }

  private draw(most = (process.stdout.rows || USUAL.rows) - 1): void {
    this.stop();
    this.last = performance.now();
    const width = process.stdout.columns || USUAL.columns;
    const all = this.lines();
    // What does not fit on the screen could not be drawn over.
    const shown = all.slice(Math.max(0, all.length - most)).map((line) => clipped(line, width - 1));
    const text = this.printed() + shown.map((line) => `${line}${CLEAR_REST}\n`).join("");
    this.out.write(`${up(this.rows())}${text}${text === "" ? "" : CLEAR_BELOW}`);
    this.drawn = shown.map((line) => columnsOf(withoutEscapes(line)));
  }
}
