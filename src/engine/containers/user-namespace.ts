import type { HostConfig } from "../../base/container-config.ts";
import { GantryError } from "../../base/errors.ts";
import type { IdMap, UserNamespace } from "../../base/id-map.ts";
import type { ContainerRecord } from "./record.ts";

/** What the engine maps containers' ids to, for one that has not asked for the host's own; undefined: they stay. */
export const idMapOf = (hostConfig: HostConfig, engine: IdMap | undefined): IdMap | undefined =>
  hostConfig.UsernsMode === "host" ? undefined : engine;

const JOINS = [
  { field: "NetworkMode", what: "network" },
  { field: "IpcMode", what: "IPC" },
  { field: "PidMode", what: "PID" },
] as const;

/**
 * The user namespace of the containers whose other namespaces this one joins (`container:X`): the kernel lets nobody
 * use a namespace that belongs to a stranger's user namespace, so it joins that as well. undefined: it joins none, and
 * gets one of its own. Throws conflict USERNS_DIFFERS.
 */
export function joinedUserNamespace(
  record: Pick<ContainerRecord, "id" | "hostConfig">,
  find: (reference: string) => Pick<ContainerRecord, "id" | "attachment">,
): UserNamespace | undefined {
  let joined: UserNamespace | undefined;
  for (const { field, what } of JOINS) {
    const mode = record.hostConfig[field] ?? "";
    if (!mode.startsWith("container:")) continue;
    const other = find(mode.slice("container:".length));
    const theirs = other.attachment?.userns;
    if (theirs !== undefined && (joined === undefined || joined.path === theirs.path)) joined = theirs;
    else throw usernsDiffers(what, mode);
  }
  return joined;
}

export const usernsDiffers = (what: string, mode: string): GantryError =>
  new GantryError(
    "conflict",
    "USERNS_DIFFERS",
    `cannot join the ${what} namespace of ${mode.replace(":", " ")}: it belongs to another user namespace`,
    { hint: "containers that share namespaces need the same --userns, and to join the same container" },
  );
