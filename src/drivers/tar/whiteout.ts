import type { ByteString } from "../syscalls/files.ts";
import { badArchive } from "./entry.ts";

/** OCI's marks in a layer's tar. */
export const WHITEOUT = ".wh.";
export const OPAQUE = ".wh..wh..opq";
const RESERVED = ".wh..wh.";
export const OPAQUE_XATTR = "trusted.overlay.opaque";

export type Mark =
  | { kind: "none" }
  /** The folder hides what lower layers have in it. */
  | { kind: "opaque" }
  /** The name is deleted. */
  | { kind: "whiteout"; name: ByteString }
  /** Bookkeeping of AUFS, of no use here. */
  | { kind: "ignored" };

/** What an entry's path means in a layer. Throws BAD_ARCHIVE for marks that name nothing, or `.` or `..`. */
export function markOf(parts: ByteString[]): Mark {
  const last = parts.at(-1) ?? "";
  if (parts.some((part) => part.startsWith(RESERVED) && part !== OPAQUE)) return { kind: "ignored" };
  if (parts.slice(0, -1).some((part) => part.startsWith(WHITEOUT)))
    throw badArchive("below a whiteout", parts.join("/"));
  if (last === OPAQUE) return { kind: "opaque" };
  if (!last.startsWith(WHITEOUT)) return { kind: "none" };
  const name = last.slice(WHITEOUT.length);
  if (name === "" || name === "." || name === "..") throw badArchive("whiteout of no name", parts.join("/"));
  return { kind: "whiteout", name };
}
