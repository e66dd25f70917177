import { humanDuration } from "../../base/units.ts";
import type { ContainerState } from "../../engine/containers/record.ts";

/** "Up 2 hours (healthy)", "Exited (0) 3 minutes ago", "Created" … as `docker ps` shows it. `now` in ms. */
export function statusWords(state: ContainerState, now: number): string {
  const since = (stamp: string): string => humanDuration(Math.max(0, now - Date.parse(stamp)));
  switch (state.status) {
    case "running":
    case "paused": {
      const up = `Up ${since(state.startedAt)}`;
      if (state.status === "paused") return `${up} (Paused)`;
      if (!state.health) return up;
      return `${up} (${state.health.Status === "starting" ? "health: starting" : state.health.Status})`;
    }
    case "restarting":
      return `Restarting (${state.exitCode}) ${since(state.finishedAt)} ago`;
    case "removing":
      return "Removal In Progress";
    case "dead":
      return "Dead";
    case "created":
      return "Created";
    case "exited":
      return `Exited (${state.exitCode}) ${since(state.finishedAt)} ago`;
  }
}
