import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import dockerignore from "@balena/dockerignore";
import { ignorePatterns } from "../base/ignore-patterns.ts";

export interface IgnoreRules {
  ignores(name: string): boolean;
  /** Some rule begins with "!". */
  hasExceptions: boolean;
}

/**
 * The rules for a Dockerfile: its own ignore file's, or the folder's .dockerignore's. The Dockerfile and the ignore file go
 * to the engine whatever it says. undefined: nothing is ignored.
 */
export function readIgnoreFile(root: string, dockerfile: string): IgnoreRules | undefined {
  const own = `${dockerfile}.dockerignore`;
  const name = existsSync(join(root, own)) ? own : ".dockerignore";
  if (!existsSync(join(root, name))) return undefined;
  const rules = ignorePatterns(readFileSync(join(root, name), "utf8"));
  if (rules.length === 0) return undefined;
  const matcher = dockerignore.default({ ignorecase: false }).add(rules);
  const always = new Set([dockerfile, name]);
  return {
    ignores: (name) => !always.has(name) && matcher.ignores(name),
    hasExceptions: rules.some((rule) => rule.startsWith("!")) || dockerfile.includes("/"),
  };
}
