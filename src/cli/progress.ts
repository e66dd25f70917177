import { humanSize } from "../base/units.ts";
import type { ProgressLine } from "../wire/types/images.ts";
import { withHint } from "./errors.ts";
import { Exit } from "./exit.ts";
import type { Output } from "./terminal/output.ts";

const BAR = 50;

/** "[====>     ]  1.2MB/3.4MB"; "" if there is nothing to show. `width`: the terminal's. */
export function progressBar(current: number, total: number, width: number): string {
  if (current <= 0 && total <= 0) return "";
  const done = humanSize(current).padStart(8);
  if (total <= 0) return done;
  const filled = Math.min(BAR, Math.trunc(Math.trunc((current / total) * 100) / 2));
  const bar = width > 110 ? `[${"=".repeat(filled)}>${" ".repeat(BAR - filled)}] ` : "";
  return bar + (current > total ? done : `${done}/${humanSize(total)}`);
}

/**
 * Shows a stream of progress. On a terminal each id has one line that is drawn over; elsewhere only changes of state
 * are printed, as docker does. An error in the stream ends the command with its code, or 1.
 */
export async function showProgress(
  lines: AsyncIterable<ProgressLine>,
  out: Output,
  onAux: (aux: Record<string, unknown>) => void = () => {},
): Promise<void> {
  const screen = out.isTTY ? new Screen(out) : undefined;
  for await (const line of lines) {
    if (line.aux !== undefined) {
      onAux(line.aux);
      continue;
    }
    if (line.error !== undefined || line.errorDetail !== undefined) {
      const { code, message = line.error ?? "", hint } = line.errorDetail ?? {};
      throw new Exit(code || 1, withHint(message, hint));
    }
    if (screen !== undefined) screen.show(line);
    else plain(line, out);
  }
}

function plain(line: ProgressLine, out: Output): void {
  const { current = 0, total = 0 } = line.progressDetail ?? {};
  if (current > 0 || total > 0) return;
  const id = line.id ? `${line.id}: ` : "";
  if (line.stream) out.write(`${id}${line.stream}`);
  else out.write(`${id}${line.status ?? ""}\n`);
}

/** Keeps the lines with an id in place by moving the cursor up and down. */
class Screen {
  private readonly out: Output;
  private rows = new Map<string, number>();

  constructor(out: Output) {
    this.out = out;
  }

  show(line: ProgressLine): void {
    if (!line.id || line.stream) {
      // What has no id scrolls, and the lines above it are finished.
      this.rows.clear();
      this.out.write(line.stream ?? `${line.status ?? ""}\n`);
      return;
    }
    const row = this.rows.get(line.id);
    const { current = 0, total = 0 } = line.progressDetail ?? {};
    const bar = progressBar(current, total, process.stdout.columns ?? 80);
    const text = `\u001b[2K\r${line.id}: ${line.status ?? ""}${bar === "" ? "" : ` ${bar}`}`;
    if (row === undefined) {
      this.rows.set(line.id, this.rows.size);
      this.out.write(`${text}\n`);
      return;
    }
    const up = this.rows.size - row;
    this.out.write(`\u001b[${up}A${text}\r\u001b[${up}B`);
  }
}
