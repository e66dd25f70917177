import os from "node:os";
import path from "node:path";
import fs from "node:fs";
import { rootOf } from "../base/id-map.ts";
import { applyChanges } from "../build/changes.ts";
import { LocalBaseImages } from "../drivers/bootstrap/maker.ts";
import { FileBlobStore } from "../drivers/blobs/blob-store.ts";
import { HttpDownloads } from "../drivers/build-files/downloads.ts";
import { CdiSpecFolders } from "../drivers/cdi/spec-folders.ts";
import { findCgroupRoots, HostCgroups } from "../drivers/cgroups/cgroups.ts";
import { makeRoom } from "../drivers/cgroups/make-room.ts";
import { ConmonMonitor } from "../drivers/conmon/monitor.ts";
import { FileJournal } from "../drivers/event-journal/file-journal.ts";
import { HostContainerFiles } from "../drivers/container-files/files.ts";
import { ProcCounters } from "../drivers/host/proc-counters.ts";
import { RandomIds } from "../drivers/host/random-ids.ts";
import { SystemClock } from "../drivers/host/system-clock.ts";
import { ProcKernelView } from "../drivers/kernel-view/proc.ts";
import { LinuxHost } from "../drivers/host-facts/linux-host.ts";
import { HostLogShippers } from "../drivers/log-shippers/shippers.ts";
import { K8sLogs } from "../drivers/logs/k8s-log.ts";
import { NamespaceNameServers } from "../drivers/name-servers/namespace-name-servers.ts";
import { replaceResolvConf } from "../engine/containers/etc-files.ts";
import { NetlinkSublinks } from "../drivers/netlink/netlink-sublinks.ts";
import { NetlinkLinks } from "../drivers/netlink/netlink-links.ts";
import { NftFirewall } from "../drivers/nft/nft-firewall.ts";
import { CriuCheckpoints } from "../drivers/oci/checkpoints.ts";
import { OverlayLayerStore } from "../drivers/overlayfs/layer-store.ts";
import { SocketReservations } from "../drivers/port-reservations/socket-reservations.ts";
import { NetlinkTraffic } from "../drivers/traffic/netlink-traffic.ts";
import { ProcSignals } from "../drivers/process/signals.ts";
import { HttpRegistry } from "../drivers/registry-http/registry.ts";
import { ConfinedRootfs } from "../drivers/rootfs/confined-rootfs.ts";
import { DetachedViews } from "../drivers/rootfs/detached-views.ts";
import { LibseccompCompiler } from "../drivers/seccomp/libseccomp.ts";
import { TmpfsSharedMemory } from "../drivers/volume-files/tmpfs-shared-memory.ts";
import { SqliteStateStore } from "../drivers/sqlite/state-store.ts";
import { TarArchive } from "../drivers/tar/tar-archive.ts";
import { LinuxHostPaths } from "../drivers/volume-files/host-paths.ts";
import { readRemap } from "../drivers/userns/remap.ts";
import { LocalVolumeContents } from "../drivers/volume-files/local-volume-contents.ts";
import { DiscoveredPlugins } from "../drivers/volume-plugins/discovered-plugins.ts";
import { LocalVolumeFiles } from "../drivers/volume-files/local-volume-files.ts";
import { Containers } from "../engine/containers/containers.ts";
import type { ContainerDeps } from "../engine/containers/deps.ts";
import { isUp } from "../engine/containers/record.ts";
import { ContainerRegistry } from "../engine/containers/registry.ts";
import { grantedCapabilities } from "../engine/containers/spec/capabilities.ts";
import { defaultSeccomp } from "../engine/containers/spec/seccomp.ts";
import { ImageMounts } from "../engine/containers/spec/image-mounts.ts";
import { VolumeMounts } from "../engine/containers/spec/volume-mounts.ts";
import { Events, HISTORY } from "../engine/events/events.ts";
import { Explainer } from "../engine/explain/explainer.ts";
import { Bootstrap } from "../engine/images/bootstrap.ts";
import { Images } from "../engine/images/images.ts";
import { DEFAULT_POOLS } from "../engine/networks/ipam.ts";
import { Networks } from "../engine/networks/networks.ts";
import { finishSwaps } from "../engine/snapshots/swap.ts";
import { finishRenames } from "../engine/volumes/rename.ts";
import { Volumes } from "../engine/volumes/volumes.ts";
import type { HostFacts } from "../ports/host-facts.ts";
import type { Logger } from "../ports/logger.ts";
import type { SeccompCompiler } from "../ports/seccomp-compiler.ts";
import type { Route } from "../server/call.ts";
import type { EngineSettings } from "../server/routes/system.ts";
import { apiRoutes } from "./api-routes.ts";
import { openBuilder } from "./builder.ts";
import type { DaemonOptions } from "./daemon-options.ts";
import {
  componentsOf,
  findInit,
  operatingSystem,
  requireProgram,
  Runtimes,
  shareRoots,
  unshareRoots,
} from "./host-programs.ts";
import { containerUse, pastOf, publisherFor } from "./relations.ts";
import { openSnapshots } from "./snapshots.ts";
import { VERSION } from "./version.ts";
import { volumeWorkOf } from "./volume-work.ts";

export interface Engine {
  routes: Route[];
  /** Takes over what may change while it runs: the log level shown, labels, insecure registries. */
  reload(options: DaemonOptions): void;
  /** Ends what the engine itself does; containers run on. */
  close(): Promise<void>;
}

/** Puts the parts together, in order, and brings records and kernel in line. */
export async function openEngine(options: DaemonOptions, logger: Logger): Promise<Engine> {
  const { dataRoot, execRoot } = options;
  // Nobody else may look into the data, also where the folder was there before.
  fs.mkdirSync(dataRoot, { recursive: true });
  fs.chmodSync(dataRoot, 0o700);
  fs.mkdirSync(execRoot, { recursive: true, mode: 0o711 });
  const runtimes = new Runtimes(execRoot);
  const roots = [fs.realpathSync(dataRoot), fs.realpathSync(execRoot)];
  shareRoots(runtimes.defaultName, roots);
  const cgroupRoots = findCgroupRoots();
  try {
    const processes = makeRoom(cgroupRoots);
    if (processes > 0) logger.info("moved the processes of this machine's own cgroup to /init in it", { processes });
  } catch (error) {
    logger.warn("this machine's own cgroup can't be emptied: containers may not start in it", { error: String(error) });
  }

  const clock = new SystemClock();
  const ids = new RandomIds();
  const host = new LinuxHost();
  const state = new SqliteStateStore(path.join(dataRoot, "state.db"));
  const journal = new FileJournal({ file: path.join(dataRoot, "events.log"), keep: HISTORY, logger });
  const events = new Events({ clock, journal });
  const registry = new ContainerRegistry(state);
  const use = containerUse(registry, (id) => networks.current(id));
  const rootfs = new ConfinedRootfs();
  const archive = new TarArchive({ workerUrl: new URL("./tar-worker.js", import.meta.url) });
  const blobs = new FileBlobStore(path.join(dataRoot, "blobs"));
  const idMap = options.usernsRemap === undefined ? undefined : await readRemap(options.usernsRemap, logger);
  const layers = new OverlayLayerStore({ root: dataRoot, state, archive, logger, remap: { execRoot, map: idMap } });
  const platform = { os: "linux", architecture: host.facts().architecture };
  const remote = new HttpRegistry({ clock, insecureRegistries: options.insecureRegistries });
  const images = new Images({
    layers,
    blobs,
    state,
    registry: remote,
    clock,
    logger,
    applyChanges,
    usage: { containersUsing: use.ofImage },
    events,
    platform,
    layersRoot: path.join(dataRoot, "layers"),
  });

  const files = new HostContainerFiles(dataRoot, execRoot);
  const links = new NetlinkLinks();
  const firewall = new NftFirewall({ bridge: options.bridge, publishedPorts: options.publishedPorts, logger });
  const networks = new Networks({
    state,
    links,
    sublinks: new NetlinkSublinks(),
    firewall,
    traffic: new NetlinkTraffic(options.bridge),
    reservations: new SocketReservations(),
    nameServers: new NamespaceNameServers(),
    clock,
    ids,
    logger,
    publish: (action, id, attributes) => events.publish("network", action, id, attributes),
    namespacesOf: (reference) => registry.find(reference).record.attachment ?? {},
    withdrawn: (id, name) => use.networked.saveEndpoint(id, name, undefined),
    resolvChanged: (id, resolv) => replaceResolvConf({ registry, files, ...(idMap && { idMap }) }, id, resolv),
    options: {
      bridge: options.bridge,
      execRoot,
      engineId: engineId(state, ids),
      icc: options.icc,
      ipv6: options.ipv6,
      ...(options.bip === undefined ? {} : { bip: options.bip }),
      ...(options.bip6 === undefined ? {} : { bip6: options.bip6 }),
      ...(options.fixedCidr === undefined ? {} : { fixedCidr: options.fixedCidr }),
      ...(options.fixedCidr6 === undefined ? {} : { fixedCidr6: options.fixedCidr6 }),
      ...(options.hostGateway === undefined ? {} : { hostGateway: options.hostGateway }),
      ...(options.addressPools === undefined ? {} : { addressPools: options.addressPools }),
    },
  });
  networks.init();
  networks.restore(
    registry
      .all()
      .filter((entry) => isUp(entry.record))
      .map((entry) => entry.id),
  );
  firewall.keep();

  const contents = new LocalVolumeContents(path.join(dataRoot, "volumes"), logger, rootOf(idMap));
  const volumes = new Volumes({
    state,
    files: new LocalVolumeFiles(path.join(dataRoot, "volumes"), rootOf(idMap)),
    plugins: new DiscoveredPlugins(options.pluginDirs),
    clock,
    ids,
    events,
    containers: use.ofVolumes,
    logger,
  });
  await finishSwaps({ state, workspaces: layers, contents });
  finishRenames({ state, contents });
  await contents.sweep();
  await volumes.recover((id) => {
    const record = registry.tryFind(id)?.record;
    return record !== undefined && (isUp(record) || record.state.intent !== undefined);
  });
  const cdi = new CdiSpecFolders(options.cdiSpecDirs);
  const initBinary = options.initPath ?? findInit();
  const conmon = requireProgram("conmon", "conmon");
  const monitor = new ConmonMonitor({
    conmon,
    exitDir: path.join(execRoot, "exits"),
    runtimeRoot: runtimes.stateRoot,
    runtime: (name) => runtimes.get(name),
  });
  const memory = new TmpfsSharedMemory(path.join(execRoot, "shm"));
  for (const id of memory.list()) if (registry.tryFind(id) === undefined) memory.remove(id);
  const seccomp = new LibseccompCompiler();
  compileDefaultFilter(seccomp, host.facts());
  const pruned =
    (type: string) =>
    (bytes: number): void =>
      events.publish(type, "prune", "", { reclaimed: String(bytes) });
  const cgroups = new HostCgroups(cgroupRoots);
  const containerDeps: ContainerDeps = {
    registry,
    images,
    layers,
    networking: networks,
    mounts: new VolumeMounts({
      volumes,
      rootfs,
      hostPaths: new LinuxHostPaths(),
      logger,
      imageMounts: new ImageMounts({ images, layers, rootfs, ...(idMap && { idMap }) }),
      dataRoot: roots[0] as string,
      ...(idMap && { idMap }),
      mountsOf: (reference) => registry.find(reference).record.mounts,
      ipc: { memory, donor: (reference) => registry.find(reference).record },
    }),
    monitor,
    runtime: (name) => runtimes.get(name),
    rootfs,
    seccomp,
    files,
    cgroups,
    signals: new ProcSignals(),
    host,
    ...(idMap && { idMap }),
    cdi,
    initBinary,
    initByDefault: options.init,
    counters: new ProcCounters(),
    clock,
    ids,
    logger,
    logDefaults: options.logs,
    publish: publisherFor(events),
  };
  const logs = new K8sLogs();
  const containers = new Containers({
    ...containerDeps,
    logs,
    checkpoints: new CriuCheckpoints((name) => runtimes.get(name)),
    shippers: new HostLogShippers({ ids, hostname: os.hostname() }),
    hostHostname: os.hostname(),
    onPruned: pruned("container"),
    archive,
    views: new DetachedViews(),
    mountpoint: (volume) => volumes.mountpoint(volume),
    applyChanges,
    holds: images.holds,
    reclaim: (chains) => images.reclaim(chains),
  });
  await containers.open();

  const downloads = new HttpDownloads();
  // Workspaces of builds that were cut short hold layers that the images' sweep then frees.
  const builder = await openBuilder(
    { dataRoot, execRoot, parallelRuns: options.buildParallelism },
    { images, authFor: use.authFor, layers, archive, downloads, state, clock, ids, platform },
    containerDeps,
  );
  await images.sweep();

  const bootstrapRoot = path.join(dataRoot, "bootstrap");
  fs.rmSync(bootstrapRoot, { recursive: true, force: true });
  fs.mkdirSync(bootstrapRoot, { mode: 0o700 });
  const maker = new LocalBaseImages({ archive, tempRoot: bootstrapRoot });
  const bootstrap = new Bootstrap({ maker, layers, images, platform });

  const programs: Record<string, string> = { conmon };
  for (const [name, { path: file }] of Object.entries(runtimes.list())) programs[name] = file;
  if (initBinary !== undefined) programs["init"] = initBinary;
  let components: ReturnType<typeof componentsOf> | undefined;
  let settings = settingsOf(options);
  const identity = {
    id: engineId(state, ids),
    version: VERSION,
    hostname: os.hostname(),
    dataRoot,
    operatingSystem: operatingSystem(),
    runtimes: runtimes.list(),
    defaultRuntime: runtimes.defaultName,
    initBinary: initBinary ?? "",
    addressPools: (options.addressPools ?? DEFAULT_POOLS).map(({ base, size }) => ({ Base: base, Size: size })),
    components: () => (components ??= componentsOf(programs)),
    experimental: options.experimental,
    logDriver: options.logs.driver,
    usernsRemap: idMap !== undefined,
  };
  const imageName = use.imageName(images);
  const explainer = new Explainer({
    ...{ containers, images, networks, layers, files, cgroups, firewall, links, monitor, imageName },
    kernel: new ProcKernelView(),
    history: (id) => pastOf(events, id, clock),
    defaultRuntime: runtimes.defaultName,
    layersRoot: path.join(dataRoot, "layers"),
    workspacesRoot: path.join(dataRoot, "workspaces"),
    blobsRoot: path.join(dataRoot, "blobs"),
    logSize: (file) => logs.size(file),
  });
  const { snapshots, settled } = await openSnapshots(dataRoot, {
    ...{ ...containerDeps, state, contents, volumes, containers },
    workspaces: layers,
  });
  const volumeUsers = containers.volumeUsers;
  const volumeWork = volumeWorkOf({ state, volumes, contents, users: volumeUsers, archive, logger }, idMap);
  const routes = apiRoutes({
    ...{
      containers,
      images,
      networks,
      volumes,
      volumeWork,
      snapshots,
      builder,
      bootstrap,
      explainer,
      events,
      cdi,
      files,
      host,
      clock,
      ids,
      downloads,
    },
    ...{ identity, imageName, platform, networked: use.networked },
    settings: () => settings,
    onCachePruned: pruned("builder"),
  });
  return {
    routes,
    reload(changed) {
      settings = settingsOf(changed);
      remote.setInsecure(changed.insecureRegistries);
      events.publish("daemon", "reload", identity.id, {
        name: identity.hostname,
        debug: String(settings.debug),
        labels: JSON.stringify(settings.labels),
        "insecure-registries": JSON.stringify(settings.insecureRegistries),
      });
    },
    async close() {
      await containers.close();
      remote.close();
      networks.close();
      await Promise.all([layers.settled(), settled(), contents.settled()]);
      layers.close();
      await archive.close();
      unshareRoots(runtimes.defaultName, roots);
      await journal.close();
      state.close();
    },
  };
}

const settingsOf = ({ logLevel, labels, insecureRegistries }: DaemonOptions): EngineSettings => ({
  debug: logLevel === "debug",
  labels,
  insecureRegistries,
});

/** Takes 20 ms once: better now than in somebody's first start. */
function compileDefaultFilter(seccomp: SeccompCompiler, host: HostFacts): void {
  if (host.seccomp.length > 0) seccomp.compile(defaultSeccomp(grantedCapabilities({}, host.capabilities), host));
}

/** The engine's own id, made once. */
function engineId(state: SqliteStateStore, ids: RandomIds): string {
  const known = state.get<string>("engine", "id");
  if (known) return known;
  const id = ids.id();
  state.commit([{ bucket: "engine", key: "id", value: id }]);
  return id;
}
