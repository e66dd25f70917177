import { formatHeader } from "../../src/drivers/tar/header.ts";
import type { Entry } from "../../src/drivers/tar/entry.ts";

export type Member = Partial<Entry> & { name: string; content?: string };

/** One member's blocks, written by hand; a lie in `size` is kept. */
export function member({ content = "", ...fields }: Member): Buffer {
  const body = Buffer.from(content, "latin1");
  const header = formatHeader({
    type: "file",
    link: "",
    size: body.length,
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: { seconds: 1_600_000_000, nanoseconds: 0 },
    major: 0,
    minor: 0,
    xattrs: new Map(),
    sparse: false,
    ...fields,
  });
  return Buffer.concat([header, padded(body)]);
}

export const padded = (bytes: Buffer): Buffer =>
  Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);

/** A whole archive. */
export const archive = (...members: (Member | Buffer)[]): Buffer =>
  Buffer.concat([...members.map((one) => (Buffer.isBuffer(one) ? one : member(one))), Buffer.alloc(1024)]);

/** Changes bytes of a header block and makes the checksum fit again. */
export function forged(block: Buffer, ...changes: [at: number, text: string][]): Buffer {
  const copy = Buffer.from(block);
  for (const [at, text] of changes) copy.write(text, at, "latin1");
  copy.write("        ", 148, "latin1");
  let sum = 0;
  for (let i = 0; i < 512; i++) sum += copy[i]!;
  copy.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return copy;
}

/** An extended header with just this body: type 'x', 'L' or 'K'. */
export const extended = (flag: string, body: string): Buffer =>
  Buffer.concat([
    forged(member({ name: "extended", size: body.length }).subarray(0, 512), [156, flag]),
    padded(Buffer.from(body, "latin1")),
  ]);

/** A PAX header of records that need not make sense. */
export const pax = (...records: [key: string, value: string][]): Buffer =>
  extended(
    "x",
    records
      .map(([key, value]) => {
        const rest = key.length + value.length + 3;
        const length = rest + String(rest + String(rest).length).length;
        return `${length} ${key}=${value}\n`;
      })
      .join(""),
  );
