import dockerignore from "@balena/dockerignore";

/** The ignore file that counts: the Dockerfile's own (`prod.Dockerfile.dockerignore`) or else the context's. */
export const ignoreText = (dockerfile: string, read: (path: string) => string | undefined): string | undefined =>
  read(`${dockerfile}.dockerignore`) ?? read(".dockerignore");

/** What .dockerignore leaves out, by path relative to the context; undefined when it says nothing. */
export function ignored(text: string | undefined): ((path: string) => boolean) | undefined {
  const patterns = (text ?? "")
    .replace(/^\u{feff}/u, "")
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "" && !line.startsWith("#"));
  if (patterns.length === 0) return undefined;
  const rules = dockerignore.default({ ignorecase: false }).add(patterns);
  return (path) => rules.ignores(path);
}
