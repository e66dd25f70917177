import type { ProgressLine } from "../../wire/types/images.ts";
import type { Context } from "../command.ts";
import { withHint } from "../errors.ts";
import { Exit } from "../exit.ts";
import { lookOf } from "../terminal/look.ts";
import type { Output } from "../terminal/output.ts";
import { Transfers } from "./transfers.ts";

/** Takes what a stream of progress has to say, line by line. */
export interface Screen {
  show(line: ProgressLine): void;
  /** The stream is over; `failed`: not well. */
  end(failed: boolean): void;
}

/**
 * Shows a stream of progress. On a terminal each id has one line that is drawn over; elsewhere only changes of state
 * are printed, as docker does. An error in the stream ends the command with its code, or 1.
 */
export async function showProgress(
  context: Context,
  lines: AsyncIterable<ProgressLine>,
  out: Output,
  screen: Screen = screenFor(context, out),
  onAux: (aux: Record<string, unknown>) => void = () => {},
): Promise<void> {
  let failed = true;
  try {
    for await (const line of lines) {
      if (line.aux !== undefined) onAux(line.aux);
      else if (line.error !== undefined || line.errorDetail !== undefined) {
        const { code, message = line.error ?? "", hint } = line.errorDetail ?? {};
        throw new Exit(code || 1, withHint(message, hint));
      } else screen.show(line);
    }
    failed = false;
  } finally {
    screen.end(failed);
  }
}

function screenFor(context: Context, out: Output): Screen {
  const look = lookOf(out, context.env);
  if (!look.live) return new PlainLines(out);
  const transfers = new Transfers(out, look);
  return {
    show: (line) => {
      if (line.id && !line.stream) {
        transfers.show(line.id, line);
        return;
      }
      transfers.settle();
      out.write(line.stream ?? `${line.status ?? ""}\n`);
    },
    end: () => transfers.settle(),
  };
}

/** For pipes and files. */
export class PlainLines implements Screen {
  private readonly out: Output;

  constructor(out: Output) {
    this.out = out;
  }

  show(line: ProgressLine): void {
    const { current = 0, total = 0 } = line.progressDetail ?? {};
    if (current > 0 || total > 0) return;
    const id = line.id ? `${line.id}: ` : "";
    this.out.write(line.stream ? `${id}${line.stream}` : `${id}${line.status ?? ""}\n`);
  }

  end(): void {}
}
