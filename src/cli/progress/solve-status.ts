import { createHash } from "node:crypto";
import type { BuildStep } from "../../base/build-events.ts";
import type { ProgressLine } from "../../wire/types/images.ts";
import type { Output } from "../terminal/output.ts";
import type { BuildScreen } from "./build-screen.ts";
import { heading } from "./build-words.ts";

interface Vertex {
  digest: string;
  name: string;
  started?: string;
  completed?: string;
  cached?: boolean;
  error?: string;
}

const STREAMS = { stdout: 1, stderr: 2 } as const;

/** `--progress rawjson`: BuildKit's SolveStatus, a JSON object a line, for programs that know it. A step is a vertex. */
export class SolveStatus implements BuildScreen {
  private readonly out: Output;
  private readonly now: () => number;
  private readonly steps = new Map<string, BuildStep>();
  private readonly started = new Map<string, string>();

  constructor(out: Output, now: () => number = () => Date.now()) {
    this.out = out;
    this.now = now;
  }

  sending(): void {}
  end(): void {}

  show({ build: event }: ProgressLine): void {
    switch (event?.kind) {
      case "planned":
        for (const step of event.steps) this.steps.set(step.id, step);
        this.say({ vertexes: event.steps.map((step) => this.vertex(step.id)) });
        break;
      case "started":
        this.started.set(event.step, event.at);
        this.say({ vertexes: [this.vertex(event.step)] });
        break;
      case "output": {
        const data = Buffer.from(event.text).toString("base64");
        this.say({ logs: [{ ...this.at(event.step), stream: STREAMS[event.stream], data, timestamp: this.stamp() }] });
        break;
      }
      case "transfer": {
        const { id = "", status: name = "", progressDetail } = event.progress;
        const { current = 0, total = 0 } = progressDetail ?? {};
        this.say({ statuses: [{ id, ...this.at(event.step), name, current, total, timestamp: this.stamp() }] });
        break;
      }
      case "done":
        this.over(event.step, event.cached ? { cached: true } : {});
        break;
      case "failed":
        this.over(event.step, { error: event.message });
        break;
      case "canceled":
        this.over(event.step, { error: "context canceled" });
        break;
      case "warning": {
        const short = Buffer.from(event.message).toString("base64");
        this.say({ warnings: [{ ...this.at(event.step ?? ""), level: 1, short }] });
        break;
      }
      default: // the rest has no place there
    }
  }

  private over(id: string, end: Pick<Vertex, "cached" | "error">): void {
    this.say({ vertexes: [{ ...this.vertex(id), completed: this.stamp(), ...end }] });
  }

  private vertex(id: string): Vertex {
    const step = this.steps.get(id);
    const started = this.started.get(id);
    return { digest: digestOf(id), name: step ? heading(step) : id, ...(started === undefined ? {} : { started }) };
  }

  private at(id: string): { vertex: string } {
    return { vertex: digestOf(id) };
  }

  private stamp(): string {
    return new Date(this.now()).toISOString();
  }

  private say(status: object): void {
    this.out.write(`${JSON.stringify(status)}\n`);
  }
}

/** A step's id in the shape that readers expect. */
const digestOf = (id: string): string => `sha256:${createHash("sha256").update(id).digest("hex")}`;
