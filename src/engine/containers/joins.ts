import { GantryError } from "../../base/errors.ts";
import { isUp } from "./record.ts";
import type { ContainerEntry } from "./registry.ts";

/** Another container whose namespace is to be joined. Throws conflict in Docker's words unless it is up. */
export function requireJoinable(other: ContainerEntry, words: string): void {
  const { state, name } = other.record;
  if (state.status === "restarting") {
    throw new GantryError(
      "conflict",
      "RESTARTING",
      `Container ${other.id} is restarting, wait until the container is running`,
    );
  }
  if (isUp(other.record)) return;
  throw new GantryError("conflict", "JOINED_NOT_RUNNING", words, { hint: `start it first: gantry start ${name}` });
}

/** The namespace of another container's first process, as a path. Throws as requireJoinable. */
export function namespacePath(other: ContainerEntry, kind: "pid" | "ipc"): string {
  requireJoinable(other, `failed to join ${kind.toUpperCase()} namespace: container ${other.id} is not running`);
  return `/proc/${other.record.state.process?.pid}/ns/${kind}`;
}
