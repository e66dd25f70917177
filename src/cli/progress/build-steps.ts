import type { ProgressLine } from "../../wire/types/images.ts";
import { LiveLines } from "../terminal/live-lines.ts";
import { clipped, type Look, tinted, withoutEscapes } from "../terminal/look.ts";
import type { Output } from "../terminal/output.ts";
import { progressBar } from "./transfers.ts";
import { humanSize } from "../../base/units.ts";
import type { BuildScreen } from "./build-screen.ts";

/** How much of what a step says stands below it while it runs, and how much is kept for its failure. */
const TAIL = 6;
const KEPT = 1000;
const TICK = 200;

interface Step {
  number: string;
  instruction: string;
  began: number;
  ms?: number;
  cached: boolean;
}

/** A build by an engine that tells the classic builder's words, on a terminal: a line a step with its time; what a step says is seen while it runs, and when it fails. */
export class BuildSteps implements BuildScreen {
  private readonly out: Output;
  private readonly look: Look;
  private readonly live: LiveLines;
  private readonly now: () => number;
  private readonly ticking: NodeJS.Timeout;
  private step: Step | undefined;
  /** Said by the running step: whole lines, and the one that is not over. */
  private said: string[] = [];
  private open = "";
  private readonly pulls = new Map<string, string>();

  constructor(out: Output, look: Look, now: () => number = () => performance.now()) {
    this.out = out;
    this.look = look;
    this.now = now;
    this.live = new LiveLines(out, () => this.lines(process.stdout.columns || 80));
    this.ticking = setInterval(() => {
      if (this.step !== undefined) this.live.touch();
    }, TICK);
    this.ticking.unref();
  }

  show(line: ProgressLine): void {
    if (line.stream === undefined) this.pulled(line);
    else {
      const lines = (this.open + line.stream).split("\n");
      this.open = lines.pop()!;
      for (const text of lines) this.heard(text);
    }
    if (this.step !== undefined) this.live.touch();
  }

  sending(what: string, current: number, _total: number, over: boolean): void {
    if (over) this.out.write(`Sent ${what}: ${humanSize(current)}\n`);
  }

  end(failed: boolean): void {
    clearInterval(this.ticking);
    if (this.open !== "") this.heard(this.open);
    this.open = "";
    if (failed && this.step !== undefined) this.fail();
    else this.finish();
  }

  private pulled({ id = "", status = "", progressDetail }: ProgressLine): void {
    const { current = 0, total = 0 } = progressDetail ?? {};
    const bar = progressBar(current, total, 60);
    this.pulls.set(id, `${id === "" ? "" : `${id}: `}${status}${bar === "" ? "" : ` ${bar}`}`);
  }

  private heard(text: string): void {
    const [, number, instruction] = /^Step (\d+\/\d+) : (.*)$/.exec(text) ?? [];
    if (number !== undefined) {
      this.finish();
      this.step = { number, instruction: instruction!, began: this.now(), cached: false };
      return;
    }
    if (this.step === undefined || /^(Successfully (built|tagged) |\[Warning\] )/.test(text)) {
      this.finish();
      this.out.write(`${text}\n`);
      return;
    }
    if (text === " ---> Using cache") this.step.cached = true;
    if (/^ ---> |^Removing intermediate container |^$/.test(text)) return;
    this.said.push(text);
    if (this.said.length > KEPT) this.said.shift();
  }

  /** The step is over: its line stays, what it said goes. */
  private finish(): void {
    if (this.step === undefined) return;
    this.live.clear();
    this.step.ms = this.now() - this.step.began;
    this.out.write(`${this.stepLine(this.step, process.stdout.columns || 80)}\n`);
    this.forget();
  }

  private fail(): void {
    this.live.clear();
    const { number, instruction } = this.step!;
    this.out.write(`${tinted(this.look, "bad", `[${number}] ${instruction}`)}\n`);
    for (const line of this.said) this.out.write(`${line}\n`);
    this.forget();
  }

  private forget(): void {
    this.step = undefined;
    this.said = [];
    this.pulls.clear();
  }

  private lines(width: number): string[] {
    if (this.step === undefined) return [];
    const said = [...this.pulls.values(), ...this.said, ...(this.open === "" ? [] : [this.open])];
    const tail = said
      .slice(-TAIL)
      .map((line) =>
        tinted(this.look, "quiet", clipped(withoutEscapes(`  ${line}`.replace(/.*\r(?=.)/, "  ")), width - 1)),
      );
    return [this.stepLine(this.step, width), ...tail];
  }

  /** "[2/3] RUN make all                                3.2s" */
  private stepLine({ number, instruction, began, ms, cached }: Step, width: number): string {
    const time = cached ? "cached" : `${((ms ?? this.now() - began) / 1000).toFixed(1)}s`;
    const room = Math.max(10, Math.min(width, 120) - time.length - 2);
    const text = clipped(`[${number}] ${instruction}`, room).padEnd(room);
    const head = text.indexOf("]") + 1;
    const tone = ms === undefined ? "busy" : "good";
    return `${tinted(this.look, tone, text.slice(0, head))}${text.slice(head)} ${tinted(this.look, "quiet", time)}`;
  }
}
