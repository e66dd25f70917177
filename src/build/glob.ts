import { GantryError } from "../base/errors.ts";

export interface GlobOptions {
  /** Match the whole text; default true. */
  anchored?: boolean;
  flags?: string;
  /** What `*` and `?` don't cross; "/" for paths. */
  separator?: string;
}

/**
 * A shell pattern (`*`, `?`, `[a-z]`, `[^a]`, backslash) as a RegExp. With `separator: "/"` this is Go's filepath.Match.
 * Throws invalid BAD_PATTERN "syntax error in pattern".
 */
export function globToRegExp(pattern: string, options: GlobOptions = {}): RegExp {
  const any = options.separator ? `[^${options.separator}]` : "[\\s\\S]";
  let source = "";
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i] ?? "";
    if (c === "*") {
      while (pattern[i + 1] === "*") i += 1; // neighbours mean the same as one, and many would backtrack for ever
      source += `${any}*`;
    } else if (c === "?") source += any;
    else if (c === "\\") {
      if (i + 1 >= pattern.length) throw badPattern();
      source += quote(pattern[++i] ?? "");
    } else if (c === "[") {
      const end = classEnd(pattern, i);
      source += classSource(pattern.slice(i + 1, end));
      i = end;
    } else source += quote(c);
  }
  return new RegExp(options.anchored === false ? source : `^${source}$`, `${options.flags ?? ""}u`);
}

const quote = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, (c) => `\\${c}`);

const badPattern = (): GantryError => new GantryError("invalid", "BAD_PATTERN", "syntax error in pattern");

/** Index of the `]` that closes the class opened at `start`. */
function classEnd(pattern: string, start: number): number {
  for (let i = start + (pattern[start + 1] === "^" ? 2 : 1); i < pattern.length; i++) {
    if (pattern[i] === "\\") i += 1;
    else if (pattern[i] === "]") return i;
  }
  throw badPattern();
}

function classSource(inner: string): string {
  const negated = inner.startsWith("^");
  const body = negated ? inner.slice(1) : inner;
  if (body === "") throw badPattern();
  let source = "";
  for (let i = 0; i < body.length; i++) {
    const c = body[i] ?? "";
    if (c === "\\") source += body[++i] === "-" ? "\\-" : quote(body[i] ?? "");
    else if (c === "-") source += i > 0 && i < body.length - 1 ? "-" : "\\-";
    else source += quote(c);
  }
  return `[${negated ? "^" : ""}${source}]`;
}

/** True if a source path must be matched against the files rather than taken as it is. */
export function hasWildcards(path: string): boolean {
  for (let i = 0; i < path.length; i++) {
    const c = path[i];
    if (c === "\\") i += 1;
    else if (c === "*" || c === "?" || c === "[") return true;
  }
  return false;
}

/** Go's filepath.Match for one part of a path. */
export function pathMatcher(part: string): (name: string) => boolean {
  const shape = globToRegExp(part, { separator: "/" });
  return (name) => shape.test(name);
}
