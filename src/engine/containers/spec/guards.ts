import path from "node:path";
import { GantryError } from "../../../base/errors.ts";
import type { NewOwner, Rootfs } from "../../../ports/rootfs.ts";

/** Where the kernel's own file systems are mounted. */
const KERNEL_FOLDERS = ["/dev", "/proc", "/sys"];

/** The parts of /dev that a container may replace. */
const REPLACEABLE = ["/dev/shm", "/dev/mqueue"];

/** The host's control groups, for an init such as systemd. It lies in the kernel's own /sys: no image can lead it astray. */
const CONTROL_GROUPS = "/sys/fs/cgroup";

const within = (folder: string, target: string): boolean => target === folder || target.startsWith(`${folder}/`);

/**
 * No user mount lands in /dev, /proc or /sys, except on /dev/shm, /dev/mqueue and /sys/fs/cgroup: an old runtime can be
 * led astray there. `resolved` is the destination after the image's links. A privileged container owns the host anyway, so only
 * /proc stays closed to it. Throws invalid UNSAFE_MOUNT.
 */
export function refuseMountTarget(destination: string, resolved: string, privileged: boolean): void {
  if (resolved === CONTROL_GROUPS || REPLACEABLE.some((folder) => within(folder, resolved))) return;
  const folder = KERNEL_FOLDERS.find((name) => within(name, resolved));
  if (folder === undefined || (privileged && folder !== "/proc")) return;
  const leads = resolved === destination ? "is" : `leads to ${resolved},`;
  throw new GantryError(
    "invalid",
    "UNSAFE_MOUNT",
    `invalid mount config: destination ${destination} ${leads} inside ${folder}, which belongs to the kernel`,
    { hint: `mount it elsewhere, for example at /host${destination}; single devices go with --device` },
  );
}

const PROC_FD = /^\/proc\/([^/]+\/)?(task\/[^/]+\/)?(fd|fdinfo|cwd|root|exe)(\/|$)/;

/**
 * A working folder in /proc/<pid>/fd would be a descriptor that a runtime forgot to close: a way into the host.
 * Throws invalid UNSAFE_WORKDIR.
 */
export function refuseProcFd(workingDirectory: string): void {
  // also before `..` is taken away: in the kernel's eyes it starts at the descriptor's target
  const written = `/${workingDirectory
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/")}`;
  if (!PROC_FD.test(written) && !PROC_FD.test(path.posix.resolve("/", workingDirectory))) return;
  throw new GantryError(
    "invalid",
    "UNSAFE_WORKDIR",
    `the working directory '${workingDirectory}' is refused: it leads through a process's descriptors`,
    { hint: "choose an ordinary folder" },
  );
}

/**
 * The working folder made ready: refused if it, or what the image's links make of it, leads through a process's
 * descriptors; else made if missing, unless the kernel's file systems will cover it. Throws invalid UNSAFE_WORKDIR,
 * BAD_WORKDIR and BAD_ROOTFS_PATH.
 */
export function prepareWorkingDirectory(rootfs: Rootfs, root: string, workingDirectory: string, owner: NewOwner): void {
  refuseProcFd(workingDirectory);
  const resolved = rootfs.resolve(root, workingDirectory);
  refuseProcFd(resolved);
  if (KERNEL_FOLDERS.some((folder) => within(folder, resolved))) return;
  const found = rootfs.stat(root, resolved);
  if (found !== undefined && found.type !== "directory") {
    throw new GantryError("invalid", "BAD_WORKDIR", `Cannot mkdir: ${workingDirectory} is not a directory`, {
      hint: `the image has something else at ${workingDirectory}: choose another -w or WORKDIR`,
    });
  }
  rootfs.ensureDirectory(root, resolved, owner);
}
