import type { ByteString } from "../syscalls/files.ts";
import { badArchive } from "./entry.ts";

/** A PAX record; keys can repeat (GNU.sparse.offset), so order counts. */
export type PaxRecord = [key: ByteString, value: Buffer];

const EQUALS = 0x3d;
const NEWLINE = 0x0a;
const SPACE = 0x20;

/** Parses the body of an extended header: `LENGTH KEY=VALUE\n` one after the other. */
export function parsePax(body: Buffer): PaxRecord[] {
  const records: PaxRecord[] = [];
  let at = 0;
  while (at < body.length) {
    if (body[at] === 0) break; // some writers pad with NUL
    const space = body.indexOf(SPACE, at);
    const digits = space < 0 ? "" : body.toString("latin1", at, Math.min(space, at + 20));
    const length = /^[0-9]{1,9}$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    const equals = body.indexOf(EQUALS, space + 1);
    if (length < 5 || end > body.length || equals < 0 || equals >= end || body[end - 1] !== NEWLINE) {
      throw badArchive("malformed PAX header");
    }
    const key = body.toString("latin1", space + 1, equals);
    if (key.length === 0 || key.includes("\0")) throw badArchive("malformed PAX key");
    records.push([key, body.subarray(equals + 1, end - 1)]);
    at = end;
  }
  return records;
}

/** The body of an extended header, its records sorted by key. */
export function formatPax(records: PaxRecord[]): Buffer {
  const parts: Buffer[] = [];
  for (const [key, value] of records.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))) {
    const rest = key.length + value.length + 3; // space, equals, newline
    let length = rest + String(rest).length;
    length = rest + String(length).length;
    parts.push(Buffer.from(`${length} ${key}=`, "latin1"), value, Buffer.from("\n"));
  }
  return Buffer.concat(parts);
}
