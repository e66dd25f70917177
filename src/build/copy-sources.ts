import { GantryError, isGantryError } from "../base/errors.ts";
import type { FoundSource, PartMatcher } from "../ports/build-files.ts";
import type { SourceTree, StepRoom } from "./context.ts";
import { checkChecksum, fetchRepository, fetchSource, isUrl } from "./fetch-source.ts";
import { parseGitSource } from "./git-source.ts";
import { ANY_DEPTH, hasWildcards, pathMatcher } from "./glob.ts";
import { ignored } from "./ignore.ts";
import { cleanPath } from "./metadata.ts";
import { heredocText } from "./parse/heredoc.ts";
import type { Of } from "./parse/instruction.ts";

export type Copying = Of<"copy"> | Of<"add">;
type Excludes = (path: string) => boolean;

/** One found source with the folder that it is in. */
export interface Item extends FoundSource {
  root: string;
  /** Archives are unpacked. */
  unpack: boolean;
  /** What of a folder is left out. */
  exclude?: Excludes;
  /** Found in the context or in what --from names: neither downloaded nor given in place. */
  fromTree?: true;
  /** Stands for the content, where that is known without reading it. */
  digest?: string;
}

const HEREDOC_MODE = 0o644;

export const copyFailed = (name: string, why: string): GantryError =>
  new GantryError("invalid", "BAD_COPY", `${name} failed: ${why}`);

/** Archives of the context are unpacked by ADD, those from elsewhere only when told to. */
export const unpacks = (instruction: Copying): boolean => instruction.kind === "add" && instruction.unpack !== false;

/** Does it come over the network? */
export const isRemote = (source: string): boolean => isUrl(source) || parseGitSource(source) !== undefined;

/** All that a COPY or ADD copies. Throws invalid BAD_COPY and what fetching throws. */
export async function findItems(room: StepRoom, instruction: Copying, target: string): Promise<Item[]> {
  const name = instruction.kind.toUpperCase();
  checkChecksum(instruction);
  const exclude = ignored(instruction.exclude.join("\n"));
  const items: Item[] = [];
  for (const source of instruction.sources) {
    if (!isRemote(source)) {
      const tree = room.sourceTree(instruction.kind === "copy" ? instruction.from : undefined);
      items.push(...(await localItems(room, tree, instruction, source, exclude)));
    } else if (instruction.kind === "copy") throw copyFailed(name, "source can't be a URL for COPY");
    else items.push(await remoteItem(room, instruction, source, target, exclude));
  }
  if (instruction.files.length > 0) {
    const root = await room.scratch();
    for (const file of instruction.files) {
      room.host.files.writeText(root, file.name, heredocText(file), HEREDOC_MODE);
      items.push({ path: file.name, kind: "file", root, unpack: false });
    }
  }
  const folder = target.endsWith("/") || (instruction.kind === "copy" && instruction.parents);
  if (items.length > 1 && !folder) {
    const message = `When using ${name} with more than one source file, the destination must be a directory and end with a /`;
    throw new GantryError("invalid", "BAD_COPY", message);
  }
  return items;
}

async function remoteItem(
  room: StepRoom,
  instruction: Of<"add">,
  source: string,
  target: string,
  exclude: Excludes | undefined,
): Promise<Item> {
  const git = parseGitSource(source);
  const fetched = git
    ? await fetchRepository(room, git, instruction)
    : await fetchSource(room, source, instruction, target);
  return { ...fetched, unpack: instruction.unpack === true, ...(exclude ? { exclude } : {}) };
}

/** What a path or pattern names in the context, a stage or an image. A pattern may name nothing. */
async function localItems(
  room: StepRoom,
  tree: SourceTree,
  instruction: Copying,
  source: string,
  exclude: Excludes | undefined,
): Promise<Item[]> {
  const name = instruction.kind.toUpperCase();
  const parents = instruction.kind === "copy" && instruction.parents === true;
  const root = await tree.open();
  // Nothing leads out of the tree: `..` stops at its root.
  const path = cleanPath(source);
  const pattern = hasWildcards(path);
  let found: FoundSource[];
  try {
    found = room.host.files.find(root, path, pattern ? matcherFor(parents) : undefined);
  } catch (error) {
    if (!isGantryError(error, "NO_SUCH_FILE")) throw error;
    const where = tree.isContext ? "file not found in build context or excluded by .dockerignore: " : "";
    throw copyFailed(name, `${where}stat ${path.slice(1)}: file does not exist`);
  }
  if (pattern && found.length === 0) {
    const message = `${name} ${source}: no file matches`;
    room.context.emit({ kind: "warning", from: "build", message, step: room.step.id });
  }
  if (parents)
    return withParents(source, found).map((item) => ({
      ...item,
      root,
      fromTree: true,
      ...both(item.exclude, exclude),
    }));
  return found
    .filter((one) => one.kind === "folder" || !(exclude?.(one.path) || exclude?.(baseName(one.path))))
    .map((one) => ({ ...one, root, unpack: unpacks(instruction), fromTree: true, ...(exclude ? { exclude } : {}) }));
}

const matcherFor =
  (deep: boolean): PartMatcher =>
  (part) =>
    deep && part === ANY_DEPTH ? "deep" : pathMatcher(part);

const baseName = (path: string): string => path.split("/").at(-1) ?? "";

function both(one: Excludes, other: Excludes | undefined): { exclude: Excludes } {
  return { exclude: other ? (path) => one(path) || other(path) : one };
}

/** `--parents`: folders that hold nothing but what was found, with the folders above it; from `/./` on, if that is in the source. */
function withParents(
  source: string,
  found: readonly FoundSource[],
): (FoundSource & { unpack: false; exclude: Excludes })[] {
  const pivot = source.replace(/^(?:\.\/)+/, "").lastIndexOf("/./");
  const depth = pivot < 0 ? 0 : partsOf(source.replace(/^(?:\.\/)+/, "").slice(0, pivot)).length;
  const bases = new Map<string, string[]>();
  for (const { path } of found) {
    const parts = partsOf(path);
    const base = parts.slice(0, depth).join("/");
    bases.set(base, [...(bases.get(base) ?? []), parts.slice(depth).join("/")]);
  }
  return [...bases].map(([path, kept]) => ({ path, kind: "folder", unpack: false, exclude: allBut(kept) }));
}

const partsOf = (path: string): string[] => path.split("/").filter((part) => part !== "" && part !== ".");

/** Leaves out all that is neither kept, nor in a kept folder, nor above something kept. */
function allBut(paths: readonly string[]): Excludes {
  const kept = new Set(paths);
  const above = new Set(paths.flatMap((path) => prefixesOf(path).slice(0, -1)));
  return (path) => !(kept.has("") || above.has(path) || prefixesOf(path).some((prefix) => kept.has(prefix)));
}

/** a, a/b, a/b/c */
function prefixesOf(path: string): string[] {
  const parts = path.split("/");
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}
