import { promisify } from "node:util";
import zlib from "node:zlib";
import { parseGelfAddress } from "../../base/logging/addresses.ts";
import type { LogOptions } from "../../base/logging/options.ts";
import type { LogSubject } from "../../base/logging/subject.ts";
import { messageOf } from "../../base/errors.ts";
import type { Ids } from "../../ports/clock.ts";
import type { LogMessage, LogSender } from "../../ports/log-shipper.ts";
import { udpTo } from "./datagrams.ts";
import { unreachable } from "./dial-error.ts";
import { LogStreamConnection } from "./stream.ts";

const gzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gzip);
const deflate = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.deflate);

const INFO = 6;
const ERROR = 3;
const CHUNK = 1420;
const CHUNK_HEAD = 12;
const MOST_CHUNKS = 128;

/** Graylog's format: JSON over UDP, compressed and in chunks, or over TCP. */
export async function connectGelf(
  options: LogOptions,
  subject: LogSubject,
  { ids, hostname }: { ids: Ids; hostname: string },
): Promise<LogSender> {
  const endpoint = parseGelfAddress(options["gelf-address"] ?? "");
  const encode = (message: LogMessage): Buffer => encodeGelf(message, subject, hostname);
  const wanted = (messages: LogMessage[]): LogMessage[] => messages.filter(({ line }) => line.length > 0);
  const { protocol, host, port } = endpoint;
  if (protocol === "tcp") {
    const connection = await LogStreamConnection.open({ protocol, host, port }).catch((error: unknown) => {
      throw unreachable(`gelf: cannot connect to GELF endpoint: ${host}:${port} ${messageOf(error)}`, error);
    });
    return {
      send: (messages) =>
        connection.write(Buffer.concat(wanted(messages).flatMap((message) => [encode(message), Buffer.alloc(1)]))),
      close: () => connection.close(),
    };
  }
  const datagrams = await udpTo(host, port);
  const shrink = compressor(options);
  return {
    async send(messages) {
      for (const message of wanted(messages)) {
        const bytes = await shrink(encode(message));
        for (const part of chunksOf(bytes, () => ids.id())) await datagrams.send(part);
      }
    },
    close: () => datagrams.close(),
  };
}

function compressor(options: LogOptions): (bytes: Buffer) => Promise<Buffer> {
  const level = Number(options["gelf-compression-level"] ?? zlib.constants.Z_BEST_SPEED);
  switch (options["gelf-compression-type"]) {
    case "none":
      return async (bytes) => bytes;
    case "zlib":
      return (bytes) => deflate(bytes, { level });
    default:
      return (bytes) => gzip(bytes, { level });
  }
}

/** What does not fit one datagram, in at most 128; a message that needs more is left out, as the format has it. */
export function chunksOf(bytes: Buffer, newId: () => string): Buffer[] {
  if (bytes.length <= CHUNK) return [bytes];
  const room = CHUNK - CHUNK_HEAD;
  const count = Math.ceil(bytes.length / room);
  if (count > MOST_CHUNKS) return [];
  const id = Buffer.from(newId().slice(0, 16), "hex");
  return Array.from({ length: count }, (_, index) =>
    Buffer.concat([
      Buffer.from([0x1e, 0x0f]),
      id,
      Buffer.from([index, count]),
      bytes.subarray(index * room, (index + 1) * room),
    ]),
  );
}

export function encodeGelf(message: LogMessage, subject: LogSubject, hostname: string): Buffer {
  const own = Object.entries(subject.attributes).map(([key, value]) => [`_${key}`, value]);
  return Buffer.from(
    JSON.stringify({
      version: "1.1",
      host: hostname,
      short_message: message.line.toString("utf8"),
      timestamp: Date.parse(message.time) / 1000,
      level: message.stream === "stderr" ? ERROR : INFO,
      _command: subject.command,
      _container_id: subject.containerId,
      _container_name: subject.containerName,
      _created: subject.created,
      _image_id: subject.imageId,
      _image_name: subject.imageName,
      _tag: subject.tag,
      ...Object.fromEntries(own),
    }),
  );
}
