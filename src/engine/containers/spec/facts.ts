import type { ContainerConfig, HostConfig } from "../../../base/container-config.ts";
import type { ReadOnlySubmounts } from "./mount-requests.ts";
import type { UserNamespace } from "../../../base/id-map.ts";
import type { HostDevice, HostFacts } from "../../../ports/host-facts.ts";
import { blockDevicePaths } from "./block-io.ts";

/** Who a container's process runs as, looked up in the image's own passwd and group files. */
export interface ResolvedUser {
  uid: number;
  gid: number;
  /** Supplementary groups; the planner adds `gid` itself. */
  additionalGids: number[];
  home: string;
}

/** One mount whose source on the host is known. */
export interface ResolvedMount {
  type: "bind" | "tmpfs";
  /** Host path for a bind; ignored for tmpfs. */
  source: string;
  /** Absolute and clean. */
  destination: string;
  readOnly: boolean;
  /** Bind only: rprivate by default. */
  propagation?: string;
  /** Bind only: the source is known to be a folder. A read-only one then covers what is mounted below it too. */
  folder?: boolean;
  /** Bind only: leave out what is mounted below the source. */
  nonRecursive?: boolean;
  /** Read-only bind only: how what is mounted below the source is to be; "asked" by default. */
  submounts?: ReadOnlySubmounts;
  /** tmpfs only: mount options as given ("size=64m", "exec"). */
  options?: string[];
}

/** Everything the planner needs to write a container's config.json. Plain data. */
export interface SpecFacts {
  /** 64 hex digits. */
  id: string;
  /** Without the slash. */
  name: string;
  /** The container's configuration, the image's merged in. */
  config: ContainerConfig;
  hostConfig: HostConfig;
  /** Where the root file system is mounted on the host. */
  rootfs: string;
  hostname: string;
  user: ResolvedUser;
  /** Network namespace to join; undefined: the host's. */
  netns?: string;
  /** User namespace to join; undefined: the host's. */
  userns?: UserNamespace;
  /** Other containers' namespaces to join (`--pid container:X`, `--ipc container:X`), as paths. */
  joined?: { pid?: string; ipc?: string };
  /** What links tell of other containers; the container's own variables go over them. */
  linkedEnv?: readonly string[];
  /** Binds, volumes and tmpfs of the user. */
  mounts: ResolvedMount[];
  /** Host files that Gantry writes for the container. */
  files: { hosts?: string; resolvConf?: string; hostname?: string };
  /** A folder on the host to mount at /dev/shm instead of a private tmpfs; `--ipc host` takes the host's by itself. */
  shm?: string;
  /** The init program on the host, for `--init`. */
  initBinary?: string;
  /** For each path in `deviceLookups`: what the host has there. */
  devices?: Record<string, HostDevice[]>;
  host: HostFacts;
}

/** The host paths whose devices the planner must know, see `SpecFacts.devices`. */
export function deviceLookups(hostConfig: HostConfig): string[] {
  const named = (hostConfig.Devices ?? []).map((mapping) => mapping.PathOnHost);
  return [...(hostConfig.Privileged ? ["/dev"] : []), ...named, ...blockDevicePaths(hostConfig)];
}
