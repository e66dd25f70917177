import { lstatSync, realpathSync } from "node:fs";
import { basename } from "node:path";
import { GantryError } from "../../base/errors.ts";
import type { Containers } from "../../client/containers.ts";
import type { PathStat } from "../../wire/types/containers.ts";
import { pack } from "../../local/pack.ts";
import { fileError } from "../file-errors.ts";
import { absolute, type CopyOptions, count, isFolder, isSymlink, linkTarget } from "./from-container.ts";
import { planCopy } from "./plan.ts";

/** What a path in a container is; a link as its last part is followed. Without `stat` nothing is there. */
async function look(
  containers: Containers,
  container: string,
  path: string,
): Promise<{ path: string; stat?: PathStat }> {
  const stat = await statIfAny(containers, container, path);
  if (stat === undefined || !isSymlink(stat)) return { path, ...(stat && { stat }) };
  const target = linkTarget(path, stat);
  const found = await statIfAny(containers, container, target);
  return { path: target, ...(found && { stat: found }) };
}

async function statIfAny(containers: Containers, container: string, path: string): Promise<PathStat | undefined> {
  try {
    return await containers.stat(container, path);
  } catch (error) {
    if (!(error instanceof GantryError && ["notFound", "invalid"].includes(error.kind))) throw error;
    // HEAD carries no words: whether it is the container that is missing, inspect tells.
    await containers.inspect(container);
    return undefined;
  }
}

export async function copyToContainer(
  containers: Containers,
  from: string,
  container: string,
  to: string,
  options: CopyOptions,
): Promise<void> {
  let source = absolute(options.cwd, from);
  let stat: ReturnType<typeof lstatSync>;
  try {
    const name = basename(source.replace(/\/\.?$/, ""));
    if (options.followLink) source = realpathSync(source);
    stat = lstatSync(source);
    const found = await look(containers, container, to);
    const landing = planCopy(
      { path: options.followLink ? name : source, isFolder: stat.isDirectory() },
      {
        path: found.path,
        exists: found.stat !== undefined,
        isFolder: found.stat !== undefined && isFolder(found.stat),
      },
    );
    const tar = count(chunks(pack(source, { keepOwner: true, top: landing.name ?? "" })), options.onBytes);
    await containers.copyTo(container, landing.folder, tar, { copyUidGid: options.archive });
  } catch (error) {
    const { syscall, path = source } = error as NodeJS.ErrnoException;
    if (syscall === "lstat" || syscall === "stat") throw fileError("lstat", path, error);
    throw error;
  }
}

/** stdin's tar into a folder that is there. */
export async function pourIntoContainer(
  containers: Containers,
  tar: AsyncIterable<Buffer>,
  container: string,
  to: string,
  options: CopyOptions,
): Promise<void> {
  const found = await look(containers, container, to);
  if (found.stat === undefined || !isFolder(found.stat))
    throw new Error(`destination "${container}:${to}" must be a directory`);
  await containers.copyTo(container, found.path, count(tar, options.onBytes), { copyUidGid: options.archive });
}

async function* chunks(source: Iterable<Buffer>): AsyncGenerator<Buffer> {
  yield* source;
}
