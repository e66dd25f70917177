import { checksText } from "../../base/build-checks.ts";
import type { BuildEvent, BuildStep } from "../../base/build-events.ts";
import { humanSize } from "../../base/units.ts";
import type { ProgressLine } from "../../wire/types/images.ts";
import { LiveLines } from "../terminal/live-lines.ts";
import { clipped, columnsOf, type Look, tinted } from "../terminal/look.ts";
import type { Output } from "../terminal/output.ts";
import { RunningStep } from "./running-step.ts";
import type { BuildScreen } from "./build-screen.ts";
import {
  type BuildEventOf,
  BuildTally,
  countsAsCached,
  excerptLines,
  heading,
  leftText,
  placeOf,
  reasons,
  seconds,
} from "./build-words.ts";
import { progressBar } from "./transfers.ts";

const TICK = 200;
/** No line is longer, however wide the terminal is: its time would stand too far away. */
const WIDEST = 120;
/** Lines of output below a step that runs. */
const TAIL = 6;

type Tone = Parameters<typeof tinted>[1];

/**
 * A build on a terminal. What is over stands above for good, a line a step, cached ones together; what runs stands below with
 * its time and its last words and is drawn over.
 */
export class BuildBoard implements BuildScreen {
  private readonly out: Output;
  private readonly look: Look;
  private readonly now: () => number;
  private readonly live: LiveLines;
  private readonly ticking: NodeJS.Timeout;
  private readonly began: number;
  private readonly steps = new Map<string, BuildStep>();
  private readonly running = new Map<string, RunningStep>();
  /** Cached steps that follow one another, by stage. */
  private readonly cached = new Map<number | undefined, BuildStep[]>();
  private readonly sent = new Map<string, { current: number; total: number }>();
  private readonly checks: BuildEventOf<"warning">[] = [];
  private readonly tally = new BuildTally();
  private counts = { over: 0, cached: 0 };
  /** To a shell: what other steps still say is not drawn over it. */
  private gaveWay = false;
  private failure: { event: BuildEventOf<"failed">; step: RunningStep } | undefined;

  constructor(out: Output, look: Look, now: () => number = () => performance.now()) {
    this.out = out;
    this.look = look;
    this.now = now;
    this.began = now();
    this.live = new LiveLines(out, () => this.lines());
    this.ticking = setInterval(() => this.live.touch(), TICK);
    this.ticking.unref();
  }

  show({ build, stream }: ProgressLine): void {
    if (build !== undefined) this.hear(build);
    else if (stream !== undefined) this.print(stream.trimEnd());
    if (!this.gaveWay) this.live.touch();
  }

  sending(what: string, current: number, total: number, over: boolean): void {
    if (over) {
      this.sent.delete(what);
      if (current > 0) this.keep("good", what, humanSize(current));
    } else this.sent.set(what, { current, total });
    this.live.touch();
  }

  end(failed: boolean): void {
    if (failed) for (const { step } of this.running.values()) this.keep("quiet", heading(step), "canceled");
    this.settle();
    if (!failed || this.failure === undefined) return;
    const { event, step } = this.failure;
    if (!this.gaveWay) this.showFailed(step, event.ms);
    const excerpt = excerptLines(event);
    if (excerpt.length > 0) this.out.write(`\n${excerpt.join("\n")}\n`);
  }

  /** Nothing is drawn over any more. */
  private settle(): void {
    clearInterval(this.ticking);
    for (const stage of this.cached.keys()) this.keepCached(stage);
    this.live.clear();
  }

  private showFailed(step: RunningStep, ms: number): void {
    this.out.write(`${this.lineOf("bad", heading(step.step), `failed ${seconds(ms)}`)}\n${step.output.whole()}`);
  }

  /** The terminal is somebody else's from here on. */
  private giveWay({ step: id, code }: BuildEventOf<"shell">): void {
    const step = this.running.get(id);
    this.settle();
    this.gaveWay = true;
    if (step) this.showFailed(step, this.now() - step.began);
    this.out.write(`${leftText(code)}\n`);
  }

  private hear(event: BuildEvent): void {
    switch (event.kind) {
      case "planned":
        for (const step of event.steps) this.steps.set(step.id, step);
        break;
      case "started": {
        const step = this.steps.get(event.step);
        if (step) this.running.set(event.step, new RunningStep(step, this.now()));
        break;
      }
      case "missed":
        if (event.why) this.running.get(event.step)?.why.push(...reasons(event.why));
        break;
      case "output":
        this.running.get(event.step)?.output.push(event.text);
        break;
      case "transfer":
        this.running.get(event.step)?.transfers.hear(event.progress);
        break;
      case "shell":
        this.giveWay(event);
        break;
      case "done":
        this.done(event);
        break;
      case "failed": {
        const step = this.over(event.step);
        if (step) this.failure = { event, step };
        break;
      }
      case "canceled": {
        const step = this.over(event.step);
        if (step) this.keep("quiet", heading(step.step), "canceled");
        break;
      }
      case "stageDone":
        this.keepCached(event.stage.index);
        break;
      case "warning":
        if (event.from === "check") this.checks.push(event);
        else this.print(`WARNING: ${event.line === undefined ? "" : `line ${event.line}: `}${event.message}`);
        break;
      case "summary": {
        const checks = checksText(this.checks).trimEnd();
        if (checks !== "") this.print(checks);
        for (const line of this.tally.lines(event, event.image.replace("sha256:", "").slice(0, 12)))
          this.print(clipped(line, width() - 1));
        break;
      }
      default: // running: nothing that a reader needs
    }
  }

  private over(id: string): RunningStep | undefined {
    const step = this.running.get(id);
    this.running.delete(id);
    return step;
  }

  private done(event: BuildEventOf<"done">): void {
    const running = this.over(event.step);
    if (running === undefined) return;
    const { step, why, transfers } = running;
    this.counts.over += 1;
    const stage = step.stage?.index;
    if (event.cached && transfers.empty) {
      this.counts.cached += 1;
      this.cached.set(stage, [...(this.cached.get(stage) ?? []), step]);
      return;
    }
    this.keepCached(stage);
    this.tally.add(step, event);
    const size = event.bytes ? `  ${humanSize(event.bytes)}` : "";
    this.keep("good", heading(step), `${seconds(event.ms)}${event.shared ? " shared" : ""}`, size);
    for (const line of why) this.print(tinted(this.look, "quiet", `  ${line}`));
  }

  /** Cached steps of a stage stand in one line. */
  private keepCached(stage: number | undefined): void {
    const steps = this.cached.get(stage) ?? [];
    this.cached.delete(stage);
    const [first] = steps;
    const last = steps.at(-1);
    if (first === undefined || last === undefined) return;
    const many = steps.length > 1;
    const text = many ? `[${placeOf(first, last.number)}] ${steps.length} steps` : heading(first);
    this.keep("good", text, many || countsAsCached(first) ? "cached" : "");
  }

  private print(line: string): void {
    if (!this.gaveWay) this.live.print(line);
  }

  private keep(tone: Tone, text: string, time: string, size = ""): void {
    this.print(this.lineOf(tone, text, time, size));
  }

  /** "[build 2/3] RUN make all                18kB  3.2s" */
  private lineOf(tone: Tone, text: string, time: string, size = ""): string {
    const end = `${size}  ${time}`;
    const room = Math.max(10, Math.min(width() - 1, WIDEST) - end.length);
    const shown = clipped(text, room);
    const head = shown.startsWith("[") ? shown.indexOf("]") + 1 : shown.length;
    const gap = " ".repeat(Math.max(0, room - columnsOf(shown)));
    return `${tinted(this.look, tone, shown.slice(0, head))}${shown.slice(head)}${gap}${tinted(this.look, "quiet", end)}`;
  }

  /** What runs, in as many lines as the terminal has. */
  private lines(): string[] {
    const now = this.now();
    const total = this.steps.size;
    const { over, cached } = this.counts;
    const head = `Building: ${over} of ${total} steps${cached > 0 ? `, ${cached} cached` : ""}`;
    const sent = [...this.sent].map(
      ([what, { current, total }]) => `${what} ${progressBar(current, total, width() - what.length - 2)}`,
    );
    const lines = [this.lineOf("busy", head, seconds(now - this.began)), ...sent];
    const room = Math.max(1, (process.stdout.rows || 24) - 1 - lines.length);
    const steps = [...this.running.values()];
    const shown = steps.length > room ? steps.slice(0, room - 1) : steps;
    const tail = Math.min(TAIL, Math.floor((room - shown.length) / Math.max(1, shown.length)));
    for (const step of shown) {
      lines.push(this.lineOf("busy", heading(step.step), seconds(now - step.began)));
      for (const line of step.lines(tail, width() - 3)) {
        lines.push(tinted(this.look, "quiet", `  ${clipped(line, width() - 3)}`));
      }
    }
    if (shown.length < steps.length) lines.push(`… and ${steps.length - shown.length} more steps`);
    return lines;
  }
}

const width = (): number => process.stdout.columns || 80;
