/** By this file at the top programs tell that they run in a container, systemd among them. */
export const MARK = ".dockerenv";

/** Where old programs look for what is mounted; Docker makes it where the image has none. */
export const MOUNT_TABLE = { path: "/etc/mtab", target: "/proc/mounts" };

/** What the engine puts there, and what runtimes make in the tree to mount upon. They belong to no image. Children first. */
export const RUNTIME_STUBS: readonly string[] = [
  `/${MARK}`,
  "/etc/resolv.conf",
  "/etc/hosts",
  "/etc/hostname",
  MOUNT_TABLE.path,
  "/dev/console",
  "/dev/pts",
  "/dev/shm",
  "/dev/mqueue",
  "/dev",
  "/proc",
  "/sys",
  "/etc",
];
