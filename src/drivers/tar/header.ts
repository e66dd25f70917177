import type { ByteString, Timestamp } from "../syscalls/files.ts";
import { BLOCK, badArchive, type Entry, type EntryType } from "./entry.ts";
import { formatTime, parseDecimal, parseNumber, parseTime } from "./numbers.ts";
import { formatPax, type PaxRecord } from "./pax.ts";

/** A header block as it stands, before extensions. */
export interface RawHeader {
  /** The type as the archive has it. */
  flag: string;
  /** `size`: bytes stored, whatever the type. */
  entry: Entry;
}

/** What extended headers before an entry said. */
export interface Extensions {
  records: PaxRecord[];
  /** GNU 'L' and 'K'. */
  name?: ByteString;
  link?: ByteString;
}

const text = (block: Buffer, start: number, length: number): ByteString => {
  const nul = block.indexOf(0, start);
  return block.toString("latin1", start, nul < 0 || nul > start + length ? start + length : nul);
};

/** Parses a header block; undefined when it is all zero. Verifies the checksum. */
export function parseHeader(block: Buffer): RawHeader | undefined {
  let unsigned = 8 * 0x20; // the checksum counts itself as spaces
  let signed = unsigned;
  let any = 0;
  for (let i = 0; i < BLOCK; i++) {
    const byte = block[i]!;
    any |= byte;
    if (i >= 148 && i < 156) continue;
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  if (any === 0) return undefined;
  const sum = parseNumber(block, 148, 8);
  if (sum !== unsigned && sum !== signed) throw badArchive("not a tar header (wrong checksum)");
  const magic = block.toString("latin1", 257, 265);
  const posix = magic.startsWith("ustar\0");
  const known = posix || magic.startsWith("ustar ");
  let name = text(block, 0, 100);
  if (posix) {
    const star = block.toString("latin1", 508, 512) === "tar\0";
    const prefix = text(block, 345, star ? 131 : 155);
    if (prefix !== "") name = `${prefix}/${name}`;
  }
  const flag = block[156] === 0 ? "0" : String.fromCharCode(block[156]!);
  const size = parseNumber(block, 124, 12);
  if (size < 0) throw badArchive("negative size", name);
  const device = known && (flag === "3" || flag === "4");
  const entry: Entry = {
    type: "file",
    name,
    link: text(block, 157, 100),
    size,
    mode: parseNumber(block, 100, 8),
    uid: parseNumber(block, 108, 8),
    gid: parseNumber(block, 116, 8),
    mtime: { seconds: parseNumber(block, 136, 12), nanoseconds: 0 },
    major: device ? parseNumber(block, 329, 8) : 0,
    minor: device ? parseNumber(block, 337, 8) : 0,
    xattrs: new Map(),
    sparse: false,
  };
  return { flag, entry };
}

const TYPES: Record<string, EntryType> = {
  "0": "file",
  "7": "file",
  S: "file",
  "1": "link",
  "2": "symlink",
  "3": "char",
  "4": "block",
  "5": "dir",
  "6": "fifo",
};

export function typeOfFlag(header: RawHeader): EntryType {
  const type = TYPES[header.flag];
  if (type === undefined) throw badArchive(`unknown type ${JSON.stringify(header.flag)}`, header.entry.name);
  return type;
}

const nameValue = (value: Buffer, key: string): ByteString => {
  if (value.includes(0)) throw badArchive(`NUL in PAX ${key}`);
  return value.toString("latin1");
};

const LIBARCHIVE = "LIBARCHIVE.xattr.";
const SCHILY = "SCHILY.xattr.";
const ID_MAX = 0xfffffffe;

/** The entry with its extensions, and how many bytes of it are stored in the archive. */
export function applyPax(
  { entry }: RawHeader,
  type: EntryType,
  extensions: Extensions,
): { entry: Entry; stored: number } {
  entry.type = type;
  if (extensions.name !== undefined) entry.name = extensions.name;
  if (extensions.link !== undefined) entry.link = extensions.link;
  for (const [key, value] of extensions.records) applyRecord(entry, key, value);
  if (entry.size < 0) throw badArchive("negative size", entry.name);
  for (const id of [entry.uid, entry.gid]) {
    if (id < 0 || id > ID_MAX) throw badArchive("owner out of range", entry.name);
  }
  entry.mode &= 0o7777;
  // Links, folders and devices have no data, whatever their size field says; so do archives of other writers read it.
  const stored = type === "file" ? entry.size : 0;
  if (type === "file" && entry.name.endsWith("/")) entry.type = "dir"; // V7 has no type for folders
  if (entry.type !== "file") entry.size = 0;
  return { entry, stored };
}

function applyRecord(entry: Entry, key: ByteString, value: Buffer): void {
  if (value.length === 0 && !key.includes(".xattr.")) return; // an empty value means "as if not given"
  if (key === "path") entry.name = nameValue(value, key);
  else if (key === "linkpath") entry.link = nameValue(value, key);
  else if (key === "size") entry.size = parseDecimal(value.toString("latin1"), key);
  else if (key === "uid") entry.uid = parseDecimal(value.toString("latin1"), key);
  else if (key === "gid") entry.gid = parseDecimal(value.toString("latin1"), key);
  else if (key === "mtime") entry.mtime = parseTime(value.toString("latin1"));
  else if (key.startsWith(SCHILY)) entry.xattrs.set(key.slice(SCHILY.length), value);
  else if (key.startsWith(LIBARCHIVE)) {
    const name = key.slice(LIBARCHIVE.length);
    const decoded = name.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    if (!entry.xattrs.has(decoded) && !decoded.includes("\0")) {
      entry.xattrs.set(decoded, Buffer.from(value.toString("latin1"), "base64"));
    }
  }
}

const FLAGS: Record<EntryType, string> = {
  file: "0",
  link: "1",
  symlink: "2",
  char: "3",
  block: "4",
  dir: "5",
  fifo: "6",
};

const OCTAL_7 = 0o7777777;
const OCTAL_11 = 0o77777777777;

/** The blocks before an entry's data: a PAX header where ustar's fields do not suffice or there is `more`, then the ustar header. */
export function formatHeader(entry: Entry, more: readonly PaxRecord[] = []): Buffer {
  const records: PaxRecord[] = [...more];
  const put = (key: string, value: string): void => void records.push([key, Buffer.from(value, "latin1")]);
  const split = splitName(entry.name);
  if (split === undefined) put("path", entry.name);
  if (entry.link.length > 100) put("linkpath", entry.link);
  if (entry.size > OCTAL_11) put("size", String(entry.size));
  if (entry.uid > OCTAL_7) put("uid", String(entry.uid));
  if (entry.gid > OCTAL_7) put("gid", String(entry.gid));
  const { seconds, nanoseconds } = entry.mtime;
  if (nanoseconds !== 0 || seconds < 0 || seconds > OCTAL_11) put("mtime", formatTime(entry.mtime));
  for (const [name, value] of entry.xattrs) records.push([SCHILY + name, value]);
  const main = ustar(entry, split ?? { prefix: "", name: entry.name.slice(0, 100) }, FLAGS[entry.type]);
  if (records.length === 0) return main;
  const body = formatPax(records);
  const base = entry.name.replace(/\/+$/, "").split("/").at(-1) ?? "";
  const extended = ustar(
    { ...entry, size: body.length, mode: 0o644, uid: 0, gid: 0, mtime: EPOCH, link: "", major: 0, minor: 0 },
    { prefix: "", name: `PaxHeaders/${base}`.slice(0, 100) },
    "x",
  );
  return Buffer.concat([extended, body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK), main]);
}

const EPOCH: Timestamp = { seconds: 0, nanoseconds: 0 };

/** ustar's two name fields, or undefined when the name does not fit. */
function splitName(name: ByteString): { prefix: ByteString; name: ByteString } | undefined {
  if (name.length <= 100) return { prefix: "", name };
  if (name.length > 256) return undefined;
  const slash = name.lastIndexOf("/", 155);
  const rest = name.length - slash - 1;
  return slash > 0 && rest > 0 && rest <= 100
    ? { prefix: name.slice(0, slash), name: name.slice(slash + 1) }
    : undefined;
}

function ustar(
  entry: Omit<Entry, "type" | "xattrs" | "sparse">,
  split: { prefix: ByteString; name: ByteString },
  flag: string,
): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, digits: number, max: number): void => {
    block.write(`${(value < 0 || value > max ? 0 : value).toString(8).padStart(digits, "0")}\0`, at, "latin1");
  };
  block.write(split.name, 0, "latin1");
  octal(entry.mode, 100, 7, OCTAL_7);
  octal(entry.uid, 108, 7, OCTAL_7);
  octal(entry.gid, 116, 7, OCTAL_7);
  octal(entry.size, 124, 11, OCTAL_11);
  octal(entry.mtime.seconds, 136, 11, OCTAL_11);
  block.write("        ", 148, "latin1");
  block.write(flag, 156, "latin1");
  block.write(entry.link.slice(0, 100), 157, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  octal(entry.major, 329, 7, OCTAL_7);
  octal(entry.minor, 337, 7, OCTAL_7);
  block.write(split.prefix, 345, "latin1");
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += block[i]!;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}
