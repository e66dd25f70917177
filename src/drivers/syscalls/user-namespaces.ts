import fs from "node:fs";
import { errnoOf } from "../../base/errors.ts";
import { type IdMap, mapText } from "../../base/id-map.ts";
import { closeFd } from "./libc.ts";
import { openPipe, posixSpawn, waitFor } from "./spawn.ts";

export interface NamespaceWish {
  /** A new user namespace with this map, or the one bound to a path. */
  user: { map: IdMap } | { path: string };
  /** A network namespace that belongs to it as well. */
  network: boolean;
}

interface Program {
  prefix: string[];
  /** Copies what it reads, once it is where it should be. */
  copy: string[];
}

/** busybox, being static, starts in half the time; not everybody's has all of this. */
const PROGRAMS: readonly Program[] = [
  { prefix: ["busybox"], copy: ["busybox", "cat"] },
  { prefix: [], copy: ["cat"] },
];

/**
 * Runs `body` (synchronous) while a process lives in new namespaces: `/proc/PID/ns/user` and `net` are to be opened or
 * bound meanwhile. A process of many threads, as we are, may not enter a user namespace itself, and a network
 * namespace belongs to the user namespace of who makes it. Takes 2–4 ms. Throws Error with the program's words.
 */
export function inNewNamespaces<T>(wish: NamespaceWish, body: (pid: number) => T): T {
  let failure = new Error("there is neither busybox nor unshare and nsenter");
  for (const program of PROGRAMS) {
    const helper = start(program, wish);
    try {
      if ("pid" in helper) {
        if ("map" in wish.user) {
          fs.writeFileSync(`/proc/${helper.pid}/uid_map`, mapText(wish.user.map.uids));
          fs.writeFileSync(`/proc/${helper.pid}/gid_map`, mapText(wish.user.map.gids));
        }
        return body(helper.pid);
      }
      failure = helper.failure;
    } finally {
      helper.end();
    }
  }
  throw failure;
}

function start(program: Program, wish: NamespaceWish): ({ pid: number } | { failure: Error }) & { end(): void } {
  const [input, output, complaint] = [openPipe(), openPipe(), openPipe()];
  const closeOurs = (): void => [input.write, output.read, complaint.read].forEach(closeFd);
  const theirs = [input.read, output.write, complaint.write];
  const [file = "", ...argv] = commandLine(program, wish);
  let pid: number;
  try {
    pid = posixSpawn(file, argv, { PATH: process.env["PATH"] }, new Map(theirs.entries()));
  } catch (error) {
    return { failure: error as Error, end: closeOurs };
  } finally {
    theirs.forEach(closeFd);
  }
  const end = (): void => {
    closeOurs();
    waitFor(pid);
  };
  if (echoes(input.write, output.read)) return { pid, end };
  return { failure: new Error(fs.readFileSync(complaint.read, "utf8").trim() || `${file} ended`), end };
}

function commandLine({ prefix, copy }: Program, { user, network }: NamespaceWish): string[] {
  const within = network ? [...prefix, "unshare", "-n", ...copy] : copy;
  if ("path" in user) return [...prefix, "nsenter", `--user=${user.path}`, ...within];
  return [...prefix, "unshare", "-U", ...(network ? ["-n"] : []), ...copy];
}

/** Whether the process copies a byte: it is where it should be, or it has ended. */
function echoes(to: number, from: number): boolean {
  try {
    fs.writeSync(to, "\n");
    return fs.readSync(from, Buffer.alloc(1)) === 1;
  } catch (error) {
    if (errnoOf(error) === "EPIPE") return false;
    throw error;
  }
}
