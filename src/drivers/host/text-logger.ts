import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error", "fatal"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Lines as dockerd writes them: time="…" level=info msg="…" key=value. */
export class TextLogger implements Logger {
  private threshold: number;
  private readonly clock: Clock;
  private readonly write: (line: string) => void;

  constructor(level: LogLevel, clock: Clock, write: (line: string) => void) {
    this.threshold = LOG_LEVELS.indexOf(level);
    this.clock = clock;
    this.write = write;
  }

  setLevel(level: LogLevel): void {
    this.threshold = LOG_LEVELS.indexOf(level);
  }

  debug(message: string, fields?: Record<string, unknown>): void {
    this.line("debug", message, fields);
  }

  info(message: string, fields?: Record<string, unknown>): void {
    this.line("info", message, fields);
  }

  warn(message: string, fields?: Record<string, unknown>): void {
    this.line("warn", message, fields);
  }

  error(message: string, fields?: Record<string, unknown>): void {
    this.line("error", message, fields);
  }

  private line(level: LogLevel, message: string, fields: Record<string, unknown> = {}): void {
    if (LOG_LEVELS.indexOf(level) < this.threshold) return;
    const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${quote(value)}`);
    this.write(
      `time=${JSON.stringify(this.clock.stamp())} level=${level} msg=${JSON.stringify(message)}${rest.join("")}\n`,
    );
  }
}

/** One line whatever the value holds. */
function quote(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return /^[\w./:@-]+$/.test(text ?? "") ? (text ?? "") : JSON.stringify(text ?? "");
}
