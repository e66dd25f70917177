import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../ports/logger.ts";
import { type Generation, Generations } from "./generations.ts";

/** Changes come in bunches: the first waits this long for others, and the next look is no sooner than that. */
const GATHER = 20;
const REST = 250;
/** The old iptables tells nobody of its changes. */
const LOOK_AGAIN = 1000;

export interface WatchDeps {
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
  private lastLook = 0;

  constructor(deps: WatchDeps) {
    this.deps = deps;
  }

  start(): void {
    if (this.generations) return;
    this.generations = new Generations();
    this.generations.listen((generation) => this.heard(generation));
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

  private heard(generation: Generation | undefined): void {
    if (generation === undefined) this.ours.clear();
    else if (this.ours.delete(generation.id)) return;
    else this.by.add(`${generation.name} (pid ${generation.pid})`);
    this.schedule();
  }

  private schedule(): void {
    if (this.pending !== undefined) return;
    const wait = Math.max(GATHER, this.lastLook + REST - performance.now());
    this.pending = setTimeout(() => this.look(), wait).unref();
  }

  private look(): void {
    this.pending = undefined;
    this.lastLook = performance.now();
    const by = [...this.by].join(", ");
    this.by.clear();
    try {
      this.deps.changed(by);
    } catch (error) {
      this.deps.logger.error("the firewall's rules were not put right", { by, error: messageOf(error) });
      this.schedule();
    }
  }
}
