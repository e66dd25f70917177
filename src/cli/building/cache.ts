import { createReadStream, mkdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { type CacheSource, type CacheTarget, parseCacheSources, parseCacheTargets } from "../../base/cache-places.ts";
import { unpack } from "../../local/unpack.ts";
import { fileError } from "../file-errors.ts";
import { list } from "../flags.ts";

/** What the engine may ask for of a cache's folder. */
const FILES = /^(?:index\.json|blobs\/sha256\/[0-9a-f]{64})$/;

export const cacheFlags = {
  "cache-from": {
    ...list("Images or exported caches to take steps from (e.g., type=registry,ref=NAME)", undefined, {
      completes: "image",
    }),
    take: (text: string, before: string[]): string[] => [...before, checked(text, parseCacheSources)],
  },
  "cache-to": {
    ...list("Where to export the cache to (e.g., type=registry,ref=NAME[,mode=max], type=local,dest=DIR)"),
    take: (text: string, before: string[]): string[] => [...before, checked(text, parseCacheTargets)],
  },
};

/** The text, if it can be understood. */
function checked(text: string, parse: (texts: string[]) => unknown): string {
  parse([text]);
  return text;
}

/** The folders of this machine that a build's caches are in, by the names that the engine uses. */
export class CacheFolders {
  private readonly cwd: string;
  private readonly from: ReadonlySet<string>;
  private readonly to: ReadonlySet<string>;

  constructor(cwd: string, from: readonly string[], to: readonly string[]) {
    this.cwd = cwd;
    this.from = foldersOf(parseCacheSources(from));
    this.to = foldersOf(parseCacheTargets(to));
  }

  get any(): boolean {
    return this.from.size + this.to.size > 0;
  }

  /** A file of one that was named, to be read; undefined for any other. Throws what the command says. */
  file(folder: string, path: string): AsyncIterable<Buffer> | undefined {
    if (!this.from.has(folder) || !FILES.test(path)) return undefined;
    const file = join(resolve(this.cwd, folder), path);
    try {
      statSync(file);
    } catch (error) {
      throw fileError("open", file, error);
    }
    return createReadStream(file, { highWaterMark: 256 * 1024 });
  }

  /** What fills the folder of one that was named; undefined for any other. */
  writer(folder: string): ((bytes: AsyncIterable<Buffer>) => Promise<void>) | undefined {
    if (!this.to.has(folder)) return undefined;
    return async (bytes) => {
      const path = resolve(this.cwd, folder);
      try {
        mkdirSync(path, { recursive: true });
        await unpack(path, bytes, { rename: (name) => name, keepOwner: false });
      } catch (error) {
        throw fileError("write", folder, error);
      }
    };
  }
}

const foldersOf = (places: readonly (CacheSource | CacheTarget)[]): Set<string> =>
  new Set(places.flatMap((place) => (place.type === "local" ? [place.folder] : [])));
