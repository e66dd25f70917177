import { LOG_DRIVERS } from "../../base/logging/options.ts";
import type { Containers } from "../../engine/containers/containers.ts";
import { cdiDevices } from "../../engine/containers/spec/cdi.ts";
import type { CdiSpecs } from "../../ports/cdi-specs.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Host } from "../../ports/host-facts.ts";
import { API_VERSION, MIN_API_VERSION } from "../../wire/versions.ts";
import type { Call, Route } from "../call.ts";
import { shaped } from "../encode/old-shapes.ts";

/** What of the engine does not change while it runs. */
export interface EngineIdentity {
  id: string;
  version: string;
  hostname: string;
  dataRoot: string;
  operatingSystem: string;
  runtimes: Record<string, { path: string }>;
  defaultRuntime: string;
  initBinary: string;
  addressPools: { Base: string; Size: number }[];
  /** The programs that containers run by, asked for their versions once. */
  components: () => Promise<Component[]>;
  experimental: boolean;
  /** For containers that name none. */
  logDriver: string;
  /** Containers are in user namespaces unless they ask for the host's. */
  usernsRemap: boolean;
}

export interface Component {
  Name: string;
  Version: string;
  Details: Record<string, string>;
}

/** What a reload may change. */
export interface EngineSettings {
  debug: boolean;
  labels: string[];
  insecureRegistries: string[];
}

export interface SystemRoutesDeps {
  settings: () => EngineSettings;
  events: { readonly listeners: number };
  cdi: CdiSpecs;
  identity: EngineIdentity;
  containers: Containers;
  imageCount: () => number;
  networkDrivers: () => string[];
  volumeDrivers: () => Promise<string[]>;
  host: Host;
  clock: Clock;
}

export function systemRoutes(deps: SystemRoutesDeps): Route[] {
  const ping = (call: Call): void => {
    const { response } = call;
    // Builder-Version 1: the classic builder is the one that is served.
    response.writeHead(200, {
      "Builder-Version": "1",
      "Cache-Control": "no-cache, no-store, must-revalidate",
      Pragma: "no-cache",
      Swarm: "inactive",
      "Content-Type": "text/plain; charset=utf-8",
    });
    response.end(call.request.method === "HEAD" ? undefined : "OK");
  };
  return [
    { method: "GET", path: "/_ping", handler: ping },
    { method: "HEAD", path: "/_ping", handler: ping },
    { method: "GET", path: "/version", handler: async (call) => call.send(200, await version(deps)) },
    { method: "GET", path: "/info", handler: async (call) => call.send(200, shaped(call, "info", await info(deps))) },
  ];
}

async function version({ identity, host }: SystemRoutesDeps): Promise<object> {
  const { kernel, architecture } = host.facts();
  const own = { Os: "linux", Arch: architecture, KernelVersion: kernel.release };
  const details = {
    ...own,
    ApiVersion: API_VERSION,
    MinAPIVersion: MIN_API_VERSION,
    GitCommit: "",
    GoVersion: "",
    Experimental: String(identity.experimental),
  };
  return {
    Platform: { Name: "Gantry" },
    Components: [{ Name: "Engine", Version: identity.version, Details: details }, ...(await identity.components())],
    Version: identity.version,
    ApiVersion: API_VERSION,
    MinAPIVersion: MIN_API_VERSION,
    GitCommit: "",
    GoVersion: `node ${process.version}`,
    ...own,
  };
}

async function info(deps: SystemRoutesDeps): Promise<object> {
  const { identity, host, containers, clock } = deps;
  const facts = host.facts();
  const statuses = containers.all().map((record) => record.state.status);
  const running = statuses.filter((status) => status === "running").length;
  const paused = statuses.filter((status) => status === "paused").length;
  const has = (controller: string): boolean => facts.cgroup.controllers.includes(controller);
  const problems = deps.cdi
    .read()
    .errors.map(({ path, message }) => `CDI: Error associated with spec file ${path}: ${message}`);
  const devices = [...cdiDevices(deps.cdi).keys()].toSorted().map((ID) => ({ Source: "cdi", ID }));
  const components = await identity.components();
  const commit = (name: string): { ID: string } => ({
    ID: components.find((one) => one.Name === name)?.Details["GitCommit"] ?? "",
  });
  const settings = deps.settings();
  return {
    ID: identity.id,
    Containers: statuses.length,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: statuses.length - running - paused,
    Images: deps.imageCount(),
    Driver: "overlay2",
    DriverStatus: [["Backing Filesystem", "overlayfs"]],
    Plugins: {
      Volume: await deps.volumeDrivers(),
      Network: deps.networkDrivers(),
      Authorization: null,
      Log: LOG_DRIVERS,
    },
    MemoryLimit: has("memory"),
    SwapLimit: facts.cgroup.swapLimit,
    CpuCfsPeriod: facts.cgroup.cpuQuota,
    CpuCfsQuota: facts.cgroup.cpuQuota,
    CPUShares: has("cpu"),
    CPUSet: has("cpuset"),
    PidsLimit: has("pids"),
    IPv4Forwarding: true,
    Debug: settings.debug,
    NFd: 0,
    OomKillDisable: facts.cgroup.version !== 2,
    NGoroutines: 0,
    SystemTime: clock.stamp(),
    LoggingDriver: identity.logDriver,
    CgroupDriver: "cgroupfs",
    CgroupVersion: facts.cgroup.version === 2 ? "2" : "1",
    NEventsListener: deps.events.listeners,
    KernelVersion: facts.kernel.release,
    OperatingSystem: identity.operatingSystem,
    OSVersion: "",
    OSType: "linux",
    Architecture: facts.architecture === "amd64" ? "x86_64" : facts.architecture,
    IndexServerAddress: "https://index.docker.io/v1/",
    RegistryConfig: {
      InsecureRegistryCIDRs: ["127.0.0.0/8", "::1/128"],
      IndexConfigs: {
        "docker.io": { Name: "docker.io", Mirrors: [], Secure: true, Official: true },
        ...Object.fromEntries(
          settings.insecureRegistries.map((name) => [
            name,
            { Name: name, Mirrors: [], Secure: false, Official: false },
          ]),
        ),
      },
      Mirrors: null,
    },
    NCPU: facts.cpus,
    MemTotal: facts.memory,
    GenericResources: null,
    DockerRootDir: identity.dataRoot,
    HttpProxy: "",
    HttpsProxy: "",
    NoProxy: "",
    Name: identity.hostname,
    Labels: settings.labels,
    ExperimentalBuild: identity.experimental,
    ServerVersion: identity.version,
    Runtimes: identity.runtimes,
    DefaultRuntime: identity.defaultRuntime,
    Swarm: {
      NodeID: "",
      NodeAddr: "",
      LocalNodeState: "inactive",
      ControlAvailable: false,
      Error: "",
      RemoteManagers: null,
    },
    LiveRestoreEnabled: true,
    Isolation: "",
    InitBinary: identity.initBinary,
    ContainerdCommit: commit(""),
    RuncCommit: commit(identity.defaultRuntime),
    InitCommit: commit("init"),
    SecurityOptions: [
      ...(facts.apparmor ? ["name=apparmor"] : []),
      ...(facts.seccomp.length > 0 ? ["name=seccomp,profile=builtin"] : []),
      ...(identity.usernsRemap ? ["name=userns"] : []),
      ...(facts.cgroup.version === 2 ? ["name=cgroupns"] : []),
    ],
    DefaultAddressPools: identity.addressPools,
    FirewallBackend: { Driver: "nftables" },
    CDISpecDirs: deps.cdi.folders,
    ...(devices.length > 0 ? { DiscoveredDevices: devices } : {}),
    Warnings: problems.length > 0 ? problems : null,
  };
}
