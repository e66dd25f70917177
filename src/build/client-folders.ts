import { once } from "node:events";
import type { Duplex } from "node:stream";
import type { ListedEntry } from "../base/build-session.ts";
import { GantryError } from "../base/errors.ts";
import type { ContentDigests } from "../ports/build-files.ts";
import type { KeptContext } from "../ports/context-store.ts";
import type { BuildRequest, SourceTree } from "./context.ts";
import type { BuildHost } from "./host.ts";
import { TextLines } from "../base/text-lines.ts";

/** Bytes of names and stamps: some two million files. */
const LISTING_LIMIT = 256 * 1024 * 1024;

/** What is sent of a folder: all its entries are named, the bytes of those that the engine lacks follow. */
export interface FolderWish {
  /** "" for the build's own context. */
  name: string;
  /** The client's name for the folder, by which the engine keeps it. */
  key: string;
}

/**
 * Brings a folder of the client's here, as a difference to what was kept of it. The caller keeps and releases it.
 * Errors: invalid NO_SESSION, BAD_CONTEXT; unavailable SESSION_FAILED; those of Archive.extract; canceled.
 */
export async function fetchFolder(
  host: Pick<BuildHost, "contexts" | "archive">,
  { session }: Pick<BuildRequest, "session">,
  { name, key }: FolderWish,
  signal: AbortSignal,
): Promise<KeptContext> {
  if (session === undefined) {
    throw new GantryError("invalid", "NO_SESSION", "a build that names folders of its client needs a session");
  }
  const kept = await host.contexts.open(key);
  try {
    const connection = await session.open({ kind: "context", name }, signal);
    try {
      const wanted = await kept.update(await entriesFrom(connection));
      connection.write(`${JSON.stringify(wanted)}\n`);
      await host.archive.extract(connection, kept.root, { whiteouts: "plain", owner: { uid: 0, gid: 0 }, signal });
    } finally {
      connection.destroy();
    }
    return kept;
  } catch (error) {
    await kept.release();
    throw error;
  }
}

/** The entries before the empty one; what follows stays on the connection. */
async function entriesFrom(connection: Duplex): Promise<ListedEntry[]> {
  const entries: ListedEntry[] = [];
  const lines = new TextLines();
  let size = 0;
  for (;;) {
    const chunk = connection.read() as Buffer | null;
    if (chunk === null) {
      if (connection.readableEnded || connection.destroyed) throw bad("the list of files ended early");
      await Promise.race(["readable", "end", "close"].map((event) => once(connection, event)));
      continue;
    }
    size += chunk.length;
    if (size > LISTING_LIMIT) throw bad("too many files");
    for (const line of lines.push(chunk)) {
      const entry = entryOf(line);
      if (entry === undefined) return entries;
      entries.push(entry);
    }
  }
}

/** undefined: the last one. */
function entryOf(line: string): ListedEntry | undefined {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    throw bad("an entry is no JSON");
  }
  if (!Array.isArray(entry)) throw bad("an entry is no list");
  if (entry.length === 0) return undefined;
  const [name, stamp] = entry as unknown[];
  if (typeof name !== "string" || typeof stamp !== "string") throw bad("an entry is no name with a stamp");
  return [name, stamp];
}

const bad = (why: string): GantryError => new GantryError("invalid", "BAD_CONTEXT", `the client's folder: ${why}`);

/** A named folder as COPY --from sees it; fetched when a step first asks. */
export class ClientFolder implements SourceTree {
  readonly isContext = false;
  private readonly fetch: () => Promise<KeptContext>;
  private fetched: Promise<KeptContext> | undefined;
  private known: ContentDigests | undefined;

  constructor(fetch: () => Promise<KeptContext>) {
    this.fetch = fetch;
  }

  get contents(): ContentDigests | undefined {
    return this.known;
  }

  async open(): Promise<string> {
    const kept = await (this.fetched ??= this.fetch());
    this.known = kept.contents;
    return kept.root;
  }
}
