import { humanSize } from "../../base/units.ts";
import type { ProgressLine } from "../../wire/types/images.ts";
import { LiveLines } from "../terminal/live-lines.ts";
import { type Look, tinted } from "../terminal/look.ts";
import type { Output } from "../terminal/output.ts";

const BAR = { least: 10, most: 50 };
/** Milliseconds of transfer before a rate means anything. */
const SETTLED = 300;

interface Transfer {
  status: string;
  current: number;
  total: number;
  /** When the bytes of this status began to come, and how many there were then. */
  since: number;
  from: number;
}

/** "[====>     ]  1.2MB/3.4MB  560kB/s" in at most `room` letters; "" if there is nothing to show. */
export function progressBar(current: number, total: number, room: number, rate = ""): string {
  if (current <= 0 && total <= 0) return "";
  const done = humanSize(current).padStart(8);
  const known = total > 0 && current <= total;
  const counts = `${known ? `${done}/${humanSize(total)}` : done}${rate === "" ? "" : `  ${rate}`}`;
  const length = Math.min(BAR.most, room - counts.length - 4);
  if (!known || length < BAR.least) return counts;
  const filled = Math.trunc((current / total) * length);
  return `[${"=".repeat(filled)}>${" ".repeat(length - filled)}] ${counts}`;
}

/** One line for each layer, drawn over while it moves, and one for all of them. */
export class Transfers {
  private readonly transfers = new Map<string, Transfer>();
  private readonly live: LiveLines;
  private readonly look: Look;
  private readonly now: () => number;

  constructor(out: Output, look: Look, now: () => number = () => performance.now()) {
    this.live = new LiveLines(out, () => this.lines(process.stdout.columns || 80));
    this.look = look;
    this.now = now;
  }

  show(id: string, { status = "", progressDetail }: ProgressLine): void {
    const { current = 0, total = 0 } = progressDetail ?? {};
    const before = this.transfers.get(id);
    const same = before?.status === status;
    this.transfers.set(id, {
      status,
      current,
      total,
      since: same ? before.since : this.now(),
      from: same ? before.from : current,
    });
    this.live.touch();
  }

  /** What has no id stands below all that came before. */
  settle(): void {
    if (this.transfers.size === 0) return;
    this.live.settle();
    this.transfers.clear();
  }

  lines(width: number): string[] {
    const lines = [...this.transfers].map(([id, transfer]) => {
      const head = `${id}: ${transfer.status}`;
      const bar = progressBar(transfer.current, transfer.total, width - head.length - 2, this.rateOf([transfer]));
      const tone = /^(Pull complete|Already exists|Pushed|Layer already exists|Mounted|Loaded)/.test(transfer.status)
        ? "good"
        : /^(Downloading|Pushing|Extracting|Loading)/.test(transfer.status)
          ? "busy"
          : "quiet";
      return `${id}: ${tinted(this.look, tone, transfer.status)}${bar === "" ? "" : ` ${bar}`}`;
    });
    const moving = [...this.transfers.values()].filter(({ current, total }) => current > 0 && total > 0);
    if (moving.length > 1) {
      const sum = (pick: (transfer: Transfer) => number): number => moving.reduce((all, one) => all + pick(one), 0);
      const bar = progressBar(
        sum((one) => one.current),
        sum((one) => one.total),
        width - 8,
        this.rateOf(moving),
      );
      lines.push(`Total: ${bar}`);
    }
    return lines;
  }

  private rateOf(transfers: Transfer[]): string {
    const since = Math.min(...transfers.map((transfer) => transfer.since));
    const bytes = transfers.reduce((sum, { current, from }) => sum + current - from, 0);
    const ms = this.now() - since;
    return ms < SETTLED || bytes <= 0 ? "" : `${humanSize((bytes / ms) * 1000)}/s`;
  }
}
