import type { LogOptions } from "../base/logging/options.ts";
import type { LogSubject } from "../base/logging/subject.ts";
import type { LogStream } from "./container-logs.ts";

/** A line of output, or a part of a long one. */
export interface LogMessage {
  stream: LogStream;
  /** When it was written: RFC 3339 with nanoseconds, UTC. */
  time: string;
  /** Without its newline. */
  line: Buffer;
  /** Which part of a line it is, where it is not all of one; ordinals begin with 1. */
  partial?: { id: string; ordinal: number; last: boolean };
}

/** A connection to where one container's log goes. */
export interface LogSender {
  /**
   * Resolves when the messages are out: acknowledged where the protocol can, else in the kernel's hands. Rejects when
   * the connection is of no use any more; some of the messages may have arrived. One call at a time.
   */
  send(messages: LogMessage[]): Promise<void>;
  close(): void;
}

export interface LogShippers {
  /** Errors: unavailable LOG_UNREACHABLE and invalid BAD_LOG_OPT, in Docker's words. */
  connect(driver: string, options: LogOptions, subject: LogSubject): Promise<LogSender>;
}
