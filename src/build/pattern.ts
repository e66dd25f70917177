/** A shell pattern, taken apart: any run of characters, any one, one of a class, or just this one. */
export type Token =
  | { kind: "run" }
  | { kind: "one" }
  | { kind: "text"; char: string }
  | { kind: "class"; negated: boolean; ranges: [string, string][] };

/** Where matches that begin at one place end; counted in characters. */
export interface Ends {
  first: number;
  last: number;
}

const accepts = (token: Token, char: string): boolean => {
  switch (token.kind) {
    case "text":
      return token.char === char;
    case "class":
      return token.ranges.some(([low, high]) => low <= char && char <= high) !== token.negated;
    default:
      return true;
  }
};

/**
 * The ends of all matches that begin at `start`. Follows all ways at once, so that no pattern takes longer than its
 * length times the text's.
 */
export function matchEnds(tokens: readonly Token[], text: readonly string[], start = 0): Ends | undefined {
  let ends: Ends | undefined;
  let states = reach(tokens, [0]);
  for (let at = start; states.length > 0; at++) {
    if (states.at(-1) === tokens.length) ends = { first: ends?.first ?? at, last: at };
    const char = text[at];
    if (char === undefined) break;
    const next: number[] = [];
    for (const state of states) {
      const token = tokens[state];
      if (token === undefined) continue;
      if (token.kind === "run") next.push(state);
      else if (accepts(token, char)) next.push(state + 1);
    }
    states = reach(tokens, next);
  }
  return ends;
}

/** The states and those behind runs, which may be empty; ascending, each once. */
function reach(tokens: readonly Token[], states: readonly number[]): number[] {
  const all: number[] = [];
  for (let state of states) {
    for (;;) {
      if (state > (all.at(-1) ?? -1)) all.push(state);
      if (tokens[state]?.kind !== "run") break;
      state += 1;
    }
  }
  return all;
}

/** Does the pattern match all of the text? */
export function matchesAll(tokens: readonly Token[], text: string): boolean {
  const chars = [...text];
  return matchEnds(tokens, chars)?.last === chars.length;
}
