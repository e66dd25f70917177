import type { LogOptions } from "../../base/logging/options.ts";
import type { IdMap } from "../../base/id-map.ts";
import type { Ids, Clock } from "../../ports/clock.ts";
import type { CdiSpecs } from "../../ports/cdi-specs.ts";
import type { Cgroups } from "../../ports/cgroups.ts";
import type { ContainerFiles } from "../../ports/container-files.ts";
import type { HostCounters } from "../../ports/host-counters.ts";
import type { Host } from "../../ports/host-facts.ts";
import type { LayerStore } from "../../ports/layer-store.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Monitor } from "../../ports/monitor.ts";
import type { OciRuntime } from "../../ports/oci-runtime.ts";
import type { SeccompCompiler } from "../../ports/seccomp-compiler.ts";
import type { ProcessSignals } from "../../ports/process-signals.ts";
import type { Rootfs } from "../../ports/rootfs.ts";
import type { ImageSource } from "../images/contract.ts";
import type { ContainerNetworking } from "../networks/contract.ts";
import type { ContainerEntry, ContainerRegistry } from "./registry.ts";
import type { ContainerMounts } from "./mounts.ts";

/** Publishes one event about a container, with Docker's attributes. */
export type PublishContainerEvent = (
  entry: ContainerEntry,
  action: string,
  attributes?: Record<string, string>,
) => void;

/** What the container engine works with; each part of it picks what it uses. */
export interface ContainerDeps {
  registry: ContainerRegistry;
  images: ImageSource;
  layers: LayerStore;
  networking: ContainerNetworking;
  mounts: ContainerMounts;
  monitor: Monitor;
  /** By name; "" is the default. Throws invalid UNKNOWN_RUNTIME. */
  runtime: (name: string) => OciRuntime;
  rootfs: Rootfs;
  seccomp: SeccompCompiler;
  files: ContainerFiles;
  cgroups: Cgroups;
  signals: ProcessSignals;
  host: Host;
  cdi: CdiSpecs;
  counters: HostCounters;
  /** What containers' ids are on the host, unless they ask for the host's own. */
  idMap?: IdMap;
  /** Path of an init (tini) for --init, if the host has one. */
  initBinary: string | undefined;
  /** For containers that name no log driver. */
  logDefaults: { driver: string; options: LogOptions };
  /** For containers that say nothing of it. */
  initByDefault: boolean;
  clock: Clock;
  ids: Ids;
  logger: Logger;
  publish: PublishContainerEvent;
}
