import { MS } from "../syscalls/mount.ts";

const NOATIME = 1024;
const NODIRATIME = 2048;
const RELATIME = 1 << 21;
const STRICTATIME = 1 << 24;
const SYNCHRONOUS = 16;
const DIRSYNC = 128;

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
};

/** "size=1m,nosuid" → mount(2)'s flags, and what only the file system itself understands. */
export function readMountOptions(text: string): { flags: number; data: string } {
  let flags = 0;
  const data: string[] = [];
  for (const word of text.split(",").filter((part) => part !== "")) {
    const known = WORDS[word];
    if (known === undefined) data.push(word);
    else flags = (flags | (known.set ?? 0)) & ~(known.clear ?? 0);
  }
  return { flags, data: data.join(",") };
}
