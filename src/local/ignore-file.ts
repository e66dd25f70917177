import { readFileSync } from "node:fs";
import { join } from "node:path";
import dockerignore from "@balena/dockerignore";

export interface IgnoreRules {
  ignores(name: string): boolean;
  /** Some rule begins with "!". */
  hasExceptions: boolean;
}

/**
 * The folder's .dockerignore. The Dockerfile and .dockerignore itself go to the engine whatever it says.
 * undefined: nothing is ignored.
 */
export function readIgnoreFile(root: string, dockerfile: string): IgnoreRules | undefined {
  let text: string;
  try {
    text = readFileSync(join(root, ".dockerignore"), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const rules = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .filter((line) => !line.startsWith("#"))
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (rules.length === 0) return undefined;
  const matcher = dockerignore.default({ ignorecase: false }).add(rules);
  const always = new Set([dockerfile, ".dockerignore"]);
  return {
    ignores: (name) => !always.has(name) && matcher.ignores(name),
    hasExceptions: rules.some((rule) => rule.startsWith("!")) || dockerfile.includes("/"),
  };
}
