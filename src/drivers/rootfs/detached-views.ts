import fs from "node:fs";
import { errnoOf, GantryError, messageOf } from "../../base/errors.ts";
import type { Owner } from "../../base/id-map.ts";
import type { ContainerView, ContainerViews, ViewMount } from "../../ports/container-views.ts";
import type { ProcessHandle } from "../../ports/monitor.ts";
import { byteString, chownAt, mknodAt, O, openAt, readable, readlinkAt, S } from "../syscalls/files.ts";
import { closeFd, openFd } from "../syscalls/libc.ts";
import { attachMounts, cloneMounts, makeReadOnly, MS, mount } from "../syscalls/mount.ts";
import { inMountNamespace, inMountNamespaceCopy } from "../syscalls/namespaces.ts";
import { walk, withEntry } from "./walk.ts";

const GONE = new Set(["ENOENT", "ESRCH"]);

/** Where a view is put together, in a namespace that nobody else is in. */
const TABLE = "/dev";

/** ContainerViews as detached mount trees: put together in a short-lived namespace, then held by a descriptor alone. */
export class DetachedViews implements ContainerViews {
  ofProcess(process: ProcessHandle, destinations: readonly string[]): ContainerView {
    const namespace = openNamespace(process);
    const proc = openFd("/proc", O.PATH | O.DIRECTORY); // the host's: the container's own may lie
    const clones: number[] = [];
    // In a copy of the namespace nothing could be taken away: a user namespace's mounts are locked in there.
    const clone = (path: string, options?: { below: boolean }): number => {
      const fd = cloneMounts(path, options);
      clones.push(fd);
      return fd;
    };
    try {
      const { root, inside } = inMountNamespace(namespace, () => {
        const wanted = destinations.flatMap((path) => realPath(proc, path));
        const points = mountPoints(proc).filter((point) => wanted.some((path) => within(path, point)));
        return {
          root: clone("/", { below: false }),
          inside: topmost(points).map((point) => ({ point, fd: clone(point) })),
        };
      });
      return asView(
        inMountNamespaceCopy(() => {
          attachMounts(root, TABLE);
          const rootFd = openFd(TABLE, O.PATH | O.DIRECTORY);
          try {
            for (const { point, fd } of inside)
              withEntry(rootFd, byteString(point), O.PATH, (at) => attachMounts(fd, at));
          } finally {
            closeFd(rootFd);
          }
          return cloneMounts(TABLE);
        }),
      );
    } finally {
      for (const fd of [...clones, proc, namespace]) closeFd(fd);
    }
  }

  ofTree(root: string, mounts: readonly ViewMount[], owner: Owner = { uid: 0, gid: 0 }): ContainerView {
    const parentsFirst = mounts.toSorted((a, b) => depth(a.destination) - depth(b.destination));
    return asView(
      inMountNamespaceCopy(() => {
        for (const one of parentsFirst) attach(root, one, owner);
        return cloneMounts(root);
      }),
    );
  }
}

function asView(fd: number): ContainerView {
  let open = true;
  return {
    root: `/proc/self/fd/${fd}`,
    close() {
      if (open) closeFd(fd);
      open = false;
    },
  };
}

/** The process's mount namespace. The descriptor of its folder in /proc stays that process's, also when the pid is used again. */
function openNamespace({ pid, startTime }: ProcessHandle): number {
  const gone = (cause?: unknown): GantryError =>
    new GantryError("notFound", "NOT_RUNNING", `process ${pid} is gone`, { cause });
  let folder: number | undefined;
  try {
    folder = openFd(`/proc/${pid}`, O.RDONLY | O.DIRECTORY);
    const stat = readAt(folder, "stat");
    if (Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]) !== startTime) throw gone();
    return openAt(folder, "ns/mnt", O.RDONLY);
  } catch (error) {
    throw GONE.has(errnoOf(error) ?? "") ? gone(error) : error;
  } finally {
    if (folder !== undefined) closeFd(folder);
  }
}

function readAt(folder: number, path: string): string {
  const fd = openAt(folder, path, O.RDONLY);
  try {
    return fs.readFileSync(fd, "utf8");
  } finally {
    closeFd(fd);
  }
}

/** Where a path leads in this thread's root, without links; [] when it leads nowhere. */
function realPath(proc: number, path: string): string[] {
  try {
    const fd = openFd(path, O.PATH);
    try {
      return [readable(readlinkAt(proc, `thread-self/fd/${fd}`))];
    } finally {
      closeFd(fd);
    }
  } catch {
    return [];
  }
}

/** Of this thread's namespace, in the order they were mounted. */
const mountPoints = (proc: number): string[] =>
  readAt(proc, "thread-self/mountinfo")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) =>
      (line.split(" ")[4] ?? "").replace(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
    );

const within = (folder: string, path: string): boolean => path === folder || path.startsWith(`${folder}/`);

/** Without those below another of them, and each once. */
const topmost = (points: readonly string[]): string[] =>
  [...new Set(points)].filter((point) => !points.some((other) => other !== point && within(other, point)));

const depth = (path: string): number => path.split("/").filter(Boolean).length;

function attach(root: string, { source, destination, readOnly, folder }: ViewMount, owner: Owner): void {
  const rootFd = openFd(root, O.PATH | O.DIRECTORY);
  try {
    const real = makePoint(rootFd, destination, folder, owner);
    withEntry(rootFd, real, O.PATH, (fd) => mount(source, `/proc/self/fd/${fd}`, "", MS.BIND | MS.REC));
    // Looked up again: now it leads to what was mounted.
    if (readOnly) withEntry(rootFd, real, O.PATH, (fd) => makeReadOnly(`/proc/self/fd/${fd}`));
  } catch (cause) {
    throw new GantryError(
      "internal",
      "VIEW_FAILED",
      `cannot show ${destination} of the container: ${messageOf(cause)}`,
      {
        cause,
      },
    );
  } finally {
    closeFd(rootFd);
  }
}

const STUB_MODE = 0o755;

/** The mount point without links, made where it is missing. */
function makePoint(root: number, destination: string, folder: boolean, owner: Owner): string {
  const stub = { ...owner, mode: STUB_MODE };
  if (folder) return walk(root, destination, stub).join("/");
  const parts = walk(root, destination);
  const name = parts.at(-1) ?? "";
  const parent = walk(root, readable(parts.slice(0, -1).join("/")), stub).join("/");
  withEntry(root, parent, O.PATH | O.DIRECTORY, (dir) => {
    try {
      mknodAt(dir, byteString(readable(name)), S.IFREG | STUB_MODE);
      chownAt(dir, byteString(readable(name)), owner.uid, owner.gid);
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
    }
  });
  return parts.join("/");
}
