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

/** busybox, being static, starts in half the time. Both copy what they read once they are where they should be. */
const PROGRAMS: readonly { file: string; prefix: string[]; copy: string[] }[] = [
  { file: "busybox", prefix: ["busybox"], copy: ["busybox", "cat"] },
  { file: "", prefix: [], copy: ["cat"] },
];

/**
 * Runs `body` (synchronous) while a process lives in new namespaces: `/proc/PID/ns/user` and `net` are to be opened or
 * bound meanwhile. A process of many threads, as we are, may not enter a user namespace itself, and a network
 * namespace belongs to the user namespace of who makes it. Takes 2–4 ms. Throws Error with the program's words.
 */
export function inNewNamespaces<T>(wish: NamespaceWish, body: (pid: number) => T): T {
  const input = openPipe();
  const output = openPipe();
  const complaint = openPipe();
  const ours = [input.write, output.read, complaint.read];
  let pid: number;
  try {
    pid = start(wish, new Map([input.read, output.write, complaint.write].entries()));
  } catch (error) {
    for (const fd of ours) closeFd(fd);
    throw error;
  } finally {
    for (const fd of [input.read, output.write, complaint.write]) closeFd(fd);
  }
  try {
    if (!echoes(input.write, output.read)) {
      throw new Error(fs.readFileSync(complaint.read, "utf8").trim() || "the namespaces cannot be made");
    }
    if ("map" in wish.user) {
      fs.writeFileSync(`/proc/${pid}/uid_map`, mapText(wish.user.map.uids));
      fs.writeFileSync(`/proc/${pid}/gid_map`, mapText(wish.user.map.gids));
    }
    return body(pid);
  } finally {
    for (const fd of ours) closeFd(fd);
    waitFor(pid);
  }
}

function start({ user, network }: NamespaceWish, fds: ReadonlyMap<number, number>): number {
  for (const { file, prefix, copy } of PROGRAMS) {
    const unshare = [...prefix, "unshare", ...("map" in user ? ["-U"] : []), ...(network ? ["-n"] : []), ...copy];
    const [program = "", ...argv] =
      "map" in user ? unshare : [...prefix, "nsenter", `--user=${user.path}`, ...(network ? unshare : copy)];
    try {
      return posixSpawn(program, argv, { PATH: process.env["PATH"] }, fds);
    } catch (error) {
      if (errnoOf(error) !== "ENOENT" || file === "") throw error;
    }
  }
  throw new Error("unreachable");
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
