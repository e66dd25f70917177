import { once } from "node:events";
import type { Writable } from "node:stream";
import type { LogEntry } from "../../ports/container-logs.ts";
import { frameHeader, STREAM } from "../../wire/frames.ts";

export interface LogShape {
  stdout: boolean;
  stderr: boolean;
  framed: boolean;
  timestamps: boolean;
  /** Words about the container before every line; undefined: none. */
  details?: string;
  signal: AbortSignal;
}

/** Writes log entries as Docker does: a frame each, the time and the details before a line and not amid one. Waits for a slow client. */
export async function streamLogs(entries: AsyncIterable<LogEntry>, out: Writable, shape: LogShape): Promise<void> {
  for await (const entry of entries) {
    if (!shape[entry.stream]) continue;
    const stamp = shape.timestamps ? `${entry.time} ` : "";
    const details = shape.details === undefined ? "" : `${shape.details} `;
    const head = Buffer.from(entry.continued ? "" : stamp + details);
    if (shape.framed) out.write(frameHeader(STREAM[entry.stream], head.length + entry.data.length));
    if (head.length > 0) out.write(head);
    if (!out.write(entry.data)) await once(out, "drain", { signal: shape.signal });
  }
}
