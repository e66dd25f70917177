import type { EndpointSettings, HostConfig, PortBinding } from "../../base/container-config.ts";
import type { ContainerPaths } from "../../ports/container-files.ts";
import type { WorkspaceFolders } from "../../ports/layer-store.ts";
import { type ContainerRecord, isUp, NEVER } from "../../engine/containers/record.ts";
import { readSecurityOptions } from "../../engine/containers/spec/security-options.ts";
import type { ContainerInspect, ContainerSummary, NetworkSettings, PortSummary } from "../../wire/types/containers.ts";
import type { NetworkShape } from "../../wire/types/networks.ts";
import { statusWords } from "./status-words.ts";

/** GET /containers/{id}/json */
export function inspectContainer(
  record: ContainerRecord,
  facts: {
    paths: ContainerPaths;
    execIds: string[];
    defaultRuntime: string;
    /** "/other:/parent/alias" */
    links: string[];
    folders: WorkspaceFolders;
    /** How its networks are made worse, by their names. */
    shapes: Record<string, NetworkShape>;
    sizes?: { rw: number; rootFs: number };
  },
): ContainerInspect {
  const { state } = record;
  const up = isUp(record);
  return {
    Id: record.id,
    Created: record.created,
    Path: record.path,
    Args: record.args,
    State: {
      Status: state.status,
      Running: up || state.status === "restarting",
      Paused: state.status === "paused",
      Restarting: state.status === "restarting",
      OOMKilled: state.oomKilled,
      Dead: state.status === "dead",
      Pid: up ? (state.process?.pid ?? 0) : 0,
      ExitCode: state.exitCode,
      Error: state.error,
      ...(state.endReason ? { ExitReason: state.endReason.text } : {}),
      StartedAt: state.startedAt,
      FinishedAt: state.finishedAt,
      ...(state.health ? { Health: state.health } : {}),
    },
    Image: record.imageId,
    ResolvConfPath: facts.paths.resolvConf,
    HostnamePath: facts.paths.hostname,
    HostsPath: facts.paths.hosts,
    LogPath: record.hostConfig.LogConfig?.Type === "json-file" && state.startedAt !== NEVER ? facts.paths.log : "",
    Name: `/${record.name}`,
    RestartCount: state.restartCount,
    Driver: "overlay2",
    Platform: record.platform,
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: readSecurityOptions(record.hostConfig.SecurityOpt).apparmor ?? "",
    ExecIDs: facts.execIds.length > 0 ? facts.execIds : null,
    HostConfig: completeHostConfig(record.hostConfig, facts.defaultRuntime, facts.links),
    GraphDriver: { Name: "overlay2", Data: graphDriverData(record.id, facts.folders) },
    ...(facts.sizes ? { SizeRw: facts.sizes.rw, SizeRootFs: facts.sizes.rootFs } : {}),
    Mounts: record.mounts.map((row) => ({ ...row, finer: undefined })),
    Config: {
      ...record.config,
      Hostname: record.config.Hostname ?? "",
      Domainname: record.config.Domainname ?? "",
      User: record.config.User ?? "",
      AttachStdin: record.config.AttachStdin ?? false,
      AttachStdout: record.config.AttachStdout ?? false,
      AttachStderr: record.config.AttachStderr ?? false,
      Tty: record.config.Tty ?? false,
      OpenStdin: record.config.OpenStdin ?? false,
      StdinOnce: record.config.StdinOnce ?? false,
      Volumes: Object.keys(record.config.Volumes ?? {}).length > 0 ? record.config.Volumes : null,
      ...(Object.keys(record.config.ExposedPorts ?? {}).length > 0 ? {} : { ExposedPorts: undefined }),
      // the main network's, as asked for
      MacAddress: record.networking[record.hostConfig.NetworkMode ?? ""]?.MacAddress || undefined,
    },
    NetworkSettings: withShapes(networkSettings(record), facts.shapes),
  };
}

const withShapes = (settings: NetworkSettings, shapes: Record<string, NetworkShape>): NetworkSettings => ({
  ...settings,
  Networks: Object.fromEntries(
    Object.entries(settings.Networks).map(([name, one]) => [
      name,
      shapes[name] ? { ...one, Shape: shapes[name] } : one,
    ]),
  ),
});

const graphDriverData = (id: string, folders: WorkspaceFolders): Record<string, string> => ({
  ID: id,
  ...(folders.lower.length > 0 && { LowerDir: folders.lower.join(":") }),
  MergedDir: folders.merged,
  UpperDir: folders.upper,
  WorkDir: folders.work,
});

/** The fields that clients compare and that a create may leave out. */
function completeHostConfig(host: HostConfig, defaultRuntime: string, links: string[]): HostConfig {
  return {
    Binds: null,
    ContainerIDFile: "",
    AutoRemove: false,
    VolumeDriver: "",
    VolumesFrom: null,
    ConsoleSize: [0, 0],
    CapAdd: null,
    CapDrop: null,
    CgroupnsMode: "private",
    Dns: [],
    DnsOptions: [],
    DnsSearch: [],
    ExtraHosts: null,
    GroupAdd: null,
    Cgroup: "",
    OomScoreAdj: 0,
    PidMode: "",
    Privileged: false,
    PublishAllPorts: false,
    ReadonlyRootfs: false,
    SecurityOpt: null,
    UTSMode: "",
    UsernsMode: "",
    Isolation: "",
    CpuShares: 0,
    Memory: 0,
    NanoCpus: 0,
    CgroupParent: "",
    BlkioWeight: 0,
    CpuPeriod: 0,
    CpuQuota: 0,
    CpuRealtimePeriod: 0,
    CpuRealtimeRuntime: 0,
    CpusetCpus: "",
    CpusetMems: "",
    Devices: [],
    DeviceCgroupRules: null,
    DeviceRequests: null,
    MemoryReservation: 0,
    MemorySwap: 0,
    OomKillDisable: false,
    Ulimits: null,
    ...host,
    MemorySwappiness: host.MemorySwappiness === -1 ? null : (host.MemorySwappiness ?? null),
    PidsLimit: host.PidsLimit || null,
    Links: links.length > 0 ? links : null,
    Runtime: host.Runtime || defaultRuntime,
  };
}

function networkSettings(record: ContainerRecord): NetworkSettings {
  const { attachment } = record;
  const networks = attachment?.networks ?? idleNetworks(record);
  const main: EndpointSettings = networks["bridge"] ?? {};
  return {
    Bridge: "",
    SandboxID: attachment?.netns ? record.id : "",
    SandboxKey: attachment?.netns ?? "",
    Ports: attachment?.ports ?? {},
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: main.EndpointID ?? "",
    Gateway: main.Gateway ?? "",
    GlobalIPv6Address: main.GlobalIPv6Address ?? "",
    GlobalIPv6PrefixLen: main.GlobalIPv6PrefixLen ?? 0,
    IPAddress: main.IPAddress ?? "",
    IPPrefixLen: main.IPPrefixLen ?? 0,
    IPv6Gateway: main.IPv6Gateway ?? "",
    MacAddress: main.MacAddress ?? "",
    Networks: networks,
  };
}

/** What inspect shows of a container that does not run: its networks, without addresses. */
function idleNetworks(record: ContainerRecord): Record<string, EndpointSettings> {
  const empty = {
    IPAMConfig: null,
    Links: null,
    Aliases: null,
    MacAddress: "",
    DriverOpts: null,
    GwPriority: 0,
    NetworkID: "",
    EndpointID: "",
  };
  const blank = {
    ...empty,
    Gateway: "",
    IPAddress: "",
    IPPrefixLen: 0,
    IPv6Gateway: "",
    GlobalIPv6Address: "",
    GlobalIPv6PrefixLen: 0,
    DNSNames: null,
  };
  return Object.fromEntries(Object.entries(record.networking).map(([name, asked]) => [name, { ...blank, ...asked }]));
}

/** A row of GET /containers/json. `now` in ms. */
export function summarizeContainer(
  record: ContainerRecord,
  facts: { now: number; image: string; linkNames: string[]; sizes?: { rw: number; rootFs: number } },
): ContainerSummary {
  return {
    Id: record.id,
    Names: [`/${record.name}`, ...facts.linkNames],
    Image: facts.image,
    ImageID: record.imageId,
    Command: commandWords(record),
    Created: Math.floor(Date.parse(record.created) / 1000),
    Ports: portSummaries(record),
    ...(facts.sizes ? { SizeRw: facts.sizes.rw, SizeRootFs: facts.sizes.rootFs } : {}),
    Labels: record.config.Labels ?? {},
    State: record.state.status,
    Status: statusWords(record.state, facts.now),
    HostConfig: {
      NetworkMode: record.hostConfig.NetworkMode ?? "",
      ...(record.hostConfig.Annotations ? { Annotations: record.hostConfig.Annotations } : {}),
    },
    NetworkSettings: { Networks: networkSettings(record).Networks },
    Mounts: record.mounts.map((row) => ({ ...row, finer: undefined })),
  };
}

/** The command as Docker quotes it: arguments with spaces in single quotes. */
const commandWords = (record: ContainerRecord): string =>
  [record.path, ...record.args].map((arg) => (arg.includes(" ") ? `'${arg}'` : arg)).join(" ");

function portSummaries(record: ContainerRecord): PortSummary[] {
  if (!isUp(record)) return [];
  return Object.entries(record.attachment?.ports ?? {}).flatMap(([port, bindings]) => portRows(port, bindings));
}

function portRows(port: string, bindings: PortBinding[] | null): PortSummary[] {
  const [number = "0", protocol = "tcp"] = port.split("/");
  const base = { PrivatePort: Number(number), Type: protocol as PortSummary["Type"] };
  if (!bindings || bindings.length === 0) return [base];
  return bindings.map((binding) => ({
    IP: binding.HostIp || "0.0.0.0",
    PrivatePort: base.PrivatePort,
    PublicPort: Number(binding.HostPort),
    Type: base.Type,
  }));
}
