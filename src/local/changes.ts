import { join } from "node:path";
import type { ListedEntry } from "../base/build-session.ts";
import { settled } from "./listing.ts";

/** Milliseconds of rest after which files are looked at; what is written all the time is looked at nevertheless. */
const REST = 200;
const PATIENCE = 1000;

/** A folder that may be looked at again and again. */
export interface WatchedFolder {
  root: string;
  list(): { entries: readonly ListedEntry[] };
  /** Calls back with paths that may have changed; the result ends it. */
  watch(onEvent: (path: string) => void): () => void;
}

/**
 * Waits for folders to become others than they were at the start. Editors that write a file anew and rename it, and files that
 * come and go, are no change in themselves: what counts is how the folders look once there is rest.
 */
export class Changes {
  /** The names of what changed, as paths. Rejects when a folder can't be read. */
  readonly next: Promise<string[]>;
  /** There is one already. */
  seen = false;
  private readonly closers: (() => void)[] = [];
  private resting: NodeJS.Timeout | undefined;
  private since: number | undefined;

  /** `without`: paths (and what is below them) that the watcher's owner writes himself. */
  constructor(folders: readonly WatchedFolder[], without: readonly string[]) {
    const own = (path: string): boolean => without.some((one) => path === one || path.startsWith(`${one}/`));
    const state = (): Map<string, string> =>
      new Map(
        folders.flatMap(({ root, list }) =>
          list().entries.flatMap(([name, stamp]): [string, string][] => {
            const path = join(root, name);
            return own(path) ? [] : [[path, lookOf(stamp)]];
          }),
        ),
      );
    this.next = new Promise((resolve, reject) => {
      const look = (before: ReadonlyMap<string, string>): void => {
        this.since = undefined;
        try {
          const changed = differences(before, state());
          if (changed.length === 0) return;
          this.seen = true;
          resolve(changed);
        } catch (error) {
          reject(error as Error);
        }
      };
      const onEvent = (path: string): void => {
        if (own(path)) return;
        this.since ??= performance.now();
        clearTimeout(this.resting);
        const wait = Math.min(REST, Math.max(0, this.since + PATIENCE - performance.now()));
        this.resting = setTimeout(() => look(before), wait);
      };
      let before: Map<string, string>;
      try {
        for (const folder of folders) this.closers.push(folder.watch(onEvent));
        before = state();
      } catch (error) {
        reject(error as Error);
      }
    });
    this.next.catch(() => {}); // it is awaited after the build that runs meanwhile
  }

  close(): void {
    clearTimeout(this.resting);
    for (const closer of this.closers) closer();
  }
}

/** A folder's time changes with what is in it, which is listed itself. */
const lookOf = (stamp: string): string => (stamp.startsWith("d") ? stamp.split(":", 1)[0]! : settled(stamp));

function differences(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): string[] {
  const gone = [...before.keys()].filter((path) => !now.has(path));
  const others = [...now].flatMap(([path, stamp]) => (before.get(path) === stamp ? [] : [path]));
  return [...gone, ...others].toSorted();
}
