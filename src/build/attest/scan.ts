import type { BuildFiles } from "../../ports/build-files.ts";
import { pathMatcher } from "../glob.ts";
import { isGantryError } from "../../base/errors.ts";
import {
  alpinePackages,
  debianPackages,
  type Distribution,
  distributionOf,
  type FoundPackage,
  nodePackages,
  pythonPackages,
} from "./packages.ts";

const LIMIT = 64 * 1024 * 1024;

type Files = Pick<BuildFiles, "find" | "readText">;
type Reader = (text: string, origin: string, os: Distribution) => FoundPackage[];

const READERS: [pattern: string, read: Reader][] = [
  ["var/lib/dpkg/status", debianPackages],
  ["var/lib/dpkg/status.d/*", debianPackages],
  ["lib/apk/db/installed", alpinePackages],
  ["usr/lib/apk/db/installed", alpinePackages],
  ["**/node_modules/*/package.json", nodePackages],
  ["**/node_modules/@*/*/package.json", nodePackages],
  ["**/*.dist-info/METADATA", pythonPackages],
  ["**/*.egg-info/PKG-INFO", pythonPackages],
];

/** What the files below a root say is installed there. */
export function installedPackages(files: Files, root: string): FoundPackage[] {
  const os = distributionOf(textAt(files, root, "etc/os-release") ?? textAt(files, root, "usr/lib/os-release") ?? "");
  return READERS.flatMap(([pattern, read]) =>
    found(files, root, pattern).flatMap((path) => {
      const text = textAt(files, root, path);
      return text === undefined ? [] : read(text, path, os);
    }),
  );
}

const found = (files: Files, root: string, pattern: string): string[] =>
  files
    .find(root, pattern, (part) => (part === "**" ? "deep" : pathMatcher(part)))
    .flatMap(({ path, kind }) => (kind === "file" ? [path] : []));

/** What can't be read (too large, a link to nowhere) says nothing. */
function textAt(files: Files, root: string, path: string): string | undefined {
  try {
    return files.readText(root, path, LIMIT);
  } catch (error) {
    if (isGantryError(error)) return undefined;
    throw error;
  }
}
