/** By this file at the top programs tell that they run in a container, systemd among them. */
export const MARK = ".dockerenv";

/** The mark, and what runtimes make in the tree to mount upon. They belong to no image. Children first. */
export const RUNTIME_STUBS: readonly string[] = [
  `/${MARK}`,
  "/etc/resolv.conf",
  "/etc/hosts",
  "/etc/hostname",
  "/etc/mtab",
  "/dev/console",
  "/dev/pts",
  "/dev/shm",
  "/dev/mqueue",
  "/dev",
  "/proc",
  "/sys",
  "/etc",
];
