import { Problem } from "../parse/problem.ts";
import { EXPERIMENTAL, type RuleName } from "./rules.ts";

/** What `# check=` or BUILDKIT_DOCKERFILE_CHECK asks for. */
export interface CheckOptions {
  /** Is this rule looked at? */
  wants(rule: RuleName): boolean;
  /** What is found ends the build. */
  error: boolean;
}

/** `skip=A,B;error=true;experimental=all`. Throws Problem for the line. */
export function checkOptions(text: string | undefined, line: number): CheckOptions {
  const lists = { skip: new Set<string>(), experimental: new Set<string>() };
  let error = false;
  const bad = (what: string): Problem =>
    new Problem(`invalid check option ${JSON.stringify(what)}`, { line, column: 1 });
  for (const part of text?.trim() ? text.split(";") : []) {
    const cut = part.indexOf("=");
    if (cut < 0) throw bad(part);
    const key = part.slice(0, cut).trim();
    const value = part.slice(cut + 1).trim();
    if (key === "skip" || key === "experimental") for (const name of value.split(",")) lists[key].add(name.trim());
    else if (key !== "error") throw bad(key);
    else if (/^(?:1|t|true|0|f|false)$/i.test(value)) error = /^[1t]/i.test(value);
    else throw bad(part);
  }
  const named = (list: ReadonlySet<string>, rule: RuleName): boolean => list.has("all") || list.has(rule);
  const wants = (rule: RuleName): boolean =>
    !named(lists.skip, rule) && (!EXPERIMENTAL.includes(rule) || named(lists.experimental, rule));
  return { wants, error };
}
