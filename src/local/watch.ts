import { type FSWatcher, readdirSync, watch } from "node:fs";
import { join } from "node:path";
import { errnoOf, GantryError } from "../base/errors.ts";
import type { PackOptions } from "./pack.ts";

export type WatchOptions = Pick<PackOptions, "ignores" | "searchIgnored">;

/**
 * Calls back when something may have changed below a folder, with its path, as far as the options leave it in. Folders are
 * watched one by one, all on one inotify instance; Node's recursive watch would take a watch for each file. What is in a folder
 * that comes later is not seen: whoever hears of that folder watches anew. Throws unavailable NO_WATCHES. The result ends it.
 */
export function watchFolder(root: string, options: WatchOptions, onEvent: (path: string) => void): () => void {
  const watchers: FSWatcher[] = [];
  const close = (): void => {
    for (const watcher of watchers) watcher.close();
  };
  try {
    for (const folder of folders(root, "", options)) {
      const heard = (_event: string, child: string | null): void => {
        const name = folder === "" ? (child ?? "") : `${folder}/${child ?? ""}`;
        if (options.ignores?.(name) !== true) onEvent(join(root, name));
      };
      const watcher = watch(join(root, folder), heard);
      watchers.push(watcher.on("error", () => onEvent(join(root, folder))));
    }
  } catch (error) {
    close();
    throw errnoOf(error) === "ENOSPC" || errnoOf(error) === "EMFILE" ? noWatches(error) : error;
  }
  return close;
}

function* folders(root: string, folder: string, options: WatchOptions): Generator<string> {
  yield folder;
  for (const child of childrenOf(join(root, folder))) {
    if (!child.isDirectory()) continue;
    const name = folder === "" ? child.name : `${folder}/${child.name}`;
    if (options.ignores?.(name) !== true || options.searchIgnored === true) yield* folders(root, name, options);
  }
}

/** One that has gone meanwhile has none. */
function childrenOf(path: string): ReturnType<typeof entriesOf> {
  try {
    return entriesOf(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}

const entriesOf = (path: string): { name: string; isDirectory(): boolean }[] =>
  readdirSync(path, { withFileTypes: true });

const noWatches = (cause: unknown): GantryError =>
  new GantryError("unavailable", "NO_WATCHES", "the kernel gives no more watches for this folder", {
    hint: "leave folders out by .dockerignore, or raise fs.inotify.max_user_watches and fs.inotify.max_user_instances",
    cause,
  });
