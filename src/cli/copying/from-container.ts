import { lstatSync, readlinkSync, statSync } from "node:fs";
import { dirname, posix, resolve } from "node:path";
import type { Containers } from "../../client/containers.ts";
import type { PathStat } from "../../wire/types/containers.ts";
import { planCopy } from "./plan.ts";
import { unpack } from "../../local/unpack.ts";

const FOLDER = 2 ** 31;
const SYMLINK = 2 ** 27;

export const isFolder = (stat: PathStat): boolean => Math.floor(stat.mode / FOLDER) % 2 === 1;
export const isSymlink = (stat: PathStat): boolean => Math.floor(stat.mode / SYMLINK) % 2 === 1;

/** Where a link in a container leads. */
export const linkTarget = (path: string, stat: PathStat): string =>
  stat.linkTarget.startsWith("/") ? stat.linkTarget : posix.join(posix.dirname(path), stat.linkTarget);

/** Keeps a "/" or "/." at the end, which resolve() would drop. */
export function absolute(cwd: string, path: string): string {
  const full = resolve(cwd, path);
  if (path.endsWith("/.") || path === ".") return `${full}/.`;
  return path.endsWith("/") && full !== "/" ? `${full}/` : full;
}

export interface CopyOptions {
  archive: boolean;
  followLink: boolean;
  cwd: string;
  /** Bytes that went or came. */
  onBytes(count: number): void;
}

const MOST_LINKS = 40;

/** Past the links that a path ends in, also where the last leads to nothing yet. */
function pastLinks(path: string): string {
  let at = path;
  for (let links = 0; lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() === true; links++) {
    if (links > MOST_LINKS) throw new Error(`too many symbolic links in ${path}`);
    at = resolve(dirname(at), readlinkSync(at));
  }
  return at;
}

export async function copyFromContainer(
  containers: Containers,
  container: string,
  given: string,
  to: string,
  options: CopyOptions,
): Promise<void> {
  const target = pastLinks(absolute(options.cwd, to));
  if (statSync(dirname(target), { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new Error(`invalid output path: directory ${JSON.stringify(dirname(target))} does not exist`);
  }
  let source = given;
  let name: string | undefined;
  if (options.followLink) {
    const stat = await containers.stat(container, source);
    if (isSymlink(stat)) {
      name = posix.basename(source);
      source = linkTarget(source, stat);
    }
  }
  const { stat, tar } = await containers.copyFrom(container, source);
  const known = statSync(target, { throwIfNoEntry: false });
  const landing = planCopy(
    { path: name ?? source, isFolder: isFolder(stat) },
    {
      path: target,
      exists: known !== undefined,
      isFolder: known?.isDirectory() === true,
    },
  );
  const top = new Set([stat.name, ".", posix.basename(posix.normalize(source))]);
  await unpack(landing.folder, count(tar, options.onBytes), {
    keepOwner: options.archive,
    rename: (entry) => {
      const [first = "", ...rest] = entry.replace(/^\/+/, "").split("/");
      const below = (top.has(first) ? rest : [first, ...rest]).join("/");
      return landing.name === undefined ? below : `${landing.name}/${below}`;
    },
  });
}

export async function* count(source: AsyncIterable<Buffer>, onBytes: (size: number) => void): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    onBytes(chunk.length);
    yield chunk;
  }
}
