import { GantryError } from "../../../base/errors.ts";

/** Mount flags by what they decide: of two that decide the same, the later wins. */
const FLAGS: Readonly<Record<string, string>> = {
  ro: "write",
  rw: "write",
  suid: "suid",
  nosuid: "suid",
  dev: "dev",
  nodev: "dev",
  exec: "exec",
  noexec: "exec",
  sync: "sync",
  async: "sync",
  dirsync: "dirsync",
  mand: "mand",
  nomand: "mand",
  atime: "atime",
  noatime: "atime",
  relatime: "atime",
  norelatime: "atime",
  strictatime: "atime",
  nostrictatime: "atime",
  diratime: "diratime",
  nodiratime: "diratime",
  private: "propagation",
  rprivate: "propagation",
  shared: "propagation",
  rshared: "propagation",
  slave: "propagation",
  rslave: "propagation",
  defaults: "defaults",
};

const VALUES = new Set(["size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol"]);

const DEFAULTS = ["rw", "noexec", "nosuid", "nodev"];

/**
 * A tmpfs' mount options over the defaults. Throws invalid BAD_TMPFS_OPTION in Docker's words.
 */
export function tmpfsOptions(given: readonly string[]): string[] {
  const flags = new Map<string, string>(DEFAULTS.map((flag) => [FLAGS[flag] ?? flag, flag]));
  const values = new Map<string, string>();
  for (const option of given.filter((text) => text !== "")) {
    const decides = FLAGS[option];
    const cut = option.indexOf("=");
    if (decides === "defaults") continue;
    if (decides !== undefined) flags.set(decides, option);
    else if (cut > 0 && VALUES.has(option.slice(0, cut))) values.set(option.slice(0, cut), option);
    else throw new GantryError("invalid", "BAD_TMPFS_OPTION", `invalid tmpfs option ["${option}"]`);
  }
  return [...flags.values(), ...values.values()];
}
