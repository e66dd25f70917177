import { checksText } from "../../base/build-checks.ts";
import type { BuildEvent, BuildStep, InputChange, Miss } from "../../base/build-events.ts";
import { humanSize } from "../../base/units.ts";
import type { ProgressLine } from "../../wire/types/images.ts";
import type { Output } from "../terminal/output.ts";
import type { Screen } from "./show.ts";

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)}s`;

/** A build for logs: each line begins with the step it belongs to, since steps of several stages come side by side. */
export class BuildLines implements Screen {
  private readonly out: Output;
  private readonly steps = new Map<string, BuildStep>();
  /** What a step said of a line that is not over. */
  private readonly open = new Map<string, string>();
  private readonly checks: Extract<BuildEvent, { kind: "warning" }>[] = [];

  constructor(out: Output) {
    this.out = out;
  }

  show({ build, stream }: ProgressLine): void {
    if (build !== undefined) this.hear(build);
    else if (stream !== undefined) this.out.write(stream);
  }

  end(): void {
    for (const step of this.open.keys()) this.closeLine(step);
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
      case "done":
        this.closeLine(event.step);
        this.say(event.step, ending(event, this.steps.get(event.step)));
        break;
      case "failed":
        this.closeLine(event.step);
        this.say(event.step, `FAILED ${seconds(event.ms)}: ${this.heading(event.step)}, line ${this.line(event.step)}`);
        break;
      case "canceled":
        this.closeLine(event.step);
        this.say(event.step, `CANCELED ${seconds(event.ms)}`);
        break;
      case "warning":
        if (event.from === "check") this.checks.push(event);
        else this.out.write(`WARNING: ${event.line === undefined ? "" : `line ${event.line}: `}${event.message}\n`);
        break;
      case "summary":
        this.out.write(checksText(this.checks));
        this.out.write(
          `Built ${event.image} in ${seconds(event.ms)}, ${event.cached} of ${event.steps} steps from the cache\n`,
        );
        for (const tag of event.tags) this.out.write(`Tagged ${tag}\n`);
        break;
      default: // running, stageDone: nothing that a reader needs
    }
  }

  /** "[build 5/9] RUN make" */
  private heading(id: string): string {
    const step = this.steps.get(id);
    if (step === undefined) return id;
    const { stage, number, total, name } = step;
    const where = stage === undefined ? "" : `${stage.name ?? `stage-${stage.index}`} `;
    return `[${where}${number}/${total}] ${name}`;
  }

  private line(id: string): number {
    return this.steps.get(id)?.line ?? 0;
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

function ending({ cached, shared, ms, bytes }: Extract<BuildEvent, { kind: "done" }>, step?: BuildStep): string {
  const size = bytes === undefined || bytes === 0 ? "" : `, ${humanSize(bytes)}`;
  if (cached && step?.instruction !== "FROM" && step?.stage !== undefined) return `CACHED${size}`;
  return `DONE ${seconds(ms)}${size}${shared ? ", by another build or stage" : ""}`;
}

function reasons(why: Miss): string[] {
  switch (why.reason) {
    case "new":
      return ["not cached: no step like this was built before"];
    case "lost":
      return ["not cached: its layer is gone"];
    case "disabled":
      return ["not cached: --no-cache"];
    case "follows":
      return [`not cached: follows step ${why.step}, which was not cached`, ...why.changes.map(changeText)];
    case "changed":
      return why.changes.map((change) => `not cached: ${changeText(change)}`);
  }
}

function changeText({ what, was, is }: InputChange): string {
  if (was === undefined && is === undefined) return `${what} changed`;
  if (was === undefined) return `${what} is new`;
  if (is === undefined) return `${what} is gone`;
  return what.startsWith("file ") || what === "content" ? `${what} changed` : `${what} was ${was}, is ${is}`;
}
