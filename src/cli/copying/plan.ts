import { posix } from "node:path";

export interface CopySource {
  path: string;
  isFolder: boolean;
}

export interface CopyTarget {
  path: string;
  exists: boolean;
  isFolder: boolean;
}

/** Where the copy lands: under `name` in `folder`, or, without a name, its contents straight in `folder`. */
export interface Landing {
  folder: string;
  name?: string;
}

/** "SRC/." is a folder's contents. */
const meansContents = (path: string): boolean => path === "." || path.endsWith("/.");

/** `cp -a`'s rules. */
export function planCopy(source: CopySource, target: CopyTarget): Landing {
  const beside = { folder: posix.dirname(target.path), name: posix.basename(posix.normalize(target.path)) };
  const mustBeFolder = target.path === "" || target.path.endsWith("/") || meansContents(target.path);
  if (target.exists && target.isFolder) {
    const name = posix.basename(posix.normalize(source.path));
    return meansContents(source.path) || name === "/" || name === ""
      ? { folder: target.path }
      : { folder: target.path, name };
  }
  if (target.exists && source.isFolder) throw new Error("cannot copy directory");
  if (target.exists) {
    if (mustBeFolder) throw new Error("not a directory");
    return beside;
  }
  if (!source.isFolder && mustBeFolder) throw new Error("no such directory");
  return beside;
}

export interface Place {
  /** undefined: this machine. */
  container?: string;
  path: string;
}

/** "web:/etc/hosts" or a local path; what begins with / or . is always local. */
export function placeOf(argument: string): Place {
  if (argument.startsWith("/") || argument.startsWith(".")) return { path: argument };
  const at = argument.indexOf(":");
  return at === -1 ? { path: argument } : { container: argument.slice(0, at), path: argument.slice(at + 1) };
}
