import { GantryError } from "../../base/errors.ts";
import { excerpt, type Place, visible } from "../../base/excerpt.ts";

/** What a parser throws inside; `parseDockerfile` turns it into a GantryError with the line shown. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly at: Place;
  /** How many characters the caret underlines. */
  readonly width: number;
  /** What was meant, e.g. "RUN". */
  readonly meant?: string;
  /** What to do, where nothing tells what was meant. */
  readonly hint?: string;

  constructor(message: string, at: Place, width = 1, meant?: string, hint?: string) {
    super(message);
    this.at = at;
    this.width = Math.max(1, width);
    if (meant !== undefined) this.meant = meant;
    if (hint !== undefined) this.hint = hint;
  }
}

/** So many problems of one file are shown. */
const SHOWN_PROBLEMS = 10;

/**
 * The error a user sees: Docker's first line, then file, line and a caret, for each problem of the file.
 * kind invalid, code BAD_DOCKERFILE; details {file, line, column} of the first.
 */
export function dockerfileError(
  problem: Problem | readonly [Problem, ...Problem[]],
  file: string,
  lines: readonly string[],
): GantryError {
  const problems = problem instanceof Problem ? [problem] : problem;
  const [first, ...others] = problems.toSorted((a, b) => a.at.line - b.at.line) as [Problem, ...Problem[]];
  const shown = others.slice(0, SHOWN_PROBLEMS - 1);
  const more = others.length - shown.length;
  const message = [
    ...[first, ...shown].map((one) => described(one, file, lines)),
    ...(more > 0 ? [`and ${more} more`] : []),
  ].join("\n");
  const hint = hintOf(first);
  return new GantryError("invalid", "BAD_DOCKERFILE", `dockerfile parse error ${message}`, {
    ...(hint === undefined || others.length > 0 ? {} : { hint }),
    details: { file, ...first.at },
    cause: first,
  });
}

const hintOf = ({ meant, hint }: Problem): string | undefined =>
  meant === undefined ? hint : `did you mean ${meant}?`;

function described(problem: Problem, file: string, lines: readonly string[]): string {
  const { line, column } = problem.at;
  const hint = hintOf(problem);
  return [
    `line ${line}: ${visible(problem.message)}`,
    `${file}:${line}:${column}`,
    ...excerpt(lines[line - 1] ?? "", problem.at, problem.width, hint),
  ].join("\n");
}

/** The candidate nearest to `word`, if a typing slip explains the difference. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const wanted = word.toUpperCase();
  const limit = wanted.length <= 5 ? Math.min(1, wanted.length - 1) : 2;
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, candidate.toUpperCase(), limit);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Edits (insert, delete, replace, swap of neighbours) from a to b; anything above `limit` counts as limit + 1. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    before = above;
    above = row;
  }
  return above[b.length] ?? limit + 1;
}
