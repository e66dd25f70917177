import { MS } from "../syscalls/mount.ts";

const NOATIME = 1024;
const NODIRATIME = 2048;
const RELATIME = 1 << 21;
const STRICTATIME = 1 << 24;
const SYNCHRONOUS = 16;
const DIRSYNC = 128;
const MANDLOCK = 64;

/** mount(8)'s words → flags to set; a leading "-" in the table clears. */
const WORDS: Readonly<Record<string, { set?: number; clear?: number }>> = {
  defaults: {},
  ro: { set: MS.RDONLY },
  rw: { clear: MS.RDONLY },
  nosuid: { set: MS.NOSUID },
  suid: { clear: MS.NOSUID },
  nodev: { set: MS.NODEV },
  dev: { clear: MS.NODEV },
  noexec: { set: MS.NOEXEC },
  exec: { clear: MS.NOEXEC },
  sync: { set: SYNCHRONOUS },
  async: { clear: SYNCHRONOUS },
  dirsync: { set: DIRSYNC },
  bind: { set: MS.BIND },
  rbind: { set: MS.BIND | MS.REC },
  noatime: { set: NOATIME },
  atime: { clear: NOATIME },
  nodiratime: { set: NODIRATIME },
  diratime: { clear: NODIRATIME },
  relatime: { set: RELATIME },
  norelatime: { clear: RELATIME },
  strictatime: { set: STRICTATIME },
  nostrictatime: { clear: STRICTATIME },
  mand: { set: MANDLOCK },
  nomand: { clear: MANDLOCK },
};

/** How mounts travel; it is set on what is mounted, in a second step. */
const PROPAGATIONS: Readonly<Record<string, number>> = {
  private: MS.PRIVATE,
  rprivate: MS.PRIVATE | MS.REC,
  shared: MS.SHARED,
  rshared: MS.SHARED | MS.REC,
  slave: MS.SLAVE,
  rslave: MS.SLAVE | MS.REC,
  unbindable: MS.UNBINDABLE,
  runbindable: MS.UNBINDABLE | MS.REC,
};

export interface MountWords {
  flags: number;
  propagation?: number;
  /** What only the file system itself understands. */
  data: string;
}

/** "size=1m,nosuid", as mount(8) has it, for mount(2). */
export function readMountOptions(text: string): MountWords {
  let flags = 0;
  let propagation: number | undefined;
  const data: string[] = [];
  for (const word of text.split(",").filter((part) => part !== "")) {
    const known = WORDS[word];
    if (PROPAGATIONS[word] !== undefined) propagation = PROPAGATIONS[word];
    else if (known === undefined) data.push(word);
    else flags = (flags | (known.set ?? 0)) & ~(known.clear ?? 0);
  }
  return { flags, ...(propagation !== undefined && { propagation }), data: data.join(",") };
}
