import { byteString, O, readable, S, typeOf, type ByteString } from "../syscalls/files.ts";
import { entriesOf } from "../syscalls/remove-tree.ts";
import type { FoundSource } from "../../ports/build-files.ts";
import { inner, isMissing, noSuchFile, openInside, openRoot, statInside, withFd } from "./root.ts";

/** See BuildFiles.find. `matcher` makes the test for one part of a pattern. */
export function findSources(
  root: string,
  source: string,
  matcher: ((part: string) => (name: string) => boolean) | undefined,
): FoundSource[] {
  return withFd(openRoot(root), (top) => {
    if (matcher === undefined) {
      const found = describe(top, inner(source));
      if (found === undefined) throw noSuchFile(source);
      return [found];
    }
    const parts = byteString(source)
      .split("/")
      .filter((part) => part !== "" && part !== ".");
    return expand(top, "", parts, matcher)
      .toSorted()
      .flatMap((path) => describe(top, path) ?? []);
  });
}

function describe(top: number, path: ByteString): FoundSource | undefined {
  const status = statInside(top, path);
  if (status === undefined) return undefined;
  return { path: readable(path), kind: typeOf(status) === S.IFDIR ? "folder" : "file" };
}

function expand(
  top: number,
  folder: ByteString,
  parts: readonly string[],
  matcher: (part: string) => (name: string) => boolean,
): ByteString[] {
  const [part, ...rest] = parts;
  if (part === undefined) return [folder];
  const matches = matcher(readable(part));
  let names: ByteString[];
  try {
    names = withFd(openInside(top, folder, O.RDONLY | O.DIRECTORY), entriesOf).map((entry) => entry.name);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
  const prefix = folder === "" ? "" : `${folder}/`;
  return names.filter((name) => matches(readable(name))).flatMap((name) => expand(top, prefix + name, rest, matcher));
}
