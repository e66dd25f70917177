import type { Measured } from "./measure.ts";

/** The results as aligned text, a line each, with what is to be reached and whether it was. */
export function table(results: Measured[]): string {
  const rows = [
    ["", "dockerd", "gantryd", "ratio", "to reach", ""],
    ...results.map((result) => [
      result.name,
      figure(result.dockerd, result.unit),
      figure(result.gantryd, result.unit),
      Number.isNaN(result.dockerd) ? "" : ratioOf(result).toFixed(2),
      target(result),
      verdict(result),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: string[]): string =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join("  ");
  return `${rows.map((row) => line(row).trimEnd()).join("\n")}\n`;
}

export const ratioOf = ({ dockerd, gantryd }: Measured): number => gantryd / dockerd;

/** undefined: nothing was promised. */
export function reached(result: Measured): boolean | undefined {
  const { ratio, least, most } = result.target ?? {};
  if (ratio !== undefined) return ratioOf(result) <= ratio;
  if (least !== undefined) return ratioOf(result) >= least;
  return most === undefined ? undefined : result.gantryd <= most;
}

const figure = (value: number, unit: Measured["unit"]): string =>
  Number.isNaN(value) ? "" : `${unit === "MB" ? value.toFixed(1) : value.toFixed(value < 100 ? 1 : 0)} ${unit}`;

function target({ target, unit }: Measured): string {
  if (target?.ratio !== undefined) return `≤ ${target.ratio}`;
  if (target?.least !== undefined) return `≥ ${target.least}`;
  return target?.most === undefined ? "" : `≤ ${target.most} ${unit}`;
}

function verdict(result: Measured): string {
  const yes = reached(result);
  return yes === undefined ? "" : yes ? "yes" : "NO";
}
