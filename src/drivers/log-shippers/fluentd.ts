import { parseFluentdAddress } from "../../base/logging/addresses.ts";
import type { LogOptions } from "../../base/logging/options.ts";
import type { LogSubject } from "../../base/logging/subject.ts";
import { parseBool } from "../../base/logging/values.ts";
import { parseDuration } from "../../base/units.ts";
import type { Ids } from "../../ports/clock.ts";
import type { LogMessage, LogSender } from "../../ports/log-shipper.ts";
import { unreachable } from "./dial-error.ts";
import { pack, type Packable, unpackWords } from "./msgpack.ts";
import { LogStreamConnection } from "./stream.ts";

/** The longest answer that makes sense; more means that it is no fluentd. */
const LONGEST_ANSWER = 64 * 1024;

/** Fluentd's forward protocol, a message an entry as Docker sends them. */
export async function connectFluentd(options: LogOptions, subject: LogSubject, ids: Ids): Promise<LogSender> {
  const endpoint = parseFluentdAddress(options["fluentd-address"] ?? "");
  const acknowledged = parseBool(options["fluentd-request-ack"] ?? "false");
  const exact = parseBool(options["fluentd-sub-second-precision"] ?? "false");
  const answers = new Answers();
  const connection = await LogStreamConnection.open(endpoint, {
    onData: (chunk) => answers.push(chunk),
  });
  const limit = options["fluentd-write-timeout"] ?? options["fluentd-read-timeout"];
  if (limit !== undefined && parseDuration(limit) > 0) connection.limit(parseDuration(limit) / 1e6);
  return {
    async send(messages) {
      const chunks = messages.map(() => (acknowledged ? ids.id().slice(0, 32) : undefined));
      const bytes = messages.map((message, index) => packMessage(message, subject, { exact, chunk: chunks[index] }));
      await connection.write(Buffer.concat(bytes));
      const expected = chunks.filter((chunk) => chunk !== undefined);
      if (expected.length > 0) await connection.whileOpen((resolve) => answers.await(expected, resolve));
      if (answers.wrong) throw unreachable(answers.wrong);
    },
    close: () => connection.close(),
  };
}

/** [tag, time, record] and, for an acknowledgement, {chunk}. */
export function packMessage(
  message: LogMessage,
  subject: LogSubject,
  shape: { exact: boolean; chunk: string | undefined },
): Buffer {
  const record = new Map<string, Packable>([
    ["container_id", subject.containerId],
    ["container_name", `/${subject.containerName}`],
    ["source", message.stream],
    ["log", message.line],
    ...Object.entries(subject.attributes),
  ]);
  if (message.partial) {
    const { id, ordinal, last } = message.partial;
    record.set("partial_message", "true").set("partial_id", id);
    record.set("partial_ordinal", String(ordinal)).set("partial_last", String(last));
  }
  const seconds = Math.floor(Date.parse(message.time) / 1000);
  const time = shape.exact ? { seconds, nanoseconds: Number(message.time.slice(20, 29)) } : seconds;
  return pack([
    subject.tag,
    time,
    record,
    ...(shape.chunk === undefined ? [] : [new Map<string, Packable>([["chunk", shape.chunk]])]),
  ]);
}

/** Acknowledgements as they come in. */
class Answers {
  wrong: string | undefined;
  private rest = Buffer.alloc(0);
  private expected = new Set<string>();
  private done: (() => void) | undefined;

  await(chunks: string[], done: () => void): void {
    this.expected = new Set(chunks);
    this.done = done;
    this.read();
  }

  push(chunk: Buffer): void {
    this.rest = Buffer.concat([this.rest, chunk]);
    if (this.done) this.read();
    else if (this.rest.length > LONGEST_ANSWER) this.rest = Buffer.alloc(0);
  }

  private read(): void {
    try {
      for (let found = unpackWords(this.rest); found; found = unpackWords(this.rest)) {
        this.rest = this.rest.subarray(found.length);
        this.expected.delete(found.words.get("ack") ?? "");
      }
      if (this.rest.length > LONGEST_ANSWER) throw new Error("an answer without an end");
    } catch (error) {
      this.wrong = `fluentd: ${(error as Error).message}`;
    }
    if (this.expected.size > 0 && this.wrong === undefined) return;
    this.done?.();
    this.done = undefined;
  }
}
