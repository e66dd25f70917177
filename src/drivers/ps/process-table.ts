import { GantryError } from "../../base/errors.ts";
import type { ProcessTable } from "../../ports/process-table.ts";
import { run } from "../process/run.ts";
import { ToolError } from "../process/tool-error.ts";

/** ps(1) of the host; all processes are listed and the container's picked, so that every ps option works. */
export class PsProcessTable implements ProcessTable {
  async list(pids: number[], psArgs: string): Promise<{ Titles: string[]; Processes: string[][] }> {
    const words = psArgs.split(/\s+/).filter((word) => word !== "");
    let text: string;
    try {
      text = (await run("ps", words, { timeout: 10_000 })).stdout.toString("utf8");
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      throw new GantryError("invalid", "BAD_PS_ARGS", `ps: ${error.stderr.split("\n")[0] || error.message}`);
    }
    return pick(text, new Set(pids));
  }
}

/** The last column keeps its spaces. */
export function pick(text: string, pids: Set<number>): { Titles: string[]; Processes: string[][] } {
  const [head = "", ...rows] = text.split("\n");
  const titles = head.split(/\s+/).filter((word) => word !== "");
  const column = titles.indexOf("PID");
  if (column < 0) throw new GantryError("invalid", "BAD_PS_ARGS", "Couldn't find PID field in ps output");
  const cells = (row: string): string[] => {
    const words = row.trim().split(/\s+/);
    return [...words.slice(0, titles.length - 1), words.slice(titles.length - 1).join(" ")];
  };
  const processes = rows.filter((row) => row.trim() !== "").map(cells);
  return { Titles: titles, Processes: processes.filter((row) => pids.has(Number(row[column]))) };
}
