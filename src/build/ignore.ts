import dockerignore from "@balena/dockerignore";

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
