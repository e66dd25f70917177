import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import type { Readable, Writable } from "node:stream";
import type { AttachStream, ExecSession, ExecSpec } from "../../ports/monitor.ts";
import { type CliRuntime, readIfThere } from "../oci/runtime.ts";
import { translateRuntimeError } from "../oci/translate.ts";
import { killIfThere } from "../process/handle.ts";
import type { LeanChild } from "../process/lean-child.ts";
import { spawnLean } from "../process/run.ts";

/** A descriptor that only the runtime's own process has: it closes when that ends. */
const LIFE = 3;

/** Output that children of the process still hold open after its end is given up after this, in milliseconds. */
const LINGER = 200;

/** A process without a terminal: the runtime's own exec with pipes, no monitor between, which is the quickest. */
export async function execDirectly(runtime: CliRuntime, spec: ExecSpec): Promise<ExecSession> {
  const file = path.join(spec.folder, "process.json");
  const pidFile = path.join(spec.folder, "pid");
  const log = path.join(spec.folder, "runtime.log");
  fs.writeFileSync(file, JSON.stringify(spec.process));
  const argv = [...runtime.globalArgs(), `--log=${log}`, "exec", "--process", file, "--pid-file", pidFile];
  const child = runtime.wrap(() =>
    spawnLean(runtime.program(), [...argv, spec.containerId], {
      // Never /dev/null: crun 1.8 gives the host's own to the container's user.
      input: true,
      outputs: [1, 2, LIFE],
      ...(spec.streamOwner ? { owner: spec.streamOwner } : {}),
    }),
  );
  if (!spec.stdin) child.input?.end();
  const life = child.outputs[2] as Readable;
  life.on("error", () => {});
  life.resume();
  const output = new PipeStream(child, () => readIfThere(pidFile) !== "");
  const exit = (async (): Promise<number> => {
    await once(life, "close");
    const { code } = await child.exit();
    const complaint = readIfThere(log);
    const failed = complaint !== "" && readIfThere(pidFile) === "";
    output.settle(!failed);
    await output.drained(LINGER);
    if (failed) {
      const args = (spec.process as { args?: string[] }).args ?? [];
      throw translateRuntimeError("exec", complaint, args[0] ?? "");
    }
    return code ?? 137;
  })();
  exit.catch(() => {}); // the caller awaits it later
  return {
    get pid(): number {
      return Number(readIfThere(pidFile)) || 0;
    },
    output,
    started: () => Promise.race([exit.then(() => {}), output.begun()]),
    kill: () => {
      // The runtime's own process ends with it, and tells the code.
      if (child.running) killIfThere(Number(readIfThere(pidFile)) || 0);
    },
    exit,
  };
}

/** How often is looked whether the process has started while its first words wait, in milliseconds. */
const START_POLL = 2;

/**
 * A child's three pipes as an AttachStream. Until the process has started, what is on stderr may be the runtime's own
 * complaint, which the client must not get: it waits.
 */
class PipeStream implements AttachStream {
  private readonly stdin: Writable | undefined;
  private readonly stdout: Readable;
  private readonly stderr: Readable;
  private readonly closed: Promise<void>;
  private readonly started: () => boolean;
  private early: Buffer[] | undefined = [];
  private deliver: ((stream: "stdout" | "stderr", chunk: Buffer) => void) | undefined;
  private paused = false;
  private ended = false;

  constructor(child: LeanChild, started: () => boolean) {
    [this.stdout, this.stderr] = child.outputs as [Readable, Readable];
    this.stdin = child.input;
    this.started = started;
    const both = [this.stdout, this.stderr].map(
      (stream) => new Promise((resolve) => stream.once("close", resolve).on("error", () => {})),
    );
    this.closed = Promise.all(both).then(() => {});
    this.stdin?.on("error", () => {}); // it ended without reading all
  }

  onOutput(listener: (stream: "stdout" | "stderr", chunk: Buffer) => void): void {
    this.deliver = listener;
    this.stdout.on("data", (chunk: Buffer) => listener("stdout", chunk));
    this.stderr.on("data", (chunk: Buffer) => {
      if (this.early === undefined) listener("stderr", chunk);
      else {
        this.early.push(chunk);
        this.look();
      }
    });
  }

  private look(): void {
    if (this.early === undefined || this.early.length === 0) return;
    if (this.started()) this.settle(true);
    else setTimeout(() => this.look(), START_POLL);
  }

  /** Resolves when the process runs; never when it was refused. */
  begun(): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.started()) resolve();
        else if (!this.ended) setTimeout(look, START_POLL);
      };
      look();
    });
  }

  /** The process is known to have run, or never to have. */
  settle(ran: boolean): void {
    this.ended = true;
    const waiting = this.early ?? [];
    if (ran) {
      this.early = undefined;
      for (const chunk of waiting) this.deliver?.("stderr", chunk);
    } else waiting.length = 0;
  }

  onClose(listener: () => void): void {
    void this.closed.then(listener);
  }

  write(chunk: Buffer): Promise<void> {
    return new Promise((resolve) => {
      if (!this.stdin || this.stdin.destroyed) resolve();
      else this.stdin.write(chunk, () => resolve());
    });
  }

  endInput(): void {
    this.stdin?.end();
  }

  pause(): void {
    this.paused = true;
    this.stdout.pause();
    this.stderr.pause();
  }

  resume(): void {
    this.paused = false;
    this.stdout.resume();
    this.stderr.resume();
  }

  destroy(): void {
    this.stdin?.destroy();
    this.stdout.destroy();
    this.stderr.destroy();
  }

  /** Waits for the pipes to close, at most `ms` once nothing more comes. */
  async drained(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const givenUp = new Promise<void>((resolve) => {
      const arm = (): void => {
        clearTimeout(timer);
        // A reader that holds back is no silence.
        timer = setTimeout(() => (this.paused ? arm() : resolve()), ms);
      };
      this.stdout.on("data", arm);
      this.stderr.on("data", arm);
      arm();
    });
    await Promise.race([this.closed, givenUp]);
    clearTimeout(timer);
    this.destroy();
  }
}
