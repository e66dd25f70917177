import type { LogMark, LogPlace, LogStream, PlacedEntry } from "../../ports/container-logs.ts";
import type { LogMessage } from "../../ports/log-shipper.ts";

/** Longer lines are sent in parts, as Docker does. */
const LONGEST = 16 * 1024;
/** The begin of a line waits for its end while no more than this comes in between: so much may be sent twice. */
const PATIENCE = 64 * 1024;
const NEWLINE = 10;

interface OpenLine {
  parts: Buffer[];
  size: number;
  time: string;
  /** Just before its first part that is not yet sent. */
  before: LogPlace | undefined;
  /** Bytes of other output since. */
  waited: number;
}

/** Makes messages of the pieces that a monitor logs. Pure but for the ids of long lines. */
export class LogAssembler {
  private readonly lines = new Map<LogStream, OpenLine>();
  private readonly sent: LogMark["open"];
  private readonly newId: () => string;
  private place: LogPlace | undefined;

  constructor(from: LogMark | undefined, newId: () => string) {
    this.sent = { ...from?.open };
    this.place = from?.place;
    this.newId = newId;
  }

  push(entry: PlacedEntry): LogMessage[] {
    const messages: LogMessage[] = [];
    const complete = entry.data.at(-1) === NEWLINE;
    const data = complete ? entry.data.subarray(0, -1) : entry.data;
    let line = this.lines.get(entry.stream);
    if (line && line.size > 0 && line.size + data.length > LONGEST) {
      messages.push(this.take(entry.stream, line, false));
      line = undefined;
    }
    line ??= { parts: [], size: 0, time: entry.time, before: this.place, waited: 0 };
    line.parts.push(data);
    line.size += data.length;
    this.lines.set(entry.stream, line);
    if (complete) messages.push(this.take(entry.stream, line, true));
    this.place = entry.place;
    for (const [stream, other] of this.lines) {
      other.waited += data.length;
      if (stream !== entry.stream && other.waited > PATIENCE) messages.push(this.take(stream, other, false));
    }
    return messages;
  }

  /** What is left when no more will come: lines without a newline. */
  end(): LogMessage[] {
    return [...this.lines].map(([stream, line]) => this.take(stream, line, true));
  }

  /** How far the log is sent once all messages given so far are. */
  mark(): LogMark | undefined {
    const [first] = [...this.lines.values()];
    const place = first ? first.before : this.place;
    return place && { place, open: { ...this.sent } };
  }

  private take(stream: LogStream, line: OpenLine, last: boolean): LogMessage {
    this.lines.delete(stream);
    const message = { stream, time: line.time, line: Buffer.concat(line.parts) };
    const earlier = this.sent[stream];
    if (last) delete this.sent[stream];
    if (last && !earlier) return message;
    const partial = { id: earlier?.id ?? this.newId(), ordinal: (earlier?.ordinal ?? 0) + 1 };
    if (!last) this.sent[stream] = partial;
    return { ...message, partial: { ...partial, last } };
  }
}
