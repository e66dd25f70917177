/** Builds rtnetlink messages: a header, a fixed part, then attributes that may nest. Everything is aligned to 4 bytes. */
const HEADER = 16;
const NLA_F_NESTED = 0x8000;

const align = (n: number): number => (n + 3) & ~3;

/** An attribute: its value as bytes, text (NUL is added), a 32-bit number, or attributes within. */
export type Attribute = [type: number, value: Buffer | string | number | Attribute[] | Raw];

/** Bytes that come before nested attributes (a peer's ifinfomsg). */
export interface Raw {
  head: Buffer;
  attributes: Attribute[];
}

function encodeValue(value: Attribute[1]): { bytes: Buffer; nested: boolean } {
  if (typeof value === "number") {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value >>> 0);
    return { bytes, nested: false };
  }
  if (typeof value === "string") return { bytes: Buffer.from(`${value}\0`), nested: false };
  if (Buffer.isBuffer(value)) return { bytes: value, nested: false };
  if (Array.isArray(value)) return { bytes: encodeAttributes(value), nested: true };
  return { bytes: Buffer.concat([value.head, encodeAttributes(value.attributes)]), nested: true };
}

export function encodeAttributes(attributes: Attribute[]): Buffer {
  return Buffer.concat(
    attributes.map(([type, value]) => {
      const { bytes, nested } = encodeValue(value);
      const out = Buffer.alloc(align(4 + bytes.length));
      out.writeUInt16LE(4 + bytes.length, 0);
      out.writeUInt16LE(nested ? type | NLA_F_NESTED : type, 2);
      bytes.copy(out, 4);
      return out;
    }),
  );
}

export interface Message {
  type: number;
  flags: number;
  body: Buffer;
  attributes: Attribute[];
}

/** One message on the wire. */
export function encodeMessage(message: Message, sequence: number): Buffer {
  const attributes = encodeAttributes(message.attributes);
  const body = align(message.body.length);
  const out = Buffer.alloc(HEADER + body + attributes.length);
  out.writeUInt32LE(out.length, 0);
  out.writeUInt16LE(message.type, 4);
  out.writeUInt16LE(message.flags, 6);
  out.writeUInt32LE(sequence, 8);
  message.body.copy(out, HEADER);
  attributes.copy(out, HEADER + body);
  return out;
}

export interface Received {
  type: number;
  flags: number;
  sequence: number;
  body: Buffer;
}

/** The messages of one datagram. */
export function decodeMessages(bytes: Buffer): Received[] {
  const result: Received[] = [];
  for (let at = 0; at + HEADER <= bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    if (length < HEADER || at + length > bytes.length) break;
    result.push({
      type: bytes.readUInt16LE(at + 4),
      flags: bytes.readUInt16LE(at + 6),
      sequence: bytes.readUInt32LE(at + 8),
      body: bytes.subarray(at + HEADER, at + length),
    });
    at += align(length);
  }
  return result;
}

/** Attributes by type; of repeated ones the last. */
export function decodeAttributes(bytes: Buffer): Map<number, Buffer> {
  const result = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > bytes.length) break;
    result.set(bytes.readUInt16LE(at + 2) & 0x3fff, bytes.subarray(at + 4, at + length));
    at += align(length);
  }
  return result;
}

/** Text of an attribute without its NUL. */
export const textOf = (bytes: Buffer | undefined): string => {
  if (bytes === undefined) return "";
  const end = bytes.indexOf(0);
  return bytes.toString("utf8", 0, end < 0 ? bytes.length : end);
};
