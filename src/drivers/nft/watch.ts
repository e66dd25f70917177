import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../ports/logger.ts";
import { type Change, type Generation, Generations } from "./generations.ts";

/** Changes come in bunches: the first waits this long for others. */
const GATHER = 20;
/** So many times as long as a look takes nothing is done after it, within these bounds. */
const REST = { factor: 10, least: 250, most: 800 };
/** The old iptables tells nobody of its changes. */
const LOOK_AGAIN = 1000;

export interface WatchDeps {
  /** Is it worth a look? */
  matters: (change: Change) => boolean;
  /** Something else than our own commits changed the rules; `by` names the programs and their pids, where known. */
  changed: (by: string) => void;
  /** Did what no generation tells of change? Cheap. */
  alsoChanged: () => boolean;
  logger: Logger;
}

/** Tells of changes that others make to the rules. */
export class Watch {
  private readonly deps: WatchDeps;
  private generations: Generations | undefined;
  private readonly ours = new Set<number>();
  private readonly by = new Set<string>();
  private pending: NodeJS.Timeout | undefined;
  private looking: NodeJS.Timeout | undefined;
  private restUntil = 0;
  private failing = false;

  constructor(deps: WatchDeps) {
    this.deps = deps;
  }

  start(): void {
    if (this.generations) return;
    this.generations = new Generations();
    this.generations.listen(this.deps.matters, (generation, matters) => this.heard(generation, matters));
    this.looking = setInterval(() => {
      if (this.pending === undefined && this.deps.alsoChanged()) this.schedule();
    }, LOOK_AGAIN).unref();
    // what happened before is looked at once
    this.schedule();
  }

  stop(): void {
    clearTimeout(this.pending);
    clearInterval(this.looking);
    this.generations?.close();
    this.generations = undefined;
  }

  /** Runs a commit of our own. */
  own<T>(commit: () => T): T {
    const before = this.generations?.latest();
    const result = commit();
    const after = this.generations?.latest();
    // when another one came in between it is not known which is which: looking once too often does no harm
    if (before !== undefined && after === before + 1) this.ours.add(after);
    return result;
  }

  private heard(generation: Generation | undefined, matters: boolean): void {
    if (generation === undefined) this.ours.clear();
    else if (this.ours.delete(generation.id) || !matters) return;
    else this.by.add(`${generation.name} (pid ${generation.pid})`);
    this.schedule();
  }

  private schedule(): void {
    if (this.pending !== undefined) return;
    const wait = Math.max(GATHER, this.restUntil - performance.now());
    this.pending = setTimeout(() => this.look(), wait).unref();
  }

  private look(): void {
    this.pending = undefined;
    const began = performance.now();
    const by = [...this.by].join(", ");
    this.by.clear();
    try {
      this.deps.changed(by);
      this.failing = false;
    } catch (error) {
      // tried again and again, told once
      if (!this.failing)
        this.deps.logger.error("the firewall's rules were not put right", { by, error: messageOf(error) });
      this.failing = true;
    }
    const now = performance.now();
    this.restUntil = now + Math.min(REST.most, Math.max(REST.least, REST.factor * (now - began)));
    if (this.failing) this.schedule();
  }
}
