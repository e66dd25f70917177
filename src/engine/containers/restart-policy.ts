import type { RestartPolicy } from "../../base/container-config.ts";
import type { ContainerState } from "./record.ts";

const FIRST_DELAY = 100;
const LONGEST_DELAY = 60_000;
const STEADY_AFTER = 10_000;

/** Whether a container that has ended shall run again. A stop by hand wins over every policy. */
export function decideRestart(
  policy: RestartPolicy | undefined,
  state: Pick<ContainerState, "exitCode" | "manuallyStopped" | "restartCount">,
): boolean {
  if (state.manuallyStopped) return false;
  switch (policy?.Name) {
    case "always":
    case "unless-stopped":
      return true;
    case "on-failure":
      return state.exitCode !== 0 && (!policy.MaximumRetryCount || state.restartCount < policy.MaximumRetryCount);
    default:
      return false;
  }
}

/** Whether the daemon starts it when the daemon itself starts: `always` forgets a stop by hand, `unless-stopped` does not. */
export function decideBoot(
  policy: RestartPolicy | undefined,
  state: Pick<ContainerState, "exitCode" | "manuallyStopped" | "restartCount">,
): boolean {
  return policy?.Name === "always" || decideRestart(policy, state);
}

/** Milliseconds to wait before the next restart. */
export function nextDelay(previous: number, uptimeMs: number): number {
  if (previous === 0 || uptimeMs >= STEADY_AFTER) return FIRST_DELAY;
  return Math.min(previous * 2, LONGEST_DELAY);
}
