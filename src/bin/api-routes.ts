import type { Builder } from "../build/builder.ts";
import { PsProcessTable } from "../drivers/ps/process-table.ts";
import type { Containers } from "../engine/containers/containers.ts";
import type { ContainerRecord } from "../engine/containers/record.ts";
import type { Events } from "../engine/events/events.ts";
import type { Explainer } from "../engine/explain/explainer.ts";
import type { Bootstrap } from "../engine/images/bootstrap.ts";
import type { Images } from "../engine/images/images.ts";
import type { Networks } from "../engine/networks/networks.ts";
import type { Snapshots } from "../engine/snapshots/snapshots.ts";
import type { Volumes } from "../engine/volumes/volumes.ts";
import type { Downloads } from "../ports/build-files.ts";
import type { Clock, Ids } from "../ports/clock.ts";
import type { ContainerFiles } from "../ports/container-files.ts";
import type { Host } from "../ports/host-facts.ts";
import { BuildSessions } from "../server/build-sessions.ts";
import type { Route } from "../server/call.ts";
import { archiveRoutes } from "../server/routes/archive.ts";
import { bootstrapRoutes } from "../server/routes/bootstrap.ts";
import { buildSessionRoutes } from "../server/routes/build-sessions.ts";
import { buildCacheRoutes } from "../server/routes/build-cache.ts";
import { buildShellRoutes } from "../server/routes/build-shells.ts";
import { buildRoutes } from "../server/routes/build.ts";
import { checkpointRoutes } from "../server/routes/checkpoints.ts";
import { containerRoutes } from "../server/routes/containers.ts";
import { diskUsageRoutes } from "../server/routes/disk-usage.ts";
import { eventRoutes } from "../server/routes/events.ts";
import { execRoutes } from "../server/routes/exec.ts";
import { explainRoutes } from "../server/routes/explain.ts";
import { imageRoutes } from "../server/routes/images.ts";
import { livePortRoutes } from "../server/routes/live-ports.ts";
import { networkRoutes } from "../server/routes/networks.ts";
import { pluginRoutes } from "../server/routes/plugins.ts";
import { sessionRoutes } from "../server/routes/session.ts";
import { shapeRoutes } from "../server/routes/shapes.ts";
import { statsRoutes } from "../server/routes/stats.ts";
import { swarmRoutes } from "../server/routes/swarm.ts";
import { type VolumeWorkRoutesDeps, volumeWorkRoutes } from "../server/routes/volume-work.ts";
import { snapshotRoutes } from "../server/routes/snapshots.ts";
import { volumeRoutes } from "../server/routes/volumes.ts";
import { type EngineIdentity, type EngineSettings, systemRoutes } from "../server/routes/system.ts";
import type { containerUse } from "./relations.ts";

export interface ApiParts {
  containers: Containers;
  images: Images;
  networks: Networks;
  volumes: Volumes;
  snapshots: Snapshots;
  volumeWork: Omit<VolumeWorkRoutesDeps, "volumes">;
  builder: Builder;
  bootstrap: Bootstrap;
  explainer: Explainer;
  events: Events;
  cdi: Parameters<typeof systemRoutes>[0]["cdi"];
  files: ContainerFiles;
  host: Host;
  clock: Clock;
  ids: Ids;
  downloads: Downloads;
  identity: EngineIdentity;
  settings: () => EngineSettings;
  imageName: (record: ContainerRecord) => string;
  /** os/architecture of this machine. */
  platform: Parameters<typeof buildRoutes>[0]["platform"];
  networked: ReturnType<typeof containerUse>["networked"];
  /** Bytes that a prune of the build cache gave back. */
  onCachePruned: (bytes: number) => void;
}

/** The whole API, served by these parts. */
export function apiRoutes(parts: ApiParts): Route[] {
  const { containers, images, networks, volumes, builder, events, files, host, clock, identity, imageName } = parts;
  const sessions = new BuildSessions(parts);
  return [
    ...systemRoutes({
      ...{ identity, events, containers, host, clock },
      settings: parts.settings,
      cdi: parts.cdi,
      volumeDrivers: () => volumes.drivers(),
      imageCount: () => images.list({ all: true }).length,
      networkDrivers: () => networks.drivers(),
    }),
    ...diskUsageRoutes({ containers, images, volumes, builder, clock, imageName }),
    ...containerRoutes({
      ...{ containers, files, clock, imageName },
      processes: new PsProcessTable(),
      defaultRuntime: identity.defaultRuntime,
      cgroupVersion: host.facts().cgroup.version === 2 ? 2 : 1,
      shapesOf: (id) => networks.shapes.of({ containerId: id }),
    }),
    ...archiveRoutes({ containers }),
    ...statsRoutes({ containers, hostMemory: host.facts().memory }),
    ...execRoutes({ containers, clock }),
    ...checkpointRoutes({ containers }),
    ...livePortRoutes({ containers }),
    ...shapeRoutes({ containers, shapes: networks.shapes }),
    ...eventRoutes({ events, clock }),
    ...imageRoutes({ images, downloads: parts.downloads, clock }),
    ...networkRoutes({ networks, clock, ...parts.networked }),
    ...volumeRoutes({ volumes }),
    ...snapshotRoutes({ containers, snapshots: parts.snapshots }),
    ...volumeWorkRoutes({ volumes, ...parts.volumeWork }),
    ...buildSessionRoutes({ sessions }),
    ...buildShellRoutes({ shells: builder.shells, clock }),
    ...buildRoutes({ builder, sessions, platform: parts.platform }),
    ...buildCacheRoutes({ builder, clock, onPruned: parts.onCachePruned }),
    ...bootstrapRoutes({ bootstrap: parts.bootstrap }),
    ...explainRoutes({ explainer: parts.explainer }),
    ...pluginRoutes(),
    ...sessionRoutes(),
    ...swarmRoutes(),
  ];
}
