import type { LogSubject } from "../../base/logging/subject.ts";
import type { LogMessage, LogSender } from "../../ports/log-shipper.ts";
import { unixDatagramsTo } from "./datagrams.ts";
import { unreachable } from "./dial-error.ts";

const INFO = "6";
const ERROR = "3";

/** journald's native protocol: one datagram an entry. */
export function connectJournald(socket: string, subject: LogSubject): LogSender {
  const datagrams = (() => {
    try {
      return unixDatagramsTo(socket);
    } catch (error) {
      throw unreachable("journald is not enabled on this host", error);
    }
  })();
  const fixed = subjectFields(subject);
  return {
    async send(messages) {
      for (const message of messages) await datagrams.send(Buffer.concat([...messageFields(message), ...fixed]));
    },
    close: () => datagrams.close(),
  };
}

/** What every entry of a container says. */
export function subjectFields(subject: LogSubject): Buffer[] {
  const fields: Record<string, string> = {
    CONTAINER_ID: subject.containerId.slice(0, 12),
    CONTAINER_ID_FULL: subject.containerId,
    CONTAINER_NAME: subject.containerName,
    CONTAINER_TAG: subject.tag,
    IMAGE_NAME: subject.imageName,
    SYSLOG_IDENTIFIER: subject.tag,
  };
  for (const [key, value] of Object.entries(subject.attributes)) {
    const name = journalName(key);
    if (name !== "") fields[name] = value;
  }
  return Object.entries(fields).map(([name, value]) => field(name, Buffer.from(value)));
}

export function messageFields({ stream, time, line, partial }: LogMessage): Buffer[] {
  const fields: [string, string][] = [
    ["PRIORITY", stream === "stderr" ? ERROR : INFO],
    ["SYSLOG_TIMESTAMP", time],
  ];
  if (partial) {
    fields.push(["CONTAINER_PARTIAL_ID", partial.id], ["CONTAINER_PARTIAL_ORDINAL", String(partial.ordinal)]);
    fields.push(["CONTAINER_PARTIAL_LAST", String(partial.last)]);
    if (!partial.last) fields.push(["CONTAINER_PARTIAL_MESSAGE", "true"]);
  }
  return [field("MESSAGE", line), ...fields.map(([name, value]) => field(name, Buffer.from(value)))];
}

/** journald takes capital letters, digits and underscores, and keeps names that begin with one for itself. */
const journalName = (key: string): string =>
  key
    .toUpperCase()
    .replace(/[^A-Z0-9_]/g, "_")
    .replace(/^_+/, "");

/** A value with a newline goes by its length. */
function field(name: string, value: Buffer): Buffer {
  if (!value.includes(10)) return Buffer.concat([Buffer.from(`${name}=`), value, Buffer.from("\n")]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(value.length));
  return Buffer.concat([Buffer.from(`${name}\n`), length, value, Buffer.from("\n")]);
}
