import fs from "node:fs";
import { errnoOf } from "../../base/errors.ts";
import { type ByteString, O, openAt2, RESOLVE, renameAt, rmdirAt } from "./files.ts";
import { closeFd, openFd, SyscallError } from "./libc.ts";

/** Files whose turn to be deleted it is: `names` in the open folder `dir`. */
export interface Doomed {
  dir: number;
  names: ByteString[];
}

const DEEP = 48;

/** Names in an open folder, as byte strings; `folder` tells whether the entry is one. */
export function entriesOf(dir: number): { name: ByteString; folder: boolean }[] {
  return fs
    .readdirSync(`/proc/self/fd/${dir}`, { withFileTypes: true, encoding: "latin1" })
    .map((entry) => ({ name: entry.name, folder: entry.isDirectory() }));
}

/**
 * Walks the folder `name` of the open folder `dir` bottom up and removes it, handing out files for the caller to
 * unlink before it asks for the next ones. Follows no link, enters no mount (EXDEV), and holds few descriptors
 * however deep the tree is: folders further down are first moved up.
 */
export function* dismantle(dir: number, name: ByteString): Generator<Doomed, void> {
  const fd = openAt2(dir, name, O.RDONLY | O.DIRECTORY, RESOLVE.NO_XDEV | RESOLVE.NO_SYMLINKS | RESOLVE.BENEATH);
  try {
    yield* empty(fd, fd, 0);
    // Folders that were too deep now stand here, and may hold such again.
    for (let again = entriesOf(fd); again.length > 0; again = entriesOf(fd)) yield* empty(fd, fd, 0);
  } finally {
    closeFd(fd);
  }
  rmdirAt(dir, name);
}

const BATCH = 64;

function* empty(fd: number, top: number, depth: number): Generator<Doomed, void> {
  let lifted = 0;
  let names: ByteString[] = [];
  for (const { name, folder } of entriesOf(fd)) {
    if (!folder) {
      if (names.push(name) < BATCH) continue;
      yield { dir: fd, names };
      names = [];
    } else if (depth >= DEEP) {
      while (!lift(fd, name, top, `lifted-${lifted++}`)) continue;
    } else {
      const inner = openAt2(fd, name, O.RDONLY | O.DIRECTORY, RESOLVE.NO_XDEV | RESOLVE.NO_SYMLINKS | RESOLVE.BENEATH);
      try {
        yield* empty(inner, top, depth + 1);
      } finally {
        closeFd(inner);
      }
      rmdirAt(fd, name);
    }
  }
  if (names.length > 0) yield { dir: fd, names };
}

function lift(from: number, name: ByteString, to: number, as: ByteString): boolean {
  try {
    renameAt(from, name, to, as);
    return true;
  } catch (e) {
    if (e instanceof SyscallError && e.code === "EEXIST") return false;
    throw e;
  }
}

/** Removes the folder `name` below `parent` with the unlinking done off this thread. Missing is fine. */
export async function removeTree(parent: string, name: string): Promise<void> {
  const dir = openFd(parent, O.RDONLY | O.DIRECTORY);
  try {
    for (const doomed of dismantle(dir, name)) {
      await Promise.all(
        doomed.names.map((file) => fs.promises.unlink(Buffer.from(`/proc/self/fd/${doomed.dir}/${file}`, "latin1"))),
      );
    }
  } catch (e) {
    if (errnoOf(e) !== "ENOENT") throw e;
  } finally {
    closeFd(dir);
  }
}
