import { checksText } from "../../base/build-checks.ts";
import type { BuildEvent, BuildStep } from "../../base/build-events.ts";
import { humanSize } from "../../base/units.ts";
import type { ProgressLine } from "../../wire/types/images.ts";
import type { Output } from "../terminal/output.ts";
import type { BuildScreen } from "./build-screen.ts";
import {
  type BuildEventOf,
  BuildTally,
  countsAsCached,
  excerptLines,
  heading,
  leftText,
  reasons,
  seconds,
} from "./build-words.ts";

/** A build for logs: each line begins with the step it belongs to, since steps of several stages come side by side. */
export class BuildLines implements BuildScreen {
  private readonly out: Output;
  private readonly steps = new Map<string, BuildStep>();
  /** What a step said of a line that is not over. */
  private readonly open = new Map<string, string>();
  private readonly checks: BuildEventOf<"warning">[] = [];
  private readonly tally = new BuildTally();
  private failure: BuildEventOf<"failed"> | undefined;

  constructor(out: Output) {
    this.out = out;
  }

  show({ build, stream }: ProgressLine): void {
    if (build !== undefined) this.hear(build);
    else if (stream !== undefined) this.out.write(stream);
  }

  sending(what: string, current: number, _total: number, over: boolean): void {
    if (over) this.out.write(`Sent ${what}: ${humanSize(current)}\n`);
  }

  end(): void {
    for (const step of this.open.keys()) this.closeLine(step);
    const excerpt = this.failure ? excerptLines(this.failure) : [];
    if (excerpt.length > 0) this.out.write(`${excerpt.join("\n")}\n`);
  }

  private hear(event: BuildEvent): void {
    switch (event.kind) {
      case "planned":
        for (const step of event.steps) this.steps.set(step.id, step);
        break;
      case "started":
        this.say(event.step, this.heading(event.step));
        break;
      case "missed":
        if (event.why) for (const line of reasons(event.why)) this.say(event.step, line);
        break;
      case "output":
        this.output(event.step, event.text);
        break;
      case "transfer": {
        const { id, status = "", progressDetail } = event.progress;
        const { current = 0, total = 0 } = progressDetail ?? {};
        if (current === 0 && total === 0) this.say(event.step, `${id ? `${id}: ` : ""}${status}`);
        break;
      }
      case "done": {
        const step = this.steps.get(event.step);
        this.closeLine(event.step);
        this.say(event.step, ending(event, step));
        if (step && !(event.cached && countsAsCached(step))) this.tally.add(step, event);
        break;
      }
      case "failed":
        this.failure = event;
        this.closeLine(event.step);
        this.say(event.step, `FAILED ${seconds(event.ms)}`);
        break;
      case "canceled":
        this.closeLine(event.step);
        this.say(event.step, `CANCELED ${seconds(event.ms)}`);
        break;
      case "warning":
        if (event.from === "check") this.checks.push(event);
        else this.out.write(`WARNING: ${event.line === undefined ? "" : `line ${event.line}: `}${event.message}\n`);
        break;
      case "shell":
        this.closeLine(event.step);
        this.say(event.step, leftText(event.code));
        break;
      case "summary":
        this.out.write(checksText(this.checks));
        for (const line of this.tally.lines(event, event.image)) this.out.write(`${line}\n`);
        break;
      default: // running, stageDone: nothing that a reader needs
    }
  }

  private heading(id: string): string {
    const step = this.steps.get(id);
    return step === undefined ? id : heading(step);
  }

  private say(step: string, text: string): void {
    this.out.write(`#${step} ${text}\n`);
  }

  private output(step: string, text: string): void {
    const lines = ((this.open.get(step) ?? "") + text).split("\n");
    this.open.set(step, lines.pop()!);
    for (const line of lines) this.say(step, line);
  }

  private closeLine(step: string): void {
    const text = this.open.get(step);
    this.open.delete(step);
    if (text) this.say(step, text);
  }
}

function ending({ cached, shared, ms, bytes }: BuildEventOf<"done">, step?: BuildStep): string {
  const size = bytes === undefined || bytes === 0 ? "" : `, ${humanSize(bytes)}`;
  if (cached && countsAsCached(step)) return `CACHED${size}`;
  return `DONE ${seconds(ms)}${size}${shared ? ", by another build or stage" : ""}`;
}
