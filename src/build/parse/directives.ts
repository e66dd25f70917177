import { Problem } from "./problem.ts";

const DIRECTIVE = /^([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/;
const NAMES = ["escape", "syntax", "check"] as const;
type Name = (typeof NAMES)[number];

export interface Directive {
  value: string;
  /** From 1. */
  line: number;
}

export type Directives = Partial<Record<Name, Directive>>;

/** Docker Hub's own Dockerfile language, from whatever registry: `docker/dockerfile:1`, `docker/dockerfile-upstream@…`. */
const KNOWN_LANGUAGE = /(?:^|\/)dockerfile(?:-upstream)?(?:[:@]\S*)?$/;

/**
 * What stands at the very top: `# escape=`, `# syntax=`, `# check=`, below a `#!` line at most. The first line that is none
 * ends them, and so does a directive that is not known.
 */
export function leadingDirectives(lines: readonly string[], problems: Problem[]): Directives {
  const found = directivesBehind("#", lines, problems);
  // Other languages than Dockerfile may mark it by their own sign of a comment.
  const syntax = found.syntax ?? directivesBehind("//", lines, []).syntax;
  return syntax === undefined ? found : { ...found, syntax };
}

function directivesBehind(mark: string, lines: readonly string[], problems: Problem[]): Directives {
  const found: Directives = {};
  for (const [index, line] of lines.entries()) {
    if (index === 0 && line.startsWith("#!")) continue;
    const text = line.trimStart();
    const match = text.startsWith(mark) ? DIRECTIVE.exec(text.slice(mark.length).trimStart()) : null;
    const written = match?.[1]?.toLowerCase();
    const name = NAMES.find((known) => known === written);
    if (match === null || name === undefined) break;
    const at = { line: index + 1, column: 1 };
    const value = match[2] ?? "";
    if (found[name]) problems.push(new Problem(`only one ${name} parser directive can be used`, at, line.length));
    else if (name === "escape" && value !== "\\" && value !== "`") {
      problems.push(new Problem(`invalid escape token '${value}' does not match \` or \\`, at, line.length));
    } else found[name] = { value, line: index + 1 };
  }
  return found;
}

/** Only Dockerfile is spoken here. `wanted` (BUILDKIT_SYNTAX) stands for the file's own directive. */
export function checkLanguage(syntax: Directive | undefined, wanted: string | undefined): void {
  const [language = ""] = (wanted ?? syntax?.value ?? "").split(" ", 1);
  if (language === "" || KNOWN_LANGUAGE.test(language)) return;
  throw new Problem(
    `the language ${language} is not known: only docker/dockerfile is`,
    { line: wanted === undefined ? (syntax?.line ?? 1) : 1, column: 1 },
    1,
    undefined,
    "for an ordinary Dockerfile, take the line away or build with --build-arg BUILDKIT_SYNTAX=docker/dockerfile:1",
  );
}
