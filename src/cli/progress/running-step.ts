import type { BuildStep } from "../../base/build-events.ts";
import type { ProgressEvent } from "../../base/progress.ts";
import { StepOutput } from "./step-output.ts";
import { progressBar } from "./transfers.ts";

/** A step under way, with what is to be seen of it. */
export class RunningStep {
  readonly step: BuildStep;
  readonly began: number;
  readonly output = new StepOutput();
  readonly transfers = new StepTransfers();
  /** Why it was not in the cache. */
  readonly why: string[] = [];

  constructor(step: BuildStep, began: number) {
    this.step = step;
    this.began = began;
  }

  lines(most: number, width: number): string[] {
    const bar = this.transfers.line(width);
    const lines = [...this.why.slice(0, most), ...(bar === "" ? [] : [bar])];
    return [...lines, ...this.output.tail(most - lines.length)].slice(0, most);
  }
}

/** All that a step pulls or downloads, as one bar. */
class StepTransfers {
  private readonly known = new Map<string, { current: number; total: number; over: boolean }>();

  get empty(): boolean {
    return this.known.size === 0;
  }

  hear({ id = "", status = "", progressDetail }: ProgressEvent): void {
    const { current = 0, total = 0 } = progressDetail ?? {};
    const before = this.known.get(id);
    const over = /^(Pull complete|Already exists|Download complete)/.test(status);
    if (over && before) before.over = true;
    // What follows the download (to verify, to unpack) has bytes of its own, which are not counted twice.
    else if (status.startsWith("Downloading") || before === undefined) {
      if (total > 0 || /^(Pulling fs layer|Waiting|Already exists)/.test(status)) {
        this.known.set(id, { current, total: Math.max(total, before?.total ?? 0), over });
      }
    }
  }

  line(width: number): string {
    const all = [...this.known.values()];
    if (all.length === 0) return "";
    const sum = (of: (one: { current: number; total: number; over: boolean }) => number): number =>
      all.reduce((total, one) => total + of(one), 0);
    const total = sum((one) => one.total);
    const head = all.length === 1 ? "" : `${sum(({ over }) => Number(over))}/${all.length} layers `;
    return (
      head +
      progressBar(
        sum((one) => (one.over ? one.total : one.current)),
        total,
        width - head.length,
      )
    );
  }
}
