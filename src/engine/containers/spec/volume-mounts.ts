import type { ContainerConfig, HostConfig } from "../../../base/container-config.ts";
import { GantryError, messageOf } from "../../../base/errors.ts";
import { type IdMap, rootOf } from "../../../base/id-map.ts";
import type { Rootfs } from "../../../ports/rootfs.ts";
import type { SharedMemory } from "../../../ports/shared-memory.ts";
import type { HostPaths } from "../../../ports/volume-files.ts";
import type { Logger } from "../../../ports/logger.ts";
import { isPluginError } from "../../volumes/plugin-volumes.ts";
import { ANONYMOUS_LABEL, LOCAL } from "../../volumes/volume-record.ts";
import type { Volumes } from "../../volumes/volumes.ts";
import { idMapOf } from "../user-namespace.ts";
import type { ContainerMounts } from "../mounts.ts";
import type { ContainerRecord, MountPoint } from "../record.ts";
import type { ResolvedMount } from "./facts.ts";
import { refuseMountTarget } from "./guards.ts";
import type { ImageMounts } from "./image-mounts.ts";
import { type BindRequest, type MountRequest, planMountRequests, readVolumesFrom } from "./mount-requests.ts";
import { DEFAULT_SHM_SIZE } from "./mounts.ts";
import { ipcModeOf } from "./namespaces.ts";
import { INIT_PATH } from "./process.ts";

export interface VolumeMountsDeps {
  volumes: Volumes;
  rootfs: Rootfs;
  hostPaths: HostPaths;
  /** What containers' ids are on the host, unless they ask for the host's own. */
  idMap?: IdMap;
  /** The mounts of another container (`--volumes-from`), by id or name. Throws notFound. */
  mountsOf: (container: string) => MountPoint[];
  /** For `--mount type=image`. */
  imageMounts: ImageMounts;
  logger: Logger;
  /** What is mounted below it must not stay busy in a container that binds it. */
  dataRoot: string;
  /** For `--ipc shareable` and `--ipc container:X`. */
  ipc?: {
    memory: SharedMemory;
    /** The other container, by id or name. Throws notFound. */
    donor: (container: string) => { id: string; hostConfig: HostConfig };
  };
}

/** What Gantry itself puts over files of the image. */
const OWN_TARGETS = ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf", INIT_PATH];

/** Binds, volumes and tmpfs of containers, on top of `Volumes`. */
export class VolumeMounts implements ContainerMounts {
  private readonly deps: VolumeMountsDeps;

  constructor(deps: VolumeMountsDeps) {
    this.deps = deps;
  }

  async create(id: string, config: ContainerConfig, hostConfig: HostConfig): Promise<MountPoint[]> {
    const inherited = this.inherited(hostConfig);
    const requests = planMountRequests(config, hostConfig, new Set(inherited.map((row) => row.Destination)));
    // everything that can fail without leaving something behind comes first
    for (const request of requests) {
      refuseMountTarget(request.destination, request.destination, hostConfig.Privileged ?? false);
      if (request.type === "bind") {
        this.checkDataRoot(request);
        if (!request.createSource) this.requireSource(request);
      }
    }
    const made: string[] = [];
    try {
      const own: MountPoint[] = [];
      for (const request of requests) own.push(...(await this.row(id, request, made)));
      const replaced = new Set(requests.map((request) => request.destination));
      return [...inherited.filter((row) => !replaced.has(row.Destination)), ...own];
    } catch (error) {
      for (const name of made) await this.deps.volumes.remove(name, { force: true });
      throw error;
    }
  }

  async prepare(record: ContainerRecord, rootfs: string): Promise<ResolvedMount[]> {
    const { hostConfig } = record;
    const privileged = hostConfig.Privileged ?? false;
    const inherited = new Set(record.mounts.map((row) => row.Destination));
    const requests = planMountRequests(record.config, hostConfig, inherited);
    const byDestination = new Map(requests.map((request) => [request.destination, request]));
    for (const row of record.mounts)
      if (!byDestination.has(row.Destination)) {
        byDestination.set(row.Destination, asRequest(row, this.usualPropagation(row.Source)));
      }
    const targets = [...byDestination.keys()];
    for (const target of [...OWN_TARGETS, ...targets]) {
      refuseMountTarget(target, this.deps.rootfs.resolve(rootfs, target), privileged);
    }
    const rows = new Map(record.mounts.map((row) => [row.Destination, row]));
    const result = this.sharedMemory(record).filter((mount) => !byDestination.has(mount.destination));
    for (const request of byDestination.values()) {
      result.push(await this.resolve(record, rootfs, request, rows.get(request.destination)));
    }
    return result;
  }

  async release(record: ContainerRecord): Promise<void> {
    const attempts = await Promise.allSettled([
      ...volumeNames(record).map((name) => this.deps.volumes.release(name, record.id)),
      this.deps.imageMounts.release(record.id),
    ]);
    if (ipcModeOf(record.hostConfig) === "shareable") this.deps.ipc?.memory.remove(record.id);
    const failed = attempts.find((attempt) => attempt.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  async removeAnonymous(record: ContainerRecord): Promise<void> {
    for (const name of new Set([...volumeNames(record), ...this.deps.volumes.madeFor(record.id)])) {
      try {
        if (!Object.hasOwn(this.deps.volumes.get(name).labels, ANONYMOUS_LABEL)) continue;
        await this.deps.volumes.remove(name, { goingWith: record.id });
      } catch (error) {
        // gone already, or another container has taken it over by --volumes-from
        if (error instanceof GantryError && ["notFound", "conflict"].includes(error.kind)) continue;
        if (!isPluginError(error)) throw error;
        this.deps.logger.warn("removing an anonymous volume", { volume: name, error: messageOf(error) });
      }
    }
  }

  /** /dev/shm, where it is more than a tmpfs of the container's own. */
  private sharedMemory(record: ContainerRecord): ResolvedMount[] {
    const { ipc } = this.deps;
    const { hostConfig } = record;
    const mode = ipcModeOf(hostConfig);
    if (ipc === undefined || (mode !== "shareable" && mode !== "container")) return [];
    const bind = (source: string): ResolvedMount[] => [
      { type: "bind", source, destination: "/dev/shm", readOnly: false },
    ];
    if (mode === "shareable") {
      const owner = rootOf(idMapOf(hostConfig, this.deps.idMap));
      return bind(ipc.memory.create(record.id, hostConfig.ShmSize || DEFAULT_SHM_SIZE, owner));
    }
    const donor = ipc.donor((hostConfig.IpcMode ?? "").slice("container:".length));
    switch (ipcModeOf(donor.hostConfig)) {
      case "shareable":
        return bind(ipc.memory.path(donor.id));
      case "host":
        return bind("/dev/shm");
      default:
        throw new GantryError(
          "invalid",
          "IPC_NOT_SHAREABLE",
          `failed to join IPC namespace: container ${donor.id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
        );
    }
  }

  private inherited(hostConfig: HostConfig): MountPoint[] {
    const rows = new Map<string, MountPoint>();
    for (const text of hostConfig.VolumesFrom ?? []) {
      const { container, readOnly } = readVolumesFrom(text);
      for (const row of this.deps.mountsOf(container)) {
        if (row.Type !== "tmpfs") rows.set(row.Destination, { ...row, Mode: "", RW: row.RW && !readOnly });
      }
    }
    return [...rows.values()];
  }

  /** Inspect's row; makes the volume that it names and notes in `made` what was anonymous. */
  private async row(containerId: string, request: MountRequest, made: string[]): Promise<MountPoint[]> {
    const common = { Destination: request.destination, Mode: request.mode, RW: !request.readOnly };
    switch (request.type) {
      case "bind": {
        const { source, propagation, nonRecursive, submounts } = request;
        const finer = nonRecursive || submounts !== "asked" ? { finer: { nonRecursive, submounts } } : {};
        const Propagation = propagation || this.usualPropagation(source);
        return [{ Type: "bind", Source: source, ...common, Propagation, ...finer }];
      }
      case "image": {
        const Source = this.deps.imageMounts.resolve(request).id;
        const finer = request.subpath === undefined ? {} : { finer: { subpath: request.subpath } };
        return [{ Type: "image", Name: request.image, Source, ...common, Propagation: "rprivate", ...finer }];
      }
      case "tmpfs":
        return request.hidden ? [] : [{ Type: "tmpfs", Source: "", ...common, Propagation: "" }];
      case "volume": {
        const { name, driver, labels, options } = request;
        const volume = await this.deps.volumes.create({
          ...(name !== undefined && { name }),
          ...(driver !== undefined && { driver }),
          labels,
          options,
          madeFor: containerId,
        });
        if (name === undefined) made.push(volume.name);
        const Source = this.deps.volumes.mountpoint(volume.name);
        const finer = request.subpath === undefined ? {} : { finer: { subpath: request.subpath } };
        // labels of SELinux are the local driver's alone to set
        const Mode = common.Mode === "z" && volume.driver !== LOCAL ? "" : common.Mode;
        const { name: Name, driver: Driver } = volume;
        const { Destination, RW } = common;
        return [{ Type: "volume", Name, Source, Destination, Driver, Mode, RW, Propagation: "", ...finer }];
      }
    }
  }

  private async resolve(
    record: ContainerRecord,
    rootfs: string,
    request: MountRequest,
    row: MountPoint | undefined,
  ): Promise<ResolvedMount> {
    const { destination, readOnly } = request;
    if (request.type === "tmpfs") return { type: "tmpfs", source: "", destination, readOnly, options: request.options };
    if (request.type === "bind") {
      if (request.createSource && this.deps.hostPaths.typeOf(request.source) === undefined) {
        this.deps.hostPaths.makeDirectory(request.source, rootOf(idMapOf(record.hostConfig, this.deps.idMap)));
      }
      this.requireSource(request);
      const { source, nonRecursive, submounts } = request;
      const propagation = this.propagationFor(request);
      const folder = this.isFolder(source);
      return { type: "bind", source, destination, readOnly, propagation, nonRecursive, submounts, folder };
    }
    if (request.type === "image") {
      // the image that the name meant when the container was created
      const mounted = await this.deps.imageMounts.mount(record, row ? { ...request, image: row.Source } : request);
      return { type: "bind", ...mounted, destination, readOnly: true };
    }
    const name = row?.Name ?? request.name;
    if (name === undefined) throw new Error(`no volume was made for ${destination}`);
    let source = await this.deps.volumes.use(name, record.id, { destination, readOnly });
    // a plugin tells of the place only now
    if (row !== undefined) row.Source = source;
    if (!request.noCopy) await this.deps.volumes.copyUp(name, rootfs, destination, record.id);
    // a volume's own folder is not looked at: one of a host that is gone would never answer
    if (request.subpath === undefined) return { type: "bind", source, destination, readOnly, folder: true };
    source = this.deps.volumes.subpath(name, request.subpath);
    return { type: "bind", source, destination, readOnly, folder: this.isFolder(source) };
  }

  /** Throws invalid BAD_PROPAGATION in Docker's words: mounts of the data root would stay in the container for ever. */
  private checkDataRoot({ source, propagation }: BindRequest): void {
    if (["", "rslave", "rshared"].includes(propagation) || !this.overlapsDataRoot(source)) return;
    throw new GantryError(
      "invalid",
      "BAD_PROPAGATION",
      `invalid mount config: must use either propagation mode "rslave" or "rshared" when mount source is within the daemon root, daemon root: ${JSON.stringify(this.deps.dataRoot)}, bind mount source: ${JSON.stringify(source)}, propagation: ${JSON.stringify(propagation)}`,
    );
  }

  private overlapsDataRoot(source: string): boolean {
    const below = (inner: string, outer: string): boolean => `${inner}/`.startsWith(outer === "/" ? "/" : `${outer}/`);
    return below(source, this.deps.dataRoot) || below(this.deps.dataRoot, source);
  }

  private usualPropagation(source: string): string {
    return this.overlapsDataRoot(source) ? "rslave" : "rprivate";
  }

  /** What was asked for must be possible; what is usual gives way. Throws invalid BAD_PROPAGATION in Docker's words. */
  private propagationFor({ source, propagation }: BindRequest): string {
    const wanted = propagation || this.usualPropagation(source);
    if (wanted.endsWith("private")) return wanted;
    const { mountPoint, peers } = this.deps.hostPaths.propagationOf(source);
    const fits = peers === "shared" || (peers === "slave" && wanted.endsWith("slave"));
    if (fits) return wanted;
    if (propagation === "") return "rprivate";
    const kind = wanted.endsWith("slave") ? "shared or slave" : "shared";
    throw new GantryError(
      "invalid",
      "BAD_PROPAGATION",
      `path ${source} is mounted on ${mountPoint} but it is not a ${kind} mount`,
      { hint: `mount --make-shared ${mountPoint}` },
    );
  }

  private isFolder(source: string): boolean {
    return this.deps.hostPaths.typeOf(source) === "directory";
  }

  private requireSource(request: BindRequest): void {
    if (this.deps.hostPaths.typeOf(request.source) !== undefined) return;
    throw new GantryError(
      "invalid",
      "NO_BIND_SOURCE",
      `invalid mount config for type "bind": bind source path does not exist: ${request.source}`,
      { hint: `make it first: mkdir -p ${request.source}` },
    );
  }
}

const volumeNames = (record: ContainerRecord): string[] =>
  record.mounts.flatMap((row) => (row.Type === "volume" && row.Name !== undefined ? [row.Name] : []));

/** A row that came by `--volumes-from`: it is mounted as the other container has it. */
function asRequest(row: MountPoint, usualPropagation: string): MountRequest {
  const common = { destination: row.Destination, readOnly: !row.RW, mode: row.Mode };
  const { nonRecursive = false, submounts = "asked", subpath } = row.finer ?? {};
  const below = subpath === undefined ? {} : { subpath };
  if (row.Type === "image") return { type: "image", image: row.Source, ...common, ...below };
  if (row.Type === "bind") {
    const propagation = row.Propagation === usualPropagation ? "" : row.Propagation;
    return { type: "bind", source: row.Source, ...common, propagation, nonRecursive, submounts, createSource: false };
  }
  return { type: "volume", name: row.Name ?? "", ...common, ...below, labels: {}, options: {}, noCopy: true };
}
