import { GantryError } from "../../base/errors.ts";

/** A place in the Dockerfile; both count from 1. */
export interface Place {
  line: number;
  column: number;
}

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

/** Shown lines are cut here, so that a 1 MB line doesn't become a 1 MB message. */
const SHOWN = 160;

/**
 * The error a user sees: Docker's first line, then file, line and a caret.
 * kind invalid, code BAD_DOCKERFILE; details {file, line, column}.
 */
export function dockerfileError(problem: Problem, file: string, lines: readonly string[]): GantryError {
  const { line, column } = problem.at;
  const text = visible((lines[line - 1] ?? "").slice(0, SHOWN));
  const margin = " ".repeat(String(line).length);
  const start = Math.min(column, SHOWN);
  const width = Math.max(1, Math.min(problem.width, text.length - start + 1));
  const hint = problem.meant === undefined ? problem.hint : `did you mean ${problem.meant}?`;
  const message = [
    `dockerfile parse error line ${line}: ${visible(problem.message)}`,
    `${file}:${line}:${column}`,
    ` ${line} | ${text}`,
    ` ${margin} | ${" ".repeat(start - 1)}${"^".repeat(width)}${hint === undefined ? "" : ` ${hint}`}`,
  ].join("\n");
  return new GantryError("invalid", "BAD_DOCKERFILE", message, {
    ...(hint === undefined ? {} : { hint }),
    details: { file, line, column },
    cause: problem,
  });
}

/** Control characters would move the terminal's cursor: one visible sign each, tabs as one space to keep the caret right. */
const visible = (text: string): string =>
  text.replaceAll("\t", " ").replace(/[\u0000-\u001f\u007f-\u009f]/g, "\u{fffd}");

/** The candidate nearest to `word`, if a typing slip explains the difference. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const wanted = word.toUpperCase();
  const limit = wanted.length <= 5 ? 1 : 2;
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
