import { hostname } from "node:os";
import { GantryError } from "../base/errors.ts";
import { type ContextFolder, namedFolder } from "./context.ts";

export interface NamedContexts {
  /** For the engine, by name: a folder's key, docker-image://NAME, or an address. */
  keys: Record<string, string>;
  folders: Map<string, ContextFolder>;
}

/** By what name the engine keeps a folder for the next build. */
export const contextKey = (root: string): string => `${hostname()}:${process.getuid?.() ?? ""}:${root}`;

/** A place that the engine fetches: an archive or a git repository. */
export const isFetched = (place: string): boolean => /^(?:(?:https?|git):\/\/|git@|github\.com\/)/.test(place);

/** Contexts beside the build's own: folders of this machine, and what the engine has or fetches. Throws invalid BAD_CONTEXT. */
export function namedContexts(given: Iterable<readonly [name: string, place: string]>, cwd: string): NamedContexts {
  const contexts: NamedContexts = { keys: {}, folders: new Map() };
  for (const [name, place] of given) {
    const scheme = /^[a-z-]+:\/\//.exec(place)?.[0];
    if (scheme === "docker-image://" || isFetched(place)) contexts.keys[name] = place;
    else if (scheme) {
      const message = `build context ${name}: ${scheme} is not supported: a folder, docker-image://, https:// or git`;
      throw new GantryError("invalid", "BAD_CONTEXT", message);
    } else {
      const folder = namedFolder(place, cwd);
      contexts.folders.set(name, folder);
      contexts.keys[name] = contextKey(folder.root);
    }
  }
  return contexts;
}
