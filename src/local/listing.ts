import { createHash } from "node:crypto";
import type { ListedEntry } from "../base/build-session.ts";
import { type Found, packed, packedText, type PackOptions, walk } from "./pack.ts";
import { trailer } from "./tar-writer.ts";

/** Milliseconds in which a second change of a file might not show in its times. */
const BLUR = 100;

/** A folder's entries, for an engine that kept an earlier state of it, and the tar of those that it wants. */
export interface Listing {
  entries: ListedEntry[];
  /** `wanted`, here and below: positions in `entries`. Bytes of these files. */
  size(wanted: readonly number[]): number;
  tar(wanted: readonly number[]): Generator<Buffer>;
}

/** Throws the file system's errors. */
export function listFolder(root: string, options: PackOptions): Listing {
  const began = Date.now();
  const found = [...walk(root, options)];
  const extra = options.extra ?? [];
  const entries: ListedEntry[] = [
    ...found.map((one): ListedEntry => [one.name, stampOf(one, began)]),
    ...extra.map(({ name, content }): ListedEntry => [name, `t${createHash("sha256").update(content).digest("hex")}`]),
  ];
  return {
    entries,
    size: (wanted) =>
      wanted.reduce((sum, position) => {
        const stat = found[position]?.stat;
        return sum + (stat?.isFile() ? stat.size : 0);
      }, 0),
    *tar(wanted) {
      for (const position of wanted) {
        const one = found[position];
        const text = extra[position - found.length];
        if (one) yield* packed(one, options);
        else if (text) yield* packedText(text.name, text.content);
      }
      yield trailer();
    },
  };
}

/** A stamp without what makes it a new one each time. */
export const settled = (stamp: string): string => stamp.replace(/~\d+/, "");

/** Begins with "d" for a folder. Two states of a file have two stamps; what may still change unseen has a new one each time. */
function stampOf({ stat, link, bytes }: Found, now: number): string {
  const type = stat.isDirectory() ? "d" : stat.isFile() ? "f" : "o";
  // A folder's own times change with what is in it.
  const inode = type === "d" ? "" : `${stat.ino}:${stat.size}:${stat.ctimeMs}`;
  // By its text the engine could take a name that is none for another one: it goes over each time.
  const passing = bytes !== undefined || (type !== "d" && stat.ctimeMs > now - BLUR) ? `~${now}` : "";
  const first = link === undefined ? "" : `:${link}`;
  return `${type}${stat.mode.toString(8)}${passing}:${inode}:${stat.mtimeMs}${first}`;
}
