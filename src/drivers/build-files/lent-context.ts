import fs from "node:fs";
import type { ListedEntry } from "../../base/build-session.ts";
import type { ContentDigests } from "../../ports/build-files.ts";
import type { KeptContext } from "../../ports/context-store.ts";
import { removeExcluded } from "./remove-excluded.ts";

/** What a kept context is, beside it on the disk. */
export interface Manifest {
  /** RFC 3339 */
  created: string;
  /** With the content's sha256 where it was needed. */
  entries: [...entry: ListedEntry, digest?: string][];
}

export interface LentContextDeps {
  root: string;
  /** Path of the manifest; there is none while the context is not whole. */
  manifest: string;
  before: Manifest;
  release: (kept: boolean) => Promise<void>;
}

/** One context while a build uses it. */
export class LentContext implements KeptContext {
  readonly root: string;
  readonly contents: ContentDigests;
  private readonly deps: LentContextDeps;
  private readonly digests = new Map<string, string>();
  private entries: readonly ListedEntry[] = [];
  private names = new Set<string>();
  private kept: ((name: string) => boolean) | undefined;
  private learned = false;

  constructor(deps: LentContextDeps) {
    this.deps = deps;
    this.root = deps.root;
    this.contents = {
      get: (path) => this.digests.get(path),
      // a path through a link is not an entry, and no stamp tells when what it leads to changes
      set: (path, digest) => {
        if (!this.names.has(path)) return;
        this.digests.set(path, digest);
        this.learned = true;
      },
    };
  }

  async update(entries: readonly ListedEntry[]): Promise<number[]> {
    this.entries = entries;
    this.names = new Set(entries.map(([name]) => name));
    fs.rmSync(this.deps.manifest, { force: true });
    const known = new Map(this.deps.before.entries.map(([name, stamp]) => [name, stamp]));
    const { stays, wanted } = compare(known, entries);
    // what is there is what is known
    if (stays.size < known.size) removeExcluded(this.root, (name) => !stays.has(name));
    for (const [name, , digest] of this.deps.before.entries) {
      if (digest !== undefined && stays.has(name)) this.digests.set(name, digest);
    }
    return wanted;
  }

  keep(without: (name: string) => boolean): void {
    this.kept = (name) => !without(name);
    this.write();
  }

  async release(): Promise<void> {
    if (this.learned) this.write();
    await this.deps.release(this.kept !== undefined);
  }

  private write(): void {
    const { kept } = this;
    if (kept === undefined) return;
    const entries = this.entries
      .filter(([name]) => kept(name))
      .map(([name, stamp]): Manifest["entries"][number] => {
        const digest = this.digests.get(name);
        return digest === undefined ? [name, stamp] : [name, stamp, digest];
      });
    const file = `${this.deps.manifest}.new`;
    fs.writeFileSync(file, JSON.stringify({ created: this.deps.before.created, entries } satisfies Manifest));
    fs.renameSync(file, this.deps.manifest);
    this.learned = false;
  }
}

/** What may stay, and what must come anew: all that differs, and the folders above it for their times. */
function compare(
  known: ReadonlyMap<string, string>,
  entries: readonly ListedEntry[],
): { stays: Set<string>; wanted: number[] } {
  const stays = new Set<string>();
  const touched = new Set<string>();
  const touch = (name: string): void => {
    for (
      let at = name.lastIndexOf("/");
      at > 0 && !touched.has(name.slice(0, at));
      at = name.lastIndexOf("/", at - 1)
    ) {
      touched.add(name.slice(0, at));
    }
  };
  const isFolder = (stamp: string | undefined): boolean => stamp?.startsWith("d") === true;
  const present = new Set<string>();
  for (const [name, stamp] of entries) {
    present.add(name);
    const before = known.get(name);
    if (before === stamp || (isFolder(before) && isFolder(stamp))) stays.add(name);
    if (before !== stamp) touch(name);
  }
  for (const name of known.keys()) if (!present.has(name)) touch(name);
  const wanted = entries.flatMap(([name, stamp], position) =>
    known.get(name) !== stamp || (isFolder(stamp) && touched.has(name)) ? [position] : [],
  );
  return { stays, wanted };
}
