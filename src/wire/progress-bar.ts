import { humanSize } from "../base/units.ts";

const WIDTH = 50;

/** The bar that Docker's API draws beside the numbers: `[==>      ]  1.2MB/3.4MB`; "" where there is nothing to show. */
export function progressBar(detail: { current?: number; total?: number } | undefined): string {
  const current = detail?.current ?? 0;
  const total = detail?.total ?? 0;
  if (current <= 0 && total <= 0) return "";
  const done = humanSize(current).padStart(8);
  if (total <= 0) return done;
  const filled = Math.min(WIDTH, Math.floor(Math.floor((current / total) * 100) / 2));
  const bar = `[${"=".repeat(filled)}>${" ".repeat(WIDTH - filled)}] `;
  return current > total ? bar + done : `${bar}${done}/${humanSize(total)}`;
}
