import type { InputChange, Miss } from "../base/build-events.ts";
import type { BuildCache } from "./cache.ts";
import { shortId } from "./stage-state.ts";
import type { StepRecord } from "./step-record.ts";

/** What is said of one step's inputs. */
const MOST_CHANGES = 20;
/** Letters of a value: a script of a page helps nobody. */
const MOST_LETTERS = 100;

/** Says why steps are not in the cache, by what was there for the same step of an earlier build. */
export class Misses {
  private readonly cache: BuildCache;
  private known: StepRecord[] | undefined;

  constructor(cache: BuildCache) {
    this.cache = cache;
  }

  explain(key: string, step: StepRecord, facts: { useCache: boolean; missed?: string }): Miss {
    if (!facts.useCache) return { reason: "disabled" };
    if (this.cache.isLost(key)) return { reason: "lost" };
    // As it was when the build began: its own steps explain nothing.
    this.known ??= this.cache.records().map(([, record]) => record);
    const before = nearest(this.known, step);
    const changes = before === undefined ? [] : changesOf(before, step);
    if (facts.missed !== undefined) return { reason: "follows", step: facts.missed, changes };
    if (before !== undefined && changes.length === 0) changes.push({ what: "the steps before it" });
    return changes.length === 0 ? { reason: "new" } : { reason: "changed", changes };
  }
}

/** The same instruction, else the one at the same place of the stage; of several the one that has most in common. */
function nearest(known: readonly StepRecord[], step: StepRecord): StepRecord | undefined {
  const score = (one: StepRecord): number => {
    const word = (text: string): string => text.split(/\s/, 1)[0]!.toUpperCase();
    const sameText = one.text === step.text;
    const samePlace = one.position === step.position && word(one.text) === word(step.text);
    if (one.stage !== step.stage || !(sameText || samePlace)) return 0;
    return (
      (sameText ? 4 : 0) +
      (one.base === step.base ? 3 : 0) +
      (one.from[0] === step.from[0] ? 1 : 0) +
      (samePlace ? 1 : 0)
    );
  };
  const when = (one: StepRecord): string => one.lastUsed ?? one.created;
  let best: { record: StepRecord; score: number } | undefined;
  for (const record of known) {
    const found = score(record);
    if (found === 0 || found < (best?.score ?? 0)) continue;
    if (best === undefined || found > best.score || when(record) > when(best.record)) best = { record, score: found };
  }
  return best?.record;
}

function changesOf(before: StepRecord, now: StepRecord): InputChange[] {
  const changes: InputChange[] = [];
  if (before.from[0] !== now.from[0]) changes.push({ what: "base", was: before.from[0], is: now.from[0] });
  else if (before.from[1] !== now.from[1]) {
    changes.push({ what: `base ${now.from[0]}`, was: shortId(before.from[1]), is: shortId(now.from[1]) });
  }
  const was = new Map(before.inputs);
  const is = new Map(now.inputs);
  for (const [what, value] of is) {
    const old = was.get(what);
    if (old === undefined) changes.push({ what, is: clipped(value) });
    else if (old !== value) changes.push({ what, was: clipped(old), is: clipped(value) });
  }
  for (const [what, value] of was) if (!is.has(what)) changes.push({ what, was: clipped(value) });
  return changes.slice(0, MOST_CHANGES);
}

const clipped = (value: string): string => (value.length <= MOST_LETTERS ? value : `${value.slice(0, MOST_LETTERS)}…`);
