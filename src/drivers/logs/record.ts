import type { LogEntry } from "../../ports/container-logs.ts";

const NEWLINE = 10;
const SPACE = 32;

/** One line of conmon's k8s-file log: `TIME STREAM F|P DATA`; F ends a line of output, P is a part of one. */
export interface LogRecord {
  entry: LogEntry;
  /** The output's line ends here. */
  complete: boolean;
}

/** Parses one record, without its newline. undefined: not a record (a torn write). */
export function parseRecord(line: Buffer): LogRecord | undefined {
  const timeEnd = line.indexOf(SPACE);
  const streamEnd = line.indexOf(SPACE, timeEnd + 1);
  if (timeEnd < 0 || streamEnd < 0 || line[streamEnd + 2] !== SPACE) return undefined;
  const stamp = line.toString("latin1", 0, timeEnd);
  const stream = line.toString("latin1", timeEnd + 1, streamEnd);
  if (stream !== "stdout" && stream !== "stderr") return undefined;
  const time = toUtc(stamp);
  if (time === undefined) return undefined;
  const complete = line[streamEnd + 1] === 0x46;
  const data = line.subarray(streamEnd + 3);
  return {
    entry: {
      stream,
      time,
      data: complete ? Buffer.concat([data, Buffer.from([NEWLINE])]) : Buffer.from(data),
      continued: false,
    },
    complete,
  };
}

/** The time that a record, or the beginning of one, starts with; undefined: none. */
export function timeOf(bytes: Buffer): string | undefined {
  const end = bytes.indexOf(SPACE);
  return end < 0 ? undefined : toUtc(bytes.toString("latin1", 0, end));
}

/** conmon writes local time with an offset; Docker shows UTC. */
function toUtc(stamp: string): string | undefined {
  if (stamp.endsWith("+00:00")) return `${stamp.slice(0, -6)}Z`;
  const at = Date.parse(stamp);
  return Number.isNaN(at) ? undefined : `${new Date(at).toISOString().slice(0, 19)}.${stamp.slice(20, 29)}Z`;
}
