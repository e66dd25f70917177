/** Docker's multiplexed stream: 8 bytes (stream, 0, 0, 0, length big-endian), then that many bytes of content. */
export type StreamId = 0 | 1 | 2 | 3;

export const STREAM = { stdin: 0, stdout: 1, stderr: 2, systemError: 3 } as const;

export const MULTIPLEXED = "application/vnd.docker.multiplexed-stream";
export const RAW = "application/vnd.docker.raw-stream";

export const FRAME_HEADER_BYTES = 8;

/** The 8 bytes that announce `length` bytes of `stream`. */
export function frameHeader(stream: StreamId, length: number): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header[0] = stream;
  header.writeUInt32BE(length, 4);
  return header;
}

/** One whole frame. For big chunks, writing `frameHeader` and the chunk one after the other saves the copy. */
export function encodeFrame(stream: StreamId, chunk: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + chunk.length);
  frame.fill(0, 0, 4);
  frame[0] = stream;
  frame.writeUInt32BE(chunk.length, 4);
  frame.set(chunk, FRAME_HEADER_BYTES);
  return frame;
}

export interface FramePart {
  stream: StreamId;
  /** A view on the bytes pushed, not a copy. */
  data: Buffer;
}

/**
 * Takes the stream apart as it arrives. A frame's content is given out piece by piece, so that a huge frame is never
 * gathered in memory. Throws RangeError on a stream number that Docker does not know: the bytes are no such stream.
 */
export class FrameDecoder {
  private readonly header = Buffer.alloc(FRAME_HEADER_BYTES);
  private have = 0;
  private left = 0;

  push(chunk: Buffer): FramePart[] {
    const parts: FramePart[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.have < FRAME_HEADER_BYTES) {
        const taken = chunk.copy(this.header, this.have, at, at + FRAME_HEADER_BYTES - this.have);
        this.have += taken;
        at += taken;
        if (this.have < FRAME_HEADER_BYTES) break;
        if (this.header[0]! > STREAM.systemError) throw new RangeError(`Unrecognized input header: ${this.header[0]}`);
        this.left = this.header.readUInt32BE(4);
      }
      const end = Math.min(chunk.length, at + this.left);
      if (end > at) parts.push({ stream: this.header[0] as StreamId, data: chunk.subarray(at, end) });
      this.left -= end - at;
      at = end;
      if (this.left === 0) this.have = 0;
    }
    return parts;
  }

  /** True between frames: an end of input here cuts nothing off. */
  get complete(): boolean {
    return this.have === 0;
  }
}
