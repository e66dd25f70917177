import { GantryError } from "../base/errors.ts";
import { matchesAll, type Token } from "./pattern.ts";

const badPattern = (): GantryError => new GantryError("invalid", "BAD_PATTERN", "syntax error in pattern");

/** The part of a source that stands for any number of folders, none too. */
export const ANY_DEPTH = "**";

/** True if a source path must be matched against the files rather than taken as it is. */
export function hasWildcards(path: string): boolean {
  for (let i = 0; i < path.length; i++) {
    const c = path[i];
    if (c === "\\") i += 1;
    else if (c === "*" || c === "?" || c === "[") return true;
  }
  return false;
}

/** Go's filepath.Match for one part of a path. Throws invalid BAD_PATTERN "syntax error in pattern". */
export function pathMatcher(part: string): (name: string) => boolean {
  const tokens = globTokens([...part]);
  return (name) => matchesAll(tokens, name);
}

function globTokens(pattern: readonly string[]): Token[] {
  const tokens: Token[] = [];
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i] ?? "";
    if (c === "*") tokens.push({ kind: "run" });
    else if (c === "?") tokens.push({ kind: "one" });
    else if (c === "[") {
      const { token, end } = classToken(pattern, i + 1);
      tokens.push(token);
      i = end;
    } else if (c === "\\") tokens.push({ kind: "text", char: charAt(pattern, ++i) });
    else tokens.push({ kind: "text", char: c });
  }
  return tokens;
}

function charAt(pattern: readonly string[], at: number): string {
  const char = pattern[at];
  if (char === undefined) throw badPattern();
  return char;
}

/** `[a-z]`, `[^a]`, from behind the bracket; `end` is the place of the closing one. */
function classToken(pattern: readonly string[], start: number): { token: Token; end: number } {
  let at = start;
  const negated = pattern[at] === "^";
  if (negated) at += 1;
  const ranges: [string, string][] = [];
  const member = (): string => {
    const c = charAt(pattern, at++);
    if (c === "-" || c === "]") throw badPattern();
    return c === "\\" ? charAt(pattern, at++) : c;
  };
  while (pattern[at] !== "]" || ranges.length === 0) {
    const low = member();
    let high = low;
    if (pattern[at] === "-") {
      at += 1;
      high = member();
    }
    ranges.push([low, high]);
  }
  return { token: { kind: "class", negated, ranges }, end: at };
}
