/** As much of MessagePack as fluentd's forward protocol needs. */

/** Fluentd's EventTime: seconds and nanoseconds. */
export interface EventTime {
  seconds: number;
  nanoseconds: number;
}

export type Packable = number | string | Buffer | EventTime | Packable[] | Map<string, Packable>;

const byte = (...values: number[]): Buffer => Buffer.from(values);

function sized(value: number, small: [base: number, below: number], mid: number, large: number): Buffer {
  if (value < small[1]) return byte(small[0] | value);
  if (value < 0x10000) return byte(mid, value >> 8, value & 0xff);
  const bytes = Buffer.alloc(5, large);
  bytes.writeUInt32BE(value, 1);
  return bytes;
}

/** Numbers are whole and at most 2³² - 1; a Buffer is packed as a string, also if it is no UTF-8. */
export function pack(value: Packable): Buffer {
  if (typeof value === "number") {
    if (value < 0x80) return byte(value);
    const bytes = Buffer.alloc(5, 0xce);
    bytes.writeUInt32BE(value, 1);
    return bytes;
  }
  if (typeof value === "string") return packString(Buffer.from(value));
  if (Buffer.isBuffer(value)) return packString(value);
  if (Array.isArray(value)) return Buffer.concat([sized(value.length, [0x90, 16], 0xdc, 0xdd), ...value.map(pack)]);
  if (value instanceof Map) {
    const entries = [...value].flatMap(([key, item]) => [pack(key), pack(item)]);
    return Buffer.concat([sized(value.size, [0x80, 16], 0xde, 0xdf), ...entries]);
  }
  const bytes = Buffer.alloc(10);
  bytes.writeUInt16BE(0xd700, 0); // fixext 8, type 0
  bytes.writeUInt32BE(value.seconds, 2);
  bytes.writeUInt32BE(value.nanoseconds, 6);
  return bytes;
}

function packString(bytes: Buffer): Buffer {
  const length = bytes.length;
  const head = length >= 32 && length < 256 ? byte(0xd9, length) : sized(length, [0xa0, 32], 0xda, 0xdb);
  return Buffer.concat([head, bytes]);
}

/**
 * The first map of strings to strings in `bytes` and what it takes of them; undefined: not all of it is there yet.
 * Throws for anything else: a receiver's answers are such maps.
 */
export function unpackWords(bytes: Buffer): { words: Map<string, string>; length: number } | undefined {
  let at = 0;
  const take = (count: number): Buffer | undefined => {
    if (at + count > bytes.length) return undefined;
    at += count;
    return bytes.subarray(at - count, at);
  };
  const lengthOf = (fix: number, mask: number, wide: Record<number, number>): number | undefined => {
    const tag = take(1)?.[0];
    if (tag === undefined) return undefined;
    if ((tag & ~mask) === fix) return tag & mask;
    const width = wide[tag];
    if (width === undefined) throw new Error(`unexpected MessagePack tag 0x${tag.toString(16)}`);
    return take(width)?.readUIntBE(0, width);
  };
  const text = (): string | undefined => {
    const length = lengthOf(0xa0, 0x1f, { 0xd9: 1, 0xda: 2, 0xdb: 4, 0xc4: 1, 0xc5: 2, 0xc6: 4 });
    return length === undefined ? undefined : take(length)?.toString("utf8");
  };
  const size = lengthOf(0x80, 0x0f, { 0xde: 2, 0xdf: 4 });
  if (size === undefined) return undefined;
  const words = new Map<string, string>();
  for (let n = 0; n < size; n++) {
    const key = text();
    const value = key === undefined ? undefined : text();
    if (key === undefined || value === undefined) return undefined;
    words.set(key, value);
  }
  return { words, length: at };
}
