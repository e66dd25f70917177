import type { EndSection } from "../../base/explanation.ts";
import { isGantryError } from "../../base/errors.ts";
import { type ContainerRecord, NEVER } from "../containers/record.ts";
import type { ExplainerDeps } from "./deps.ts";
import { meaningOf, signalOf } from "./end.ts";
import { byHand, word } from "./words.ts";

const LAST_LINES = 10;
const LAST_EVENTS = 12;
const LONGEST_LINE = 2000;

/** Whether there is an end to tell of, or a start that failed. */
export const hasEnded = ({ state }: ContainerRecord): boolean =>
  ["exited", "dead", "restarting"].includes(state.status) || (state.status === "created" && state.error !== "");

/** Why it ended, from all that the engine kept. */
export async function explainEnded(deps: ExplainerDeps, record: ContainerRecord): Promise<EndSection> {
  const { state } = record;
  const signal = signalOf(state.exitCode);
  const started = state.startedAt !== NEVER && !(state.error !== "" && state.exitCode >= 126 && state.exitCode <= 128);
  const events = (await deps.history(record.id)).slice(-LAST_EVENTS);
  return {
    started,
    exitCode: state.exitCode,
    meaning: meaningOf(state.exitCode, started),
    ...(state.endReason && { reason: state.endReason.text }),
    ...(state.error !== "" && { error: state.error }),
    oomKilled: state.oomKilled,
    oomKills: state.oomKills ?? 0,
    ...(signal !== undefined && { signal }),
    finishedAt: state.finishedAt,
    restarts: state.restartCount,
    events,
    health: (state.health?.Log ?? [])
      .slice(-3)
      .map(({ ExitCode, Output }) => ({ exitCode: ExitCode, output: Output.trim() })),
    ...(await lastLines(deps, record)),
    byHand: [
      byHand(`gantry logs --tail 50 ${word(record.name)}`, "what it wrote last"),
      byHand(
        `gantry inspect -f '{{json .State}}' ${word(record.name)}`,
        "exit code, OOM and times as the engine keeps them",
      ),
      byHand(`gantry events --since 1h --until 0s --filter container=${word(record.name)}`, "what happened to it"),
    ],
  };
}

async function lastLines(
  deps: ExplainerDeps,
  record: ContainerRecord,
): Promise<Pick<EndSection, "lastLines" | "noLines">> {
  const parts: string[] = [];
  try {
    for await (const { data } of deps.containers.logs(record.id, { tail: LAST_LINES })) {
      parts.push(data.toString("utf8", 0, LONGEST_LINE));
    }
  } catch (error) {
    if (!isGantryError(error, "NO_LOG")) throw error;
    return { lastLines: [], noLines: error.message };
  }
  const lines = parts.join("").split("\n");
  if (lines.at(-1) === "") lines.pop();
  return { lastLines: lines.slice(-LAST_LINES), ...(lines.length === 0 && { noLines: "it wrote nothing" }) };
}
