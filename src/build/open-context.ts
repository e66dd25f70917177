import type { Readable } from "node:stream";
import { fetchFolder } from "./client-folders.ts";
import type { BuildRequest, SourceTree } from "./context.ts";
import type { BuildHost } from "./host.ts";

/** Where a build's context comes from: a tar, or a folder of the client's, which goes by that key. */
export type ContextSource = { tar: Readable } | { key: string };

/** The context as a folder of the engine's. */
export interface OpenContext {
  root: string;
  tree: SourceTree;
  /** All is there but for what `without` names: the next build may build on it. */
  keep(without: (name: string) => boolean): void;
  release(): Promise<void>;
}

export async function openContext(
  host: BuildHost,
  request: BuildRequest,
  from: ContextSource,
  signal: AbortSignal,
): Promise<OpenContext> {
  if ("key" in from) {
    const kept = await fetchFolder(host, request, { name: "", key: from.key }, signal);
    const { root, contents } = kept;
    const tree = { open: async () => root, isContext: true, contents };
    return { root, tree, keep: (without) => kept.keep(without), release: () => kept.release() };
  }
  const root = await host.files.scratch();
  const release = (): Promise<void> => host.files.discard(root);
  try {
    await host.archive.extract(from.tar, root, { whiteouts: "plain", owner: { uid: 0, gid: 0 }, signal });
  } catch (error) {
    await release();
    throw error;
  }
  return { root, tree: { open: async () => root, isContext: true }, keep: () => {}, release };
}
