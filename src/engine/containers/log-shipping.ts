import { setImmediate } from "node:timers/promises";
import { GantryError, messageOf } from "../../base/errors.ts";
import { type Delivery, deliveryOf } from "../../base/logging/delivery.ts";
import { type LogOptions, sendsLogs } from "../../base/logging/options.ts";
import type { LogSubject } from "../../base/logging/subject.ts";
import type { ContainerLogs, LogMark } from "../../ports/container-logs.ts";
import type { LogMessage, LogSender, LogShippers } from "../../ports/log-shipper.ts";
import type { ContainerDeps } from "./deps.ts";
import { LogAssembler } from "./log-assembler.ts";
import type { ContainerEntry } from "./registry.ts";

/** Bytes of lines, and lines, that are sent at a time; after a kill of the engine so many may come twice. */
const BATCH = 64 * 1024;
const BATCH_LINES = 250;
const LONGEST_WAIT = 10_000;
/** How long a removal waits for the rest of the log, while the receiver takes it. */
const FAREWELL = 10_000;
/** How long an engine that ends waits for the batches on their way. */
const LAST_BATCH = 2000;

export interface LogShippingDeps extends Pick<ContainerDeps, "files" | "clock" | "ids" | "logger"> {
  logs: ContainerLogs;
  shippers: LogShippers;
}

/** One container's log on its way. */
interface Job {
  entry: ContainerEntry;
  path: string;
  driver: string;
  options: LogOptions;
  subject: LogSubject;
  delivery: Delivery;
  sender: LogSender | undefined;
  stop: AbortController;
  /** The container is down: what is there is all. */
  ended: boolean;
  onEnd: Set<() => void>;
  /** The receiver did not take the last batch. */
  stuck: boolean;
  onStuck: Set<() => void>;
  done: Promise<void>;
}

/**
 * Sends logs to where their drivers say. The monitor's file is the buffer: a receiver that is gone holds nobody up, and
 * an engine that was killed goes on from the mark beside the file.
 */
export class LogShipping {
  private readonly deps: LogShippingDeps;
  private readonly jobs = new Map<string, Job>();
  private readonly connected = new Map<string, LogSender>();

  constructor(deps: LogShippingDeps) {
    this.deps = deps;
  }

  /** Before a start: a receiver that is not there is an error now. Throws what the driver throws. */
  async connect(entry: ContainerEntry): Promise<void> {
    const plan = planOf(entry);
    this.disconnect(entry);
    if (!plan || plan.delivery.async) return;
    this.connected.set(entry.id, await this.deps.shippers.connect(plan.driver, plan.options, plan.subject));
  }

  /** The start came to nothing. */
  disconnect(entry: ContainerEntry): void {
    this.connected.get(entry.id)?.close();
    this.connected.delete(entry.id);
  }

  /** Sends on from the mark, until all is sent that is there once the container is down. Repeatable. */
  begin(entry: ContainerEntry, state: { ended: boolean }): void {
    const plan = planOf(entry);
    if (!plan) return;
    const running = this.jobs.get(entry.id);
    if (running && !running.ended && !this.connected.has(entry.id)) return;
    this.forget(entry);
    const job: Job = {
      ...plan,
      entry,
      path: this.deps.files.paths(entry.id).log,
      sender: this.connected.get(entry.id),
      stop: new AbortController(),
      ended: state.ended,
      onEnd: new Set(),
      stuck: false,
      onStuck: new Set(),
      done: Promise.resolve(),
    };
    this.connected.delete(entry.id);
    this.jobs.set(entry.id, job);
    job.done = this.run(job)
      .catch((error: unknown) => {
        this.deps.logger.error("sending a log", { container: entry.id, error: messageOf(error) });
      })
      .finally(() => {
        job.sender?.close();
        if (this.jobs.get(entry.id) === job) this.jobs.delete(entry.id);
      });
  }

  /** The container is down; the rest of its log is still sent. */
  ended(entry: ContainerEntry): void {
    const job = this.jobs.get(entry.id);
    if (!job) return;
    job.ended = true;
    for (const wake of job.onEnd) wake();
  }

  /** Before a removal: waits for the rest while the receiver takes it, then stops. */
  async finish(entry: ContainerEntry): Promise<void> {
    this.disconnect(entry);
    const job = this.jobs.get(entry.id);
    if (!job) return;
    this.ended(entry);
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        cancel();
        job.onStuck.delete(settle);
        resolve();
      };
      const cancel = this.deps.clock.after(FAREWELL, settle);
      void job.done.then(settle);
      if (job.stuck) settle();
      else job.onStuck.add(settle);
    });
    this.forget(entry);
  }

  /** Sends nothing new; what is on its way is waited for, so that it does not come again. */
  async close(): Promise<void> {
    const jobs = [...this.jobs.values()];
    for (const job of jobs) job.stop.abort();
    await new Promise<void>((resolve) => {
      const cancel = this.deps.clock.after(LAST_BATCH, resolve);
      void Promise.all(jobs.map((job) => job.done)).then(() => {
        cancel();
        resolve();
      });
    });
    for (const job of jobs) this.forget(job.entry);
  }

  private forget(entry: ContainerEntry): void {
    const job = this.jobs.get(entry.id);
    job?.stop.abort();
    job?.sender?.close();
    this.jobs.delete(entry.id);
  }

  private async run(job: Job): Promise<void> {
    const { logs, ids } = this.deps;
    const from = logs.mark(job.path);
    const assembler = new LogAssembler(from, () => ids.id());
    const { signal } = job.stop;
    const entries = logs.readOn(job.path, from?.place, {
      signal,
      ended: () => job.ended,
      onEnd: (wake) => {
        job.onEnd.add(wake);
        return () => job.onEnd.delete(wake);
      },
    });
    for await (const batch of entries) {
      let messages: LogMessage[] = [];
      let size = 0;
      for (const [index, entry] of batch.entries()) {
        const made = assembler.push(entry);
        messages.push(...made);
        size += entry.data.length;
        if (size < BATCH && messages.length < BATCH_LINES && index < batch.length - 1) continue;
        await this.deliver(job, messages, assembler.mark());
        if (signal.aborted) return;
        await setImmediate(); // a socket that takes all at once would keep others waiting
        messages = [];
        size = 0;
      }
    }
    if (signal.aborted) return;
    await this.deliver(job, assembler.end(), assembler.mark());
  }

  /** Until it is sent, given up by the driver's options, or the job is stopped. Only then the mark moves. */
  private async deliver(job: Job, messages: LogMessage[], mark: LogMark | undefined): Promise<void> {
    const over = messages.length === 0 ? !job.stop.signal.aborted : await this.send(job, messages);
    if (mark && over) this.deps.logs.setMark(job.path, mark);
  }

  /** False: the job was stopped before they were sent. */
  private async send(job: Job, messages: LogMessage[]): Promise<boolean> {
    let wait = job.delivery.firstWait;
    for (let tries = 0; !job.stop.signal.aborted; tries++) {
      try {
        job.sender ??= await this.deps.shippers.connect(job.driver, job.options, job.subject);
        await job.sender.send(messages);
        if (job.stuck) this.deps.logger.info("a log is sent again", { container: job.entry.id, driver: job.driver });
        job.stuck = false;
        return true;
      } catch (error) {
        job.sender?.close();
        job.sender = undefined;
        if (job.stop.signal.aborted) return false;
        this.reportStuck(job, error);
        if (tries >= job.delivery.retries) {
          this.deps.logger.warn("gave up sending lines of a log", { container: job.entry.id, lines: messages.length });
          return true;
        }
      }
      await this.pause(wait, job.stop.signal);
      wait = Math.min(wait * 2, LONGEST_WAIT);
    }
    return false;
  }

  private reportStuck(job: Job, error: unknown): void {
    if (job.stuck) return;
    job.stuck = true;
    const { driver } = job;
    this.deps.logger.warn(
      "a log can't be sent; it is tried again, and kept meanwhile as far as the log's files reach",
      {
        container: job.entry.id,
        driver,
        error: messageOf(error),
      },
    );
    for (const tell of job.onStuck) tell();
  }

  private pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        signal.removeEventListener("abort", done);
        resolve();
      };
      const cancel = this.deps.clock.after(ms, done);
      signal.addEventListener("abort", done, { once: true });
    });
  }
}

/** undefined: a driver that sends nothing, or a container that never ran. */
function planOf(entry: ContainerEntry): Pick<Job, "driver" | "options" | "subject" | "delivery"> | undefined {
  const { Type: driver = "", Config: options = {} } = entry.record.hostConfig.LogConfig ?? {};
  const { logSubject: subject } = entry.record;
  if (!sendsLogs(driver) || !subject) return undefined;
  return { driver, options, subject, delivery: deliveryOf(driver, options) };
}

/** A log driver's refusal as Docker words it at a start. */
export function explainLogError(error: unknown): GantryError {
  const message = messageOf(error);
  const kind = error instanceof GantryError ? error.kind : "internal";
  const hint = error instanceof GantryError ? error.hint : undefined;
  return new GantryError(
    kind === "invalid" ? "internal" : kind,
    "LOG_DRIVER_FAILED",
    `failed to create task for container: failed to initialize logging driver: ${message}`,
    {
      ...(hint === undefined ? {} : { hint }),
      details: { exitCode: message.includes("no such file or directory") ? 127 : 128 },
      cause: error,
    },
  );
}
