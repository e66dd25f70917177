import { once } from "node:events";
import type { Writable } from "node:stream";
import type { LogEntry } from "../../ports/container-logs.ts";
import { frameHeader, STREAM } from "../../wire/frames.ts";

export interface LogShape {
  stdout: boolean;
  stderr: boolean;
  framed: boolean;
  timestamps: boolean;
  signal: AbortSignal;
}

/** Writes log entries as Docker does: a frame each, the time before a line and not amid one. Waits for a slow client. */
export async function streamLogs(entries: AsyncIterable<LogEntry>, out: Writable, shape: LogShape): Promise<void> {
  for await (const entry of entries) {
    if (!shape[entry.stream]) continue;
    const stamp = shape.timestamps && !entry.continued ? Buffer.from(`${entry.time} `) : Buffer.alloc(0);
    if (shape.framed) out.write(frameHeader(STREAM[entry.stream], stamp.length + entry.data.length));
    if (stamp.length > 0) out.write(stamp);
    if (!out.write(entry.data)) await once(out, "drain", { signal: shape.signal });
  }
}
