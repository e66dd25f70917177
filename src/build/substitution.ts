import { matchEnds, type Token } from "./pattern.ts";

/** What a pattern in `${…}` may not hold; the message ends "in substitution: …". */
export class PatternError extends Error {
  override readonly name = "PatternError";
}

/** `*` and `?` are special, a backslash takes that away; `[` is an ordinary character here. */
function substitutionTokens(pattern: string): Token[] {
  const chars = [...pattern];
  const tokens: Token[] = [];
  for (let i = 0; i < chars.length; i++) {
    const c = chars[i] ?? "";
    if (c === "*") tokens.push({ kind: "run" });
    else if (c === "?") tokens.push({ kind: "one" });
    else if (c === "\\") {
      const next = chars[++i];
      if (next === undefined || !"*?\\}/".includes(next)) throw new PatternError(`invalid escape '\\${next ?? ""}'`);
      tokens.push({ kind: "text", char: next });
    } else tokens.push({ kind: "text", char: c });
  }
  return tokens;
}

/** `${x#p}`, `${x##p}`: without the shortest or longest match at the start. */
export function cutStart(value: string, pattern: string, greedy: boolean): string {
  const chars = [...value];
  const ends = matchEnds(substitutionTokens(pattern), chars);
  return ends === undefined ? value : chars.slice(greedy ? ends.last : ends.first).join("");
}

/** `${x%p}`, `${x%%p}`: the same at the end. */
export function cutEnd(value: string, pattern: string, greedy: boolean): string {
  const chars = [...value].toReversed();
  const ends = matchEnds(substitutionTokens(pattern).toReversed(), chars);
  if (ends === undefined) return value;
  return chars
    .slice(greedy ? ends.last : ends.first)
    .toReversed()
    .join("");
}

/** `${x/p/r}`, `${x//p/r}`: the longest match that begins first, or all of them. */
export function replace(value: string, pattern: string, replacement: string, everywhere: boolean): string {
  const tokens = substitutionTokens(pattern);
  const firstRun = tokens.findIndex((token) => token.kind === "run");
  const head = firstRun < 0 ? [] : tokens.slice(0, firstRun);
  const chars = [...value];
  let result = "";
  let at = 0;
  let afterMatch = false;
  while (at <= chars.length) {
    const end = matchEnds(tokens, chars, at)?.last;
    const empty = end === at;
    if (end !== undefined && !(empty && afterMatch)) {
      result += replacement;
      if (!everywhere) return result + chars.slice(end).join("");
      if (!empty) {
        at = end;
        afterMatch = true;
        continue;
      }
    } else if (end === undefined && firstRun >= 0 && matchEnds(head, chars, at) !== undefined) {
      break; // what follows the run is nowhere behind, so no later start finds it either
    }
    result += chars[at] ?? "";
    at += 1;
    afterMatch = false;
  }
  return result + chars.slice(at).join("");
}
