import { type ByteString, O, openAt2, RESOLVE, type Status, S, statAt, typeOf } from "../syscalls/files.ts";
import { closeFd } from "../syscalls/libc.ts";
import { entriesOf } from "../syscalls/remove-tree.ts";

export interface Entry {
  /** The open folder that it is in; valid until the next step. */
  dir: number;
  name: ByteString;
  /** Relative to where the walk began. */
  path: ByteString;
  status: Status;
}

/** Nesting beyond this is refused: each level holds a descriptor. */
const DEEPEST = 512;

/**
 * All entries below an open folder, sorted by name within each folder, folders before what they hold. Links are not
 * followed. `enter` says for each folder whether to go in.
 */
export function* walk(
  dir: number,
  enter: (entry: Entry) => boolean = () => true,
  prefix: ByteString = "",
  depth = 0,
): Generator<Entry, void> {
  if (depth > DEEPEST) throw new RangeError(`folders are nested more than ${DEEPEST} deep`);
  const names = entriesOf(dir)
    .map((entry) => entry.name)
    .toSorted((a, b) => (a < b ? -1 : 1));
  for (const name of names) {
    const entry: Entry = { dir, name, path: prefix + name, status: statAt(dir, name) };
    yield entry;
    if (typeOf(entry.status) !== S.IFDIR || !enter(entry)) continue;
    const inner = openAt2(dir, name, O.RDONLY | O.DIRECTORY | O.NOFOLLOW, RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS);
    try {
      yield* walk(inner, enter, `${entry.path}/`, depth + 1);
    } finally {
      closeFd(inner);
    }
  }
}
