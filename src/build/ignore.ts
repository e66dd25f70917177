import dockerignore from "@balena/dockerignore";
import { ignorePatterns } from "../base/ignore-patterns.ts";

type Excludes = (path: string) => boolean;

const CONTEXTS = ".dockerignore";

/** The ignore file that counts: the Dockerfile's own (`prod.Dockerfile.dockerignore`) or else the context's. */
export function ignoreFile(
  dockerfile: string,
  read: (path: string) => string | undefined,
): { name: string; text: string } | undefined {
  for (const name of [`${dockerfile}.dockerignore`, CONTEXTS]) {
    const text = read(name);
    if (text !== undefined) return { name, text };
  }
  return undefined;
}

/**
 * What the engine takes out of a context that it got. A context's ignore file is for clients to obey: of what it names
 * only the files go that they had to send for the engine to read. Docker's client knows no Dockerfile's own ignore file.
 */
export function takenOut(file: string, dockerfile: string, excluded: Excludes): Excludes {
  if (file !== CONTEXTS) return excluded;
  return (path) => (path === dockerfile || path === CONTEXTS) && excluded(path);
}

/** What .dockerignore leaves out, by path relative to the context; undefined when it says nothing. */
export function ignored(text: string | undefined): Excludes | undefined {
  const patterns = ignorePatterns(text ?? "");
  if (patterns.length === 0) return undefined;
  const rules = dockerignore.default({ ignorecase: false }).add(patterns);
  return (path) => rules.ignores(path);
}
