import type { SocketReader } from "./socket-reader.ts";

const MAX_HEAD = 256 * 1024;

export interface ResponseHead {
  status: number;
  reason: string;
  /** Names in lower case. */
  headers: Map<string, string>;
}

/** The text of a request's head. */
export function requestHead(method: string, target: string, headers: Record<string, string>): string {
  let text = `${method} ${target} HTTP/1.1\r\n`;
  for (const [name, value] of Object.entries(headers)) {
    if (/[\r\n]/.test(value)) throw new RangeError(`header ${name} holds a line break`);
    text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}

/** Reads a response's head, past any 100 Continue. undefined: the other side closed without a word. */
export async function readHead(reader: SocketReader): Promise<ResponseHead | undefined> {
  let bytes: Buffer = Buffer.alloc(0);
  for (;;) {
    const end = bytes.indexOf("\r\n\r\n");
    if (end !== -1) {
      const head = parseHead(bytes.toString("latin1", 0, end));
      bytes = bytes.subarray(end + 4);
      if (head.status >= 200 || head.status === 101) {
        reader.unread(bytes);
        return head;
      }
      continue;
    }
    if (bytes.length > MAX_HEAD) throw new Error("the answer's head is too large");
    const chunk = await reader.read();
    if (chunk === undefined) {
      if (bytes.length === 0) return undefined;
      throw new Error("unexpected EOF in the answer's head");
    }
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
  }
}

function parseHead(text: string): ResponseHead {
  const lines = text.split("\r\n");
  const first = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(lines[0]!);
  if (first === null) throw new Error(`malformed HTTP response ${JSON.stringify(lines[0]!.slice(0, 80))}`);
  const headers = new Map<string, string>();
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return { status: Number(first[1]), reason: first[2] ?? "", headers };
}

/** True if the connection can serve another request once the body has been read. */
export const staysOpen = (head: ResponseHead): boolean =>
  head.headers.get("connection")?.toLowerCase() !== "close" &&
  (hasNoBody(head) || head.headers.has("content-length") || isChunked(head));

const hasNoBody = (head: ResponseHead): boolean => head.status === 204 || head.status === 304;
const isChunked = (head: ResponseHead): boolean =>
  head.headers.get("transfer-encoding")?.toLowerCase().includes("chunked") === true;

/** A response's content. Rejects when the connection ends before the content does. */
export async function* readBody(reader: SocketReader, head: ResponseHead): AsyncGenerator<Buffer> {
  if (hasNoBody(head)) return;
  if (isChunked(head)) {
    yield* readChunked(reader);
    return;
  }
  const length = head.headers.get("content-length");
  let left = length === undefined ? Infinity : Number(length);
  while (left > 0) {
    const chunk = await reader.read();
    if (chunk === undefined) {
      if (left === Infinity) return;
      throw new Error("unexpected EOF");
    }
    if (chunk.length > left) reader.unread(chunk.subarray(left));
    const part = chunk.length > left ? chunk.subarray(0, left) : chunk;
    left -= part.length;
    yield part;
  }
}

async function* readChunked(reader: SocketReader): AsyncGenerator<Buffer> {
  for (;;) {
    const size = parseInt(await readLine(reader), 16);
    if (!(size >= 0)) throw new Error("malformed chunked encoding");
    if (size === 0) {
      while ((await readLine(reader)) !== "");
      return;
    }
    let left = size;
    while (left > 0) {
      const chunk = await reader.read();
      if (chunk === undefined) throw new Error("unexpected EOF");
      const part = chunk.length > left ? chunk.subarray(0, left) : chunk;
      if (chunk.length > left) reader.unread(chunk.subarray(left));
      left -= part.length;
      yield part;
    }
    if ((await readLine(reader)) !== "") throw new Error("malformed chunked encoding");
  }
}

async function readLine(reader: SocketReader): Promise<string> {
  let line: Buffer = Buffer.alloc(0);
  for (;;) {
    const chunk = await reader.read();
    if (chunk === undefined) throw new Error("unexpected EOF");
    const end = chunk.indexOf(10);
    if (end === -1) {
      line = Buffer.concat([line, chunk]);
      if (line.length > 8192) throw new Error("malformed chunked encoding");
      continue;
    }
    reader.unread(chunk.subarray(end + 1));
    const text = (
      line.length === 0 ? chunk.subarray(0, end) : Buffer.concat([line, chunk.subarray(0, end)])
    ).toString();
    return text.trimEnd();
  }
}
