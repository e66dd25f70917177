import { checksText } from "../../base/build-checks.ts";
import type { BuildEvent, BuildStep } from "../../base/build-events.ts";
import type { ProgressEvent } from "../../base/progress.ts";

const short = (id: string): string => id.replace(/^sha256:/, "").slice(0, 12);

/**
 * A build's events in the words of Docker's classic builder, which goes one step at a time: what a stage says is held
 * back until those before it in the Dockerfile are done.
 */
export class ClassicWords {
  private readonly send: (line: ProgressEvent) => void;
  private readonly removes: boolean;
  private readonly steps = new Map<string, BuildStep>();
  /** Stages whose words are still to come, in order; the first one's go out at once. */
  private readonly turns: { stage: number; held: ProgressEvent[]; over: boolean }[] = [];
  private failed = false;
  private readonly checks: Extract<BuildEvent, { kind: "warning" }>[] = [];
  /** Steps that have a container. */
  private readonly containers = new Map<string, string>();

  /** `removes`: containers of steps are said to be removed (they are, anyway). */
  constructor(send: (line: ProgressEvent) => void, { removes }: { removes: boolean }) {
    this.send = send;
    this.removes = removes;
  }

  hear(event: BuildEvent): void {
    switch (event.kind) {
      case "planned":
        this.plan(event.steps);
        break;
      case "started":
        this.begin(event.step);
        break;
      case "running":
        this.containers.set(event.step, event.container);
        this.say(event.step, ` ---> Running in ${short(event.container)}\n`);
        break;
      case "output":
        // Docker colours what comes from stderr.
        this.say(event.step, event.stream === "stderr" ? `\u001b[91m${event.text}\u001b[0m` : event.text);
        break;
      case "transfer":
        this.tell(this.steps.get(event.step)?.stage?.index, event.progress);
        break;
      case "done":
        this.done(event);
        break;
      case "failed":
        this.settle(this.steps.get(event.step)?.stage?.index);
        break;
      case "stageDone":
        if (event.image !== "") this.tell(event.stage.index, { aux: { ID: event.image } });
        this.endOf(event.stage.index);
        break;
      case "warning":
        if (event.from === "check") this.checks.push(event);
        else this.send({ stream: `${event.from === "dockerfile" ? "[WARNING]:" : "[Warning]"} ${event.message}\n` });
        break;
      case "summary":
        if (this.checks.length > 0) this.send({ stream: `${checksText(this.checks)}\n` });
        this.send({ stream: `Successfully built ${short(event.image)}\n` });
        for (const tag of event.tags) this.send({ stream: `Successfully tagged ${tag}\n` });
        break;
      default: // missed, canceled: the classic builder has no word for these
    }
  }

  private plan(steps: BuildStep[]): void {
    for (const step of steps) {
      this.steps.set(step.id, step);
      const stage = step.stage?.index;
      if (stage === undefined || this.turns.some((turn) => turn.stage === stage)) continue;
      this.turns.push({ stage, held: [], over: false });
    }
    const [first] = steps;
    if (first?.parent !== undefined) {
      this.say(first.id, `# Executing ${steps.length} build trigger${steps.length > 1 ? "s" : ""}\n`);
    }
  }

  private begin(id: string): void {
    const step = this.steps.get(id);
    if (step && step.parent === undefined) this.say(id, `Step ${step.number}/${step.total} : ${step.name}\n`);
  }

  private done({ step, cached, image }: Extract<BuildEvent, { kind: "done" }>): void {
    const { parent, stage, instruction } = this.steps.get(step) ?? {};
    if (stage === undefined) return;
    if (cached && instruction !== "FROM") this.say(step, " ---> Using cache\n");
    const container = this.containers.get(step);
    if (container !== undefined && this.removes)
      this.say(step, `Removing intermediate container ${short(container)}\n`);
    if (parent === undefined) this.say(step, ` ---> ${short(image)}\n`);
  }

  private say(step: string, stream: string): void {
    this.tell(this.steps.get(step)?.stage?.index, { stream });
  }

  private tell(stage: number | undefined, line: ProgressEvent): void {
    if (this.failed) return; // what comes after the failure comes from steps that are stopped
    const at = this.turns.findIndex((turn) => turn.stage === stage);
    if (at > 0) this.turns[at]!.held.push(line);
    else this.send(line);
  }

  /** The next stage that isn't over has the word. */
  private endOf(stage: number): void {
    const ended = this.turns.find((turn) => turn.stage === stage);
    if (ended) ended.over = true;
    while (this.turns[0]?.over) {
      this.turns.shift();
      for (const line of this.turns[0]?.held.splice(0) ?? []) this.send(line);
    }
  }

  /** Everything held back goes out, that of the stage that failed last: the error comes behind it. */
  private settle(failed: number | undefined): void {
    const isLast = (turn: { stage: number }): number => Number(turn.stage === failed);
    for (const { held } of this.turns.toSorted((a, b) => isLast(a) - isLast(b))) {
      for (const line of held) this.send(line);
    }
    this.failed = true;
  }
}
