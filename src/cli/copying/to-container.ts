import { lstatSync, realpathSync } from "node:fs";
import { basename } from "node:path";
import { GantryError } from "../../base/errors.ts";
import type { Containers } from "../../client/containers.ts";
import type { PathStat } from "../../wire/types/containers.ts";
import { pack } from "../build-context/pack.ts";
import { fileError } from "../file-errors.ts";
import { absolute, type CopyOptions, count, isFolder, isSymlink, linkTarget } from "./from-container.ts";
import { planCopy } from "./plan.ts";

/** What a path in a container is, past one link; undefined: nothing is there. */
async function look(
  containers: Containers,
  container: string,
  path: string,
): Promise<{ path: string; stat: PathStat } | undefined> {
  try {
    const stat = await containers.stat(container, path);
    if (!isSymlink(stat)) return { path, stat };
    const target = linkTarget(path, stat);
    return { path: target, stat: await containers.stat(container, target) };
  } catch (error) {
    const missing =
      error instanceof GantryError && error.kind === "notFound" && !/no such container/i.test(error.message);
    // HEAD carries no words: whether it is the container that is missing, inspect tells.
    if (missing) await containers.inspect(container);
    if (missing) return undefined;
    throw error;
  }
}

/** Gives the number of bytes that went. */
export async function copyToContainer(
  containers: Containers,
  from: string,
  container: string,
  to: string,
  options: CopyOptions,
): Promise<number> {
  let source = absolute(options.cwd, from);
  let stat: ReturnType<typeof lstatSync>;
  try {
    const name = basename(source.replace(/\/\.?$/, ""));
    if (options.followLink) source = realpathSync(source);
    stat = lstatSync(source);
    const found = await look(containers, container, to);
    const landing = planCopy(
      { path: options.followLink ? name : source, isFolder: stat.isDirectory() },
      { path: found?.path ?? to, exists: found !== undefined, isFolder: found !== undefined && isFolder(found.stat) },
    );
    let bytes = 0;
    const tar = count(
      chunks(pack(source, { keepOwner: true, top: landing.name ?? "" })),
      (size) => void (bytes += size),
    );
    await containers.copyTo(container, landing.folder, tar, { copyUidGid: options.archive });
    return bytes;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === "lstat") throw fileError("lstat", source, error);
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
  if (found === undefined || !isFolder(found.stat))
    throw new Error(`destination "${container}:${to}" must be a directory`);
  await containers.copyTo(container, found.path, tar, { copyUidGid: options.archive });
}

async function* chunks(source: Iterable<Buffer>): AsyncGenerator<Buffer> {
  yield* source;
}
