import type { BuildEvent, BuildStep, InputChange, Miss } from "../../base/build-events.ts";
import { humanSize } from "../../base/units.ts";

export type BuildEventOf<K extends BuildEvent["kind"]> = Extract<BuildEvent, { kind: K }>;

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)}s`;

/** "build 5/9", for several "build 2-5/9" */
export function placeOf({ stage, number, total }: BuildStep, last = number): string {
  const where = stage === undefined ? "" : `${stage.name ?? `stage-${stage.index}`} `;
  return `${where}${number}${last === number ? "" : `-${last}`}/${total}`;
}

/** "[build 5/9] RUN make" */
export const heading = (step: BuildStep): string => `[${placeOf(step)}] ${step.name}`;

/** FROM is always at hand once it is pulled, and an ARG before it has nothing that could be cached. */
export const countsAsCached = (step: BuildStep | undefined): boolean =>
  step?.instruction !== "FROM" && step?.stage !== undefined;

/** Why a step was not in the cache, a line for each reason. */
export function reasons(why: Miss): string[] {
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

/** Before a shell is opened in a step that failed. */
export const leftText = (code: number): string =>
  `exit code ${code}: this is what it left; the build ends with this shell`;

/** Where in the Dockerfile it failed. */
export const excerptLines = ({ source }: BuildEventOf<"failed">): string[] =>
  source === undefined ? [] : [`${source.file}:${source.line}`, ...source.excerpt];

const SLOW = 1000;
const SLOWEST = 3;

/** Keeps of a build what its summary says. */
export class BuildTally {
  private readonly slow: { step: BuildStep; ms: number; bytes: number }[] = [];

  /** A step that was really done. */
  add(step: BuildStep, { ms, bytes = 0 }: BuildEventOf<"done">): void {
    if (ms > SLOW) this.slow.push({ step, ms, bytes });
  }

  /** `id`: as the image is to be called. */
  lines({ ms, size, steps, cached, tags }: BuildEventOf<"summary">, id: string): string[] {
    const sized = size === undefined ? "" : `, ${humanSize(size)}`;
    const slowest = this.slow.toSorted((a, b) => b.ms - a.ms).slice(0, SLOWEST);
    return [
      `Built ${id} in ${seconds(ms)}${sized}, ${cached} of ${steps} steps from the cache`,
      ...tags.map((tag) => `Tagged ${tag}`),
      ...(slowest.length > 0 ? ["Slowest steps:"] : []),
      ...slowest.map(({ step, ms, bytes }) => {
        const made = bytes === 0 ? "" : humanSize(bytes);
        return `  ${seconds(ms).padStart(7)} ${made.padStart(8)}  ${heading(step)}`;
      }),
    ];
  }
}
