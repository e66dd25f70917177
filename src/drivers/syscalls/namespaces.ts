import path from "node:path";
import { check, closeFd, declare, openFd } from "./libc.ts";
import { MNT_DETACH, MS, mount, umount } from "./mount.ts";

const unshareNative = declare("int unshare(int flags)");
const setnsNative = declare("int setns(int fd, int type)");

const CLONE_FS = 0x00000200;
const CLONE_NEWNS = 0x00020000;
const CLONE_NEWNET = 0x40000000;

/**
 * Runs `body` with the calling thread in another network namespace. Synchronous by design: nothing else runs on
 * this thread meanwhile. Only what `body` does itself (sockets made, children spawned) is in the namespace.
 */
export function inNetworkNamespace<T>(path: string, body: () => T): T {
  const home = openFd("/proc/thread-self/ns/net", 0);
  const there = openFd(path, 0);
  try {
    check(setnsNative(there, CLONE_NEWNET), "setns", path);
    try {
      return body();
    } finally {
      check(setnsNative(home, CLONE_NEWNET), "setns", "home");
    }
  } finally {
    closeFd(there);
    closeFd(home);
  }
}

/** Runs `body` (synchronous) in a network namespace of its own that goes with it. */
export function inFreshNetworkNamespace<T>(body: () => T): T {
  const home = openFd("/proc/thread-self/ns/net", 0);
  try {
    check(unshareNative(CLONE_NEWNET), "unshare", "net");
    try {
      return body();
    } finally {
      check(setnsNative(home, CLONE_NEWNET), "setns", "home");
    }
  } finally {
    closeFd(home);
  }
}

/** Makes a network namespace and binds it to `path`, an existing empty file. The thread stays where it was. */
export const createNetworkNamespace = (path: string): void =>
  inFreshNetworkNamespace(() => mount("/proc/thread-self/ns/net", path, "none", MS.BIND));

/** Runs `body` (synchronous) in the mount namespace that the descriptor `of` is for, whose root is then `/`. */
export const inMountNamespace = <T>(of: number, body: () => T): T =>
  awayFromHome(() => check(setnsNative(of, CLONE_NEWNS), "setns", "mnt"), body);

/** Runs `body` (synchronous) in a fresh copy of this thread's mount namespace. Nothing mounted in the copy shows elsewhere. */
export const inMountNamespaceCopy = <T>(body: () => T): T =>
  awayFromHome(() => {
    check(unshareNative(CLONE_NEWNS), "unshare", "mnt");
    mount("none", "/", "", MS.REC | MS.PRIVATE);
  }, body);

function awayFromHome<T>(go: () => void, body: () => T): T {
  const cwd = process.cwd();
  const home = openFd("/proc/thread-self/ns/mnt", 0);
  try {
    check(unshareNative(CLONE_FS), "unshare", "fs"); // setns wants a root and a working folder of its own
    try {
      go();
      return body();
    } finally {
      check(setnsNative(home, CLONE_NEWNS), "setns", "home");
      process.chdir(cwd);
    }
  } finally {
    closeFd(home);
  }
}

/**
 * Runs `body` in a copy of the mount namespace with `hide` unmounted in the copy only. Else the two are the same: shared
 * mounts stay so, both ways. The copy lasts as long as a child that `body` spawns.
 */
export const withoutMount = <T>(hide: string, body: () => T): T =>
  awayFromHome(() => {
    check(unshareNative(CLONE_NEWNS), "unshare", "mnt");
    mount("none", path.dirname(hide), "", MS.REC | MS.SLAVE);
    umount(hide, MNT_DETACH);
  }, body);
