export interface TarEntry {
  /** Relative, with a slash at the end for a folder. As bytes where it is no UTF-8. */
  name: string | Buffer;
  type: "file" | "folder" | "symlink" | "hardlink" | "fifo" | "character" | "block";
  /** Permission bits. */
  mode: number;
  /** Bytes of content; 0 for all but files. */
  size: number;
  /** Whole seconds since 1970. */
  mtime: number;
  uid?: number;
  gid?: number;
  /** Where a link points. */
  link?: string | Buffer;
  major?: number;
  minor?: number;
}

const BLOCK = 512;
const FLAGS: Record<TarEntry["type"], string> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  character: "3",
  block: "4",
  folder: "5",
  fifo: "6",
};
const MAX_OCTAL = 0o77777777777;

/** The header blocks of an entry: ustar, with a PAX record in front for what does not fit. */
export function tarHeader(entry: TarEntry): Buffer {
  const pax: Record<string, string> = {};
  let name = bytesOf(entry.name);
  let prefix = "";
  if (name.length > 100 || !isAscii(name)) {
    const parts = isAscii(name) ? splitName(name) : undefined;
    if (parts === undefined) pax["path"] = name;
    [prefix, name] = parts ?? ["", name];
  }
  const link = bytesOf(entry.link ?? "");
  if (link.length > 100 || !isAscii(link)) pax["linkpath"] = link;
  if (entry.size > MAX_OCTAL) pax["size"] = String(entry.size);
  for (const id of ["uid", "gid"] as const) {
    if ((entry[id] ?? 0) > 0o7777777) pax[id] = String(entry[id]);
  }
  const block = ustar(entry, name, prefix, link);
  const records = Object.entries(pax);
  if (records.length === 0) return block;
  const body = Buffer.from(records.map(([key, value]) => paxRecord(key, value)).join(""), "latin1");
  const short = name
    .split("/")
    .filter(Boolean)
    .at(-1)!
    .replace(/[^\x20-\x7e]/g, "_")
    .slice(0, 80);
  const extended = ustar({ ...entry, mode: 0o644, size: body.length }, `PaxHeaders.0/${short}`, "", "", "x");
  return Buffer.concat([extended, body, padding(body.length), block]);
}

/** One character for each byte. */
const bytesOf = (text: string | Buffer): string =>
  (typeof text === "string" ? Buffer.from(text) : text).toString("latin1");

/** Zeros up to the next block. */
export const padding = (size: number): Buffer => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);

/** What stands at the end of an archive. */
export const trailer = (): Buffer => Buffer.alloc(2 * BLOCK);

const isAscii = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);

/** ustar has room for 155 bytes of folders before the name's 100. */
function splitName(name: string): [string, string] | undefined {
  for (
    let at = name.indexOf("/", Math.max(0, name.length - 101));
    at !== -1 && at <= 155;
    at = name.indexOf("/", at + 1)
  ) {
    if (at > 0 && name.length - at - 1 <= 100 && at < name.length - 1) return [name.slice(0, at), name.slice(at + 1)];
  }
  return undefined;
}

function paxRecord(key: string, value: string): string {
  const body = ` ${key}=${value}\n`;
  let { length } = body;
  length += String(length + String(length).length).length;
  return `${length}${body}`;
}

function ustar(entry: TarEntry, name: string, prefix: string, link: string, flag = FLAGS[entry.type]): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, width: number): void => {
    const text = value.toString(8).padStart(width - 1, "0");
    block.write(text.length < width ? text : "0".repeat(width - 1), at, "latin1");
  };
  block.write(name, 0, 100, "latin1");
  octal(entry.mode & 0o7777, 100, 8);
  octal(entry.uid ?? 0, 108, 8);
  octal(entry.gid ?? 0, 116, 8);
  octal(entry.size, 124, 12);
  octal(Math.max(0, entry.mtime), 136, 12);
  block.fill(0x20, 148, 156);
  block.write(flag, 156);
  block.write(link, 157, 100, "latin1");
  block.write("ustar\u000000", 257, "latin1");
  octal(entry.major ?? 0, 329, 8);
  octal(entry.minor ?? 0, 337, 8);
  block.write(prefix, 345, 155, "latin1");
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\u0000 `, 148, "latin1");
  return block;
}
