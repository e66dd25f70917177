import type { Readable } from "node:stream";
import { fetchFolder } from "./client-folders.ts";
import { prefixed } from "../base/errors.ts";
import type { BuildRequest, SourceTree } from "./context.ts";
import { fetchRemote } from "./remote-context.ts";
import type { Material } from "./materials.ts";
import type { BuildHost } from "./host.ts";

/** Where a build's context comes from: a tar, a folder of the client's, which goes by that key, or elsewhere. */
export type ContextSource = { tar: Readable } | { key: string } | { remote: string };

/** The context as a folder of the engine's. */
export interface OpenContext {
  root: string;
  tree: SourceTree;
  /** Where it is nothing but a Dockerfile, that one's name. */
  dockerfile?: string;
  /** Where it came from, if that has an address. */
  material?: Material;
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
  if ("remote" in from) return openRemote(host, from.remote, signal);
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

/** A file that is no archive is the Dockerfile, whatever its name. */
async function openRemote(host: BuildHost, url: string, signal: AbortSignal): Promise<OpenContext> {
  const folders: string[] = [];
  const scratch = async (): Promise<string> => {
    const folder = await host.files.scratch();
    folders.push(folder);
    return folder;
  };
  const release = async (): Promise<void> => {
    for (const folder of folders) await host.files.discard(folder);
  };
  try {
    const { root, file, material } = await fetchRemote(host, url, { scratch, signal });
    const tree = { open: async () => root, isContext: true };
    return { root, tree, material, ...(file === undefined ? {} : { dockerfile: file }), keep: () => {}, release };
  } catch (error) {
    await release();
    throw prefixed("unable to prepare context", error);
  }
}
