import type { LogKeeping } from "../base/logging/keeping.ts";

export type LogStream = "stdout" | "stderr";

export interface LogEntry {
  stream: LogStream;
  /** RFC 3339 with nanoseconds, UTC. */
  time: string;
  /** The bytes as written, with the newline where there was one. */
  data: Buffer;
  /** Goes on with the line of the entry before it. */
  continued: boolean;
}

export interface LogQuery {
  /** Last lines only; undefined: all. */
  tail?: number;
  /** Nanoseconds since the epoch: a line's own time finds that line. */
  since?: bigint;
  until?: bigint;
  follow?: boolean;
  /** Ends a follow once it answers true and everything written has been read. */
  ended?: () => boolean;
  /** Registers a call for when `ended` may have changed; returns what takes it back. */
  onEnd?: (wake: () => void) => () => void;
  signal?: AbortSignal;
}

/** A place in a log that outlasts rotations: just behind a record. */
export interface LogPlace {
  /** The time of the file's first record. */
  file: string;
  /** Bytes. */
  offset: number;
  /** The record's own time: where to go on if that file is gone. */
  time: string;
}

/** How far a log has been sent. */
export interface LogMark {
  place: LogPlace;
  /** Lines that were sent in part: the parts' common id, and the number of the last one. */
  open: Partial<Record<LogStream, { id: string; ordinal: number }>>;
}

export interface PlacedEntry extends Omit<LogEntry, "continued"> {
  place: LogPlace;
}

/** Reads what the monitor logs, also rotated and compressed files, byte for byte. */
export interface ContainerLogs {
  read(path: string, query: LogQuery): AsyncIterable<LogEntry>;
  /** Follows from a place on (undefined: from the oldest that is there), in batches of what is there at a time. */
  readOn(
    path: string,
    from: LogPlace | undefined,
    query: Pick<LogQuery, "ended" | "onEnd" | "signal">,
  ): AsyncIterable<PlacedEntry[]>;
  /** How far it has been sent, if anything has. */
  mark(path: string): LogMark | undefined;
  /** Survives a kill of the engine, not a power cut. */
  setMark(path: string, mark: LogMark): void;
  /** Bytes of the current file; undefined if there is none. */
  size(path: string): number | undefined;
  /** Moves the log aside (path.1, path.2 …); the monitor must reopen it afterwards. Drops what is too old or too much. */
  rotate(path: string, keeping: LogKeeping): void;
  /** After a rotation, once the monitor writes elsewhere: compresses, and cuts files that grew beyond all bounds. */
  settle(path: string, keeping: LogKeeping): Promise<void>;
  /** Calls once at the next write. Returns what takes it back; undefined if the file cannot be watched. */
  onWrite(path: string, wake: () => void): (() => void) | undefined;
}
