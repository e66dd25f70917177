import { createHash } from "node:crypto";

/** RFC 6455, the server's side, without extensions. */

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** What a server answers in `Sec-WebSocket-Accept` to a client's `Sec-WebSocket-Key`. */
export const acceptKey = (key: string): string => createHash("sha1").update(`${key}${GUID}`).digest("base64");

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Reasons to close: the client's end, a breach of the protocol, a message beyond the limit. */
export const CLOSE = { normal: 1000, protocolError: 1002, tooBig: 1009 } as const;

/** A frame may hold this much: a client types, it sends no files. */
const LIMIT = 1024 * 1024;

export interface WebSocketFrame {
  opcode: number;
  payload: Buffer;
}

/** One whole frame from the server: never masked, never cut. */
export function encodeWebSocketFrame(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const extra = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = Buffer.allocUnsafe(2 + extra + length);
  frame[0] = 0x80 | opcode;
  frame[1] = extra === 0 ? length : extra === 2 ? 126 : 127;
  if (extra === 2) frame.writeUInt16BE(length, 2);
  if (extra === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.set(payload, 2 + extra);
  return frame;
}

export function encodeClose(code: number): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return encodeWebSocketFrame(OPCODE.close, payload);
}

/** A client broke the protocol; `code` is to be sent with the close. */
export class WebSocketBreach extends RangeError {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Takes a client's frames apart as they arrive. Throws WebSocketBreach. */
export class WebSocketDecoder {
  private rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): WebSocketFrame[] {
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    const frames: WebSocketFrame[] = [];
    for (;;) {
      const frame = this.next();
      if (frame === undefined) return frames;
      frames.push(frame);
    }
  }

  private next(): WebSocketFrame | undefined {
    const { rest } = this;
    if (rest.length < 2) return undefined;
    const [first, second] = [rest[0] as number, rest[1] as number];
    if ((first & 0x70) !== 0) throw new WebSocketBreach(CLOSE.protocolError, "reserved bits are set");
    if ((second & 0x80) === 0) throw new WebSocketBreach(CLOSE.protocolError, "a client's frame must be masked");
    const short = second & 0x7f;
    const extra = short < 126 ? 0 : short === 126 ? 2 : 8;
    const start = 2 + extra + 4;
    if (rest.length < start) return undefined;
    const length = extra === 0 ? short : extra === 2 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
    if (length > LIMIT) throw new WebSocketBreach(CLOSE.tooBig, `a frame of ${length} bytes`);
    if (rest.length < start + length) return undefined;
    const mask = rest.subarray(2 + extra, start);
    const payload = Buffer.from(rest.subarray(start, start + length));
    for (let at = 0; at < length; at++) payload[at]! ^= mask[at & 3]!;
    this.rest = rest.subarray(start + length);
    return { opcode: first & 0x0f, payload };
  }
}
