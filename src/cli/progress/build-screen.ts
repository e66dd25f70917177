import type { Context } from "../command.ts";
import { lookOf } from "../terminal/look.ts";
import type { Output } from "../terminal/output.ts";
import { BuildBoard } from "./build-board.ts";
import { BuildLines } from "./build-lines.ts";
import { BuildSteps } from "./build-steps.ts";
import { SolveStatus } from "./solve-status.ts";
import type { Screen } from "./show.ts";

export const PROGRESS = ["auto", "plain", "tty", "json", "rawjson", "quiet", "none"] as const;
export type Progress = (typeof PROGRESS)[number];

/** Throws Error with the reason alone. */
export function progressOf(text: string): Progress {
  const known = PROGRESS.find((one) => one === text);
  if (known !== undefined) return known;
  throw new Error(`one of ${PROGRESS.join(", ")} is expected`);
}

/** Shows a build. */
export interface BuildScreen extends Screen {
  /** A folder on its way to the engine: bytes so far, and of all (0: not known). */
  sending(what: string, current: number, total: number, over: boolean): void;
}

const NOTHING: BuildScreen = { show() {}, sending() {}, end() {} };

/** The one that was asked for; otherwise what BUILDKIT_PROGRESS says. Throws Error. */
export function progressWanted(given: Progress | undefined, env: Context["env"]): Progress {
  const usual = env["BUILDKIT_PROGRESS"];
  if (given !== undefined || !usual) return given ?? "auto";
  try {
    return progressOf(usual);
  } catch (error) {
    throw new Error(`BUILDKIT_PROGRESS=${usual}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * `auto` is a board on a terminal and lines elsewhere. `events`: the engine tells them; dockerd has the classic builder's words
 * alone. Throws Error where a terminal is needed and there is none.
 */
export function buildScreen(
  out: Output,
  env: Context["env"],
  progress: Exclude<Progress, "quiet">,
  { events }: { events: boolean },
): BuildScreen {
  const look = lookOf(out, env);
  switch (progress) {
    case "none":
      return NOTHING;
    case "json":
      return { ...NOTHING, show: ({ build }) => void (build && out.write(`${JSON.stringify(build)}\n`)) };
    case "rawjson":
      return new SolveStatus(out);
    case "tty":
      if (!look.live) throw new Error("--progress tty needs a terminal that can be drawn on");
      break;
    default:
      if (progress === "plain" || !look.live) return new BuildLines(out);
  }
  return events ? new BuildBoard(out, look) : new BuildSteps(out, look);
}
