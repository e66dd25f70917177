import { byteString, O, readable, S, statAt, typeOf, type ByteString } from "../syscalls/files.ts";
import { entriesOf } from "../syscalls/remove-tree.ts";
import type { FoundSource, PartMatcher } from "../../ports/build-files.ts";
import { inner, isMissing, noSuchFile, openInside, openRoot, statInside, withFd } from "./root.ts";

/** See BuildFiles.find. */
export function findSources(root: string, source: string, matcher: PartMatcher | undefined): FoundSource[] {
  return withFd(openRoot(root), (top) => {
    if (matcher === undefined) {
      const found = describe(top, inner(source));
      if (found === undefined) throw noSuchFile(source);
      return [found];
    }
    const parts = byteString(source)
      .split("/")
      .filter((part) => part !== "" && part !== ".");
    return [...new Set(expand(top, "", parts, matcher))].toSorted().flatMap((path) => describe(top, path) ?? []);
  });
}

function describe(top: number, path: ByteString): FoundSource | undefined {
  const status = statInside(top, path);
  if (status === undefined) return undefined;
  return { path: readable(path), kind: typeOf(status) === S.IFDIR ? "folder" : "file" };
}

function expand(top: number, folder: ByteString, parts: readonly string[], matcher: PartMatcher): ByteString[] {
  const [part, ...rest] = parts;
  if (part === undefined) return [folder];
  const matches = matcher(readable(part));
  const prefix = folder === "" ? "" : `${folder}/`;
  if (matches !== "deep") {
    return namesIn(top, folder)
      .filter((name) => matches(readable(name)))
      .flatMap((name) => expand(top, prefix + name, rest, matcher));
  }
  // At the end it means all that is in the folder.
  if (rest.length === 0) return namesIn(top, folder).map((name) => prefix + name);
  const deeper = foldersIn(top, folder).flatMap((name) => expand(top, prefix + name, parts, matcher));
  return [...expand(top, folder, rest, matcher), ...deeper];
}

function namesIn(top: number, folder: ByteString): ByteString[] {
  return listed(top, folder, (fd) => entriesOf(fd).map((entry) => entry.name));
}

/** Without links to folders, which may lead round in circles. */
function foldersIn(top: number, folder: ByteString): ByteString[] {
  return listed(top, folder, (fd) =>
    entriesOf(fd)
      .map((entry) => entry.name)
      .filter((name) => typeOf(statAt(fd, name)) === S.IFDIR),
  );
}

function listed(top: number, folder: ByteString, read: (fd: number) => ByteString[]): ByteString[] {
  try {
    return withFd(openInside(top, folder, O.RDONLY | O.DIRECTORY), read);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
