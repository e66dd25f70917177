import type { ContainerConfig, HostConfig, NetworkingConfig } from "../../base/container-config.ts";
import type { Digest } from "../../base/image-config.ts";
import type { LogSubject } from "../../base/logging/subject.ts";
import type { ProcessHandle } from "../../ports/monitor.ts";
import type { Attachment } from "../networks/contract.ts";
import type { EndReason, EndRequest } from "./end-reason.ts";
import type { ReadOnlySubmounts } from "./spec/mount-requests.ts";
import { cgroupsPath } from "./spec/resources.ts";

export type Status = "created" | "running" | "paused" | "restarting" | "removing" | "exited" | "dead";

/** A row of `Mounts` in inspect. */
export interface MountPoint {
  Type: "bind" | "volume" | "tmpfs" | "image";
  Name?: string;
  Source: string;
  Destination: string;
  Driver?: string;
  Mode: string;
  RW: boolean;
  Propagation: string;
  /** What inspect does not show and `--volumes-from` takes over. */
  finer?: { subpath?: string; nonRecursive?: boolean; submounts?: ReadOnlySubmounts };
}

/** A link to another container, which may have gone or have got another name since. */
export interface ContainerLink {
  alias: string;
  id: string;
  /** The other's name when the link was made. */
  name: string;
}

export interface HealthResult {
  Start: string;
  End: string;
  ExitCode: number;
  Output: string;
}

export interface Health {
  Status: "starting" | "healthy" | "unhealthy";
  FailingStreak: number;
  Log: HealthResult[];
}

export interface ContainerState {
  status: Status;
  exitCode: number;
  error: string;
  oomKilled: boolean;
  /** RFC 3339; "0001-01-01T00:00:00Z" before the first. */
  startedAt: string;
  finishedAt: string;
  /** The container's init and its monitor, while it runs. */
  process?: ProcessHandle;
  monitor?: ProcessHandle;
  restartCount: number;
  /** Of this run: what was asked that ends it. */
  endRequest?: EndRequest;
  /** Of the last end. */
  endReason?: EndReason;
  /** Stopped by hand: `unless-stopped` remembers it over a daemon restart. */
  manuallyStopped: boolean;
  health?: Health;
  /** An effect that was begun and not yet finished; the next daemon takes it up. */
  intent?: "create" | "start" | "teardown" | "remove" | "copy";
  /** Its processes are held for this alone: who adopts the container lets them go. */
  pausedFor?: "commit" | "snapshot";
  /** A change of limits was begun: what the groups have may not be what `hostConfig` says. */
  updating?: boolean;
  /** A change of its published ports was begun: the network may have more of them than `hostConfig` asks for. */
  publishing?: boolean;
  /** How often the kernel killed for memory in this run, and how many of those were told. */
  oomKills?: number;
  oomsTold?: number;
  /** `rm -v` was asked with the removal under way. */
  removeVolumes?: boolean;
}

/** A container as the index keeps it (bucket `containers`, key: the id). */
export interface ContainerRecord {
  id: string;
  /** Without the leading slash. */
  name: string;
  created: string;
  /** The command: entrypoint and arguments. */
  path: string;
  args: string[];
  /** Image and request merged. */
  config: ContainerConfig;
  hostConfig: HostConfig;
  networking: NonNullable<NetworkingConfig["EndpointsConfig"]>;
  /** HostConfig.Links on the default bridge, looked up when it was created. */
  links?: ContainerLink[];
  imageId: Digest;
  /** Top layer of the image; undefined for an image without layers. */
  chainId?: Digest;
  platform: string;
  mounts: MountPoint[];
  state: ContainerState;
  /** From the last start; cleared when the container ends. */
  attachment?: Attachment;
  /** Addresses and ports of the run before, where the next start is to have the same. */
  before?: Pick<Attachment, "networks" | "ports">;
  /** What its log's messages say of it; from the last start. */
  logSubject?: LogSubject;
}

export const NEVER = "0001-01-01T00:00:00Z";

export const isUp = (record: ContainerRecord): boolean =>
  record.state.status === "running" || record.state.status === "paused";

export const shortId = (id: string): string => id.replace(/^sha256:/, "").slice(0, 12);

export const cgroupsPathOf = (record: ContainerRecord): string =>
  cgroupsPath(record.id, record.hostConfig.CgroupParent);
