import { GantryError } from "../../base/errors.ts";
import type { ContainerCreateRequest } from "../../wire/types/containers.ts";

type Kind = "string" | "boolean" | "number" | "words" | "command" | "texts" | "objects" | "map";

const kinds = (kind: Kind, names: string): [string, Kind][] => names.split(" ").map((name) => [name, kind]);

/** The fields' types by the Swagger file; unknown fields are ignored, as Docker does. */
const CONFIG = new Map([
  ...kinds("string", "Hostname Domainname User Image WorkingDir StopSignal MacAddress"),
  ...kinds("boolean", "AttachStdin AttachStdout AttachStderr Tty OpenStdin StdinOnce NetworkDisabled ArgsEscaped"),
  ...kinds("words", "Env OnBuild Shell"),
  ...kinds("command", "Cmd Entrypoint"),
  ...kinds("texts", "Labels"),
  ...kinds("map", "ExposedPorts Volumes Healthcheck HostConfig NetworkingConfig"),
  ...kinds("number", "StopTimeout"),
]);

const HOST_CONFIG = new Map([
  ...kinds("string", "NetworkMode IpcMode PidMode UTSMode UsernsMode CgroupnsMode Cgroup CgroupParent Runtime"),
  ...kinds("string", "VolumeDriver ContainerIDFile CpusetCpus CpusetMems Isolation"),
  ...kinds("boolean", "AutoRemove Privileged PublishAllPorts ReadonlyRootfs Init OomKillDisable"),
  ...kinds("number", "Memory MemoryReservation MemorySwap MemorySwappiness NanoCpus CpuShares CpuPeriod CpuQuota"),
  ...kinds("number", "CpuRealtimePeriod CpuRealtimeRuntime BlkioWeight PidsLimit ShmSize OomScoreAdj KernelMemoryTCP"),
  ...kinds("words", "Binds CapAdd CapDrop Dns DnsOptions DnsSearch ExtraHosts GroupAdd Links SecurityOpt VolumesFrom"),
  ...kinds("words", "DeviceCgroupRules MaskedPaths ReadonlyPaths"),
  ...kinds("objects", "Mounts Devices Ulimits DeviceRequests"),
  ...kinds("map", "PortBindings RestartPolicy LogConfig"),
  ...kinds("texts", "Sysctls Tmpfs StorageOpt Annotations"),
]);

const LOG_CONFIG = new Map([...kinds("string", "Type"), ...kinds("texts", "Config")]);

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown): boolean => typeof value === "string";

const RULES: Record<Kind, { words: string; holds: (value: unknown) => boolean }> = {
  string: { words: "a string", holds: isText },
  boolean: { words: "true or false", holds: (value) => typeof value === "boolean" },
  number: { words: "a whole number", holds: Number.isInteger },
  words: { words: "a list of strings", holds: (value) => Array.isArray(value) && value.every(isText) },
  command: {
    words: "a string or a list of strings",
    holds: (value) => isText(value) || (Array.isArray(value) && value.every(isText)),
  },
  texts: { words: "an object of strings", holds: (value) => isMap(value) && Object.values(value).every(isText) },
  objects: { words: "a list of objects", holds: (value) => Array.isArray(value) && value.every(isMap) },
  map: { words: "an object", holds: isMap },
};

/** Throws invalid BAD_JSON that names the first field of a wrong type; null counts as not given. */
export function checkCreateBody(body: ContainerCreateRequest): void {
  check(body, CONFIG, "");
  if (body.HostConfig) check(body.HostConfig, HOST_CONFIG, "HostConfig.");
  if (body.HostConfig?.LogConfig) check(body.HostConfig.LogConfig, LOG_CONFIG, "HostConfig.LogConfig.");
}

function check(object: object, fields: ReadonlyMap<string, Kind>, prefix: string): void {
  for (const [name, value] of Object.entries(object)) {
    const kind = fields.get(name);
    if (kind === undefined || value === null || value === undefined || RULES[kind].holds(value)) continue;
    throw new GantryError("invalid", "BAD_JSON", `invalid JSON: ${prefix}${name} must be ${RULES[kind].words}`);
  }
}
