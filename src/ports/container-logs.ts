export interface LogEntry {
  stream: "stdout" | "stderr";
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

/** Reads what the monitor logs, also rotated files, byte for byte. */
export interface ContainerLogs {
  read(path: string, query: LogQuery): AsyncIterable<LogEntry>;
  /** Bytes of the current file; 0 if there is none. */
  size(path: string): number;
  /** Moves the log aside (path.1 … path.`keep - 1`); the monitor must reopen it afterwards. */
  rotate(path: string, keep: number): void;
}
