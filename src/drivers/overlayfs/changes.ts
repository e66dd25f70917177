import { type ByteString, O, openAt, readable, S, type Status, statIfAny, typeOf } from "../syscalls/files.ts";
import { closeFd, openFd } from "../syscalls/libc.ts";
import { entriesOf } from "../syscalls/remove-tree.ts";
import { getXattr } from "../syscalls/xattr.ts";
import { idleStubs } from "./stubs.ts";

export interface Change {
  path: string;
  /** 0 modified, 1 added, 2 deleted */
  kind: 0 | 1 | 2;
}

const FOLDER = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;

/** An overlay's whiteout: a device that cannot exist. */
const isWhiteout = (status: Status): boolean => typeOf(status) === S.IFCHR && status.major === 0 && status.minor === 0;

/** A file that was only copied up, or a folder that is there for what is in it, is no change. */
function differs(a: Status, b: Status): boolean {
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid || a.major !== b.major || a.minor !== b.minor)
    return true;
  if (typeOf(a) === S.IFDIR) return false;
  return a.size !== b.size || a.mtime.seconds !== b.mtime.seconds || a.mtime.nanoseconds !== b.mtime.nanoseconds;
}

/**
 * What an upper folder changes in the tree `lower` (layers below, mounted), sorted by path. A folder counts as
 * modified when something in it is, as Docker has it. Comes in small steps so that the caller can pause.
 */
export function* changesIn(upper: string, lower: string, stubs: readonly string[]): Generator<undefined, Change[]> {
  const changes: Change[] = [];
  const upperFd = openFd(upper, O.RDONLY | O.DIRECTORY);
  const lowerFd = openFd(lower, O.RDONLY | O.DIRECTORY);
  try {
    const idle = idleStubs(upperFd, lowerFd, stubs);
    yield* walk(upperFd, lowerFd, "", { changes, idle });
  } finally {
    closeFd(upperFd);
    closeFd(lowerFd);
  }
  const found = changes.map(({ path, kind }) => ({ path: readable(path), kind }));
  return found.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

interface Found {
  changes: Change[];
  /** Left out. */
  idle: ReadonlySet<ByteString>;
}

/** The stubs that changesIn leaves out, as paths from the root. */
export function unusedStubs(upper: string, lower: string, stubs: readonly string[]): string[] {
  const upperFd = openFd(upper, O.RDONLY | O.DIRECTORY);
  const lowerFd = openFd(lower, O.RDONLY | O.DIRECTORY);
  try {
    return [...idleStubs(upperFd, lowerFd, stubs)].map(readable);
  } finally {
    closeFd(upperFd);
    closeFd(lowerFd);
  }
}

function* walk(upper: number, lower: number | undefined, path: ByteString, found: Found): Generator<undefined, void> {
  const out = found.changes;
  const entries = entriesOf(upper);
  if (lower !== undefined && getXattr(upper, "trusted.overlay.opaque")?.toString() === "y") {
    const kept = new Set(entries.map((entry) => entry.name));
    for (const { name } of entriesOf(lower)) if (!kept.has(name)) out.push({ path: `${path}/${name}`, kind: 2 });
  }
  for (const { name } of entries) {
    yield;
    if (found.idle.has(`${path}/${name}`.slice(1))) continue;
    const status = statIfAny(upper, name);
    if (status === undefined) continue; // gone meanwhile: the container runs
    const before = lower === undefined ? undefined : statIfAny(lower, name);
    const full = `${path}/${name}`;
    if (isWhiteout(status)) {
      if (before !== undefined) out.push({ path: full, kind: 2 });
      continue;
    }
    if (typeOf(status) === S.IFDIR) yield* folder({ upper, lower, name, full, status, before, found });
    else if (before === undefined) out.push({ path: full, kind: 1 });
    else if (differs(status, before)) out.push({ path: full, kind: 0 });
  }
}

interface FolderChange {
  upper: number;
  lower: number | undefined;
  name: ByteString;
  full: ByteString;
  status: Status;
  before: Status | undefined;
  found: Found;
}

function* folder({ upper, lower, name, full, status, before, found }: FolderChange): Generator<undefined, void> {
  const out = found.changes;
  const changes = out.length;
  const upperFd = openAt(upper, name, FOLDER);
  const same = lower !== undefined && before !== undefined && typeOf(before) === S.IFDIR;
  const lowerFd = same ? openAt(lower, name, FOLDER) : undefined;
  try {
    yield* walk(upperFd, lowerFd, full, found);
  } finally {
    closeFd(upperFd);
    if (lowerFd !== undefined) closeFd(lowerFd);
  }
  if (before === undefined) out.push({ path: full, kind: 1 });
  else if (out.length > changes || differs(status, before)) out.push({ path: full, kind: 0 });
}

/** Bytes of the files below a folder, hard-linked ones once. Comes in small steps. */
export function* bytesBelow(root: string): Generator<undefined, number> {
  const seen = new Set<string>();
  const fd = openFd(root, O.RDONLY | O.DIRECTORY);
  try {
    return yield* sum(fd, seen);
  } finally {
    closeFd(fd);
  }
}

function* sum(fd: number, seen: Set<string>): Generator<undefined, number> {
  let bytes = 0;
  for (const { name, folder } of entriesOf(fd)) {
    yield;
    if (folder) {
      const inner = openAt(fd, name, FOLDER);
      try {
        bytes += yield* sum(inner, seen);
      } finally {
        closeFd(inner);
      }
      continue;
    }
    const status = statIfAny(fd, name);
    if (status === undefined || typeOf(status) !== S.IFREG) continue;
    if (status.links > 1 && seen.size === seen.add(status.identity).size) continue;
    bytes += status.size;
  }
  return bytes;
}

const STEPS = 256;

/** Runs a walk to its end, giving other work its turn every few hundred steps. */
export async function gently<T>(steps: Generator<undefined, T>): Promise<T> {
  for (let count = 1; ; count++) {
    const step = steps.next();
    if (step.done) return step.value;
    if (count % STEPS === 0) await new Promise((resolve) => void setImmediate(resolve));
  }
}
