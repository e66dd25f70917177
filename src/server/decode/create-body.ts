import type { ContainerCreateRequest } from "../../wire/types/containers.ts";
import { PORT_BINDINGS } from "./bodies.ts";
import { ENDPOINT } from "./network-bodies.ts";
import { checkShape, type Fields, kinds } from "./shape.ts";

const MOUNT: Fields = {
  fields: {
    ...kinds("string", "Type Source Target Consistency"),
    ReadOnly: "boolean",
    BindOptions: {
      fields: {
        Propagation: "string",
        ...kinds("boolean", "NonRecursive CreateMountpoint ReadOnlyNonRecursive ReadOnlyForceRecursive"),
      },
    },
    VolumeOptions: {
      fields: {
        NoCopy: "boolean",
        Labels: "texts",
        Subpath: "string",
        DriverConfig: { fields: { Name: "string", Options: "texts" } },
      },
    },
    TmpfsOptions: { fields: kinds("number", "SizeBytes Mode") },
    ImageOptions: { fields: { Subpath: "string" } },
  },
};

const HEALTH_CHECK: Fields = {
  fields: { Test: "words", ...kinds("number", "Interval Timeout Retries StartPeriod StartInterval") },
};

/** The fields' types by the Swagger file. */
export const HOST_CONFIG: Fields = {
  fields: {
    ...kinds("string", "NetworkMode IpcMode PidMode UTSMode UsernsMode CgroupnsMode Cgroup CgroupParent Runtime"),
    ...kinds("string", "VolumeDriver ContainerIDFile CpusetCpus CpusetMems Isolation"),
    ...kinds("boolean", "AutoRemove Privileged PublishAllPorts ReadonlyRootfs Init OomKillDisable"),
    ...kinds("number", "Memory MemoryReservation MemorySwap MemorySwappiness NanoCpus CpuShares CpuPeriod CpuQuota"),
    ...kinds(
      "number",
      "CpuRealtimePeriod CpuRealtimeRuntime BlkioWeight PidsLimit ShmSize OomScoreAdj KernelMemoryTCP",
    ),
    ...kinds(
      "words",
      "Binds CapAdd CapDrop Dns DnsOptions DnsSearch ExtraHosts GroupAdd Links SecurityOpt VolumesFrom",
    ),
    ...kinds("words", "DeviceCgroupRules MaskedPaths ReadonlyPaths"),
    ...kinds("texts", "Sysctls Tmpfs StorageOpt Annotations"),
    ConsoleSize: { list: "number" },
    Mounts: { list: MOUNT },
    Devices: { list: { fields: kinds("string", "PathOnHost PathInContainer CgroupPermissions") } },
    DeviceRequests: {
      list: {
        fields: {
          Driver: "string",
          Count: "number",
          DeviceIDs: "words",
          Capabilities: { list: "words" },
          Options: "texts",
        },
      },
    },
    ...kinds("number", "KernelMemory CpuCount CpuPercent IOMaximumIOps IOMaximumBandwidth"),
    BlkioWeightDevice: { list: { fields: { Path: "string", Weight: "number" } } },
    ...kinds(
      { list: { fields: { Path: "string", Rate: "number" } } },
      "BlkioDeviceReadBps BlkioDeviceWriteBps BlkioDeviceReadIOps BlkioDeviceWriteIOps",
    ),
    Ulimits: { list: { fields: { Name: "string", ...kinds("number", "Soft Hard") } } },
    PortBindings: PORT_BINDINGS,
    RestartPolicy: { fields: { Name: "string", MaximumRetryCount: "number" } },
    LogConfig: { fields: { Type: "string", Config: "texts" } },
  },
};

const CREATE: Fields = {
  fields: {
    ...kinds("string", "Hostname Domainname User Image WorkingDir StopSignal MacAddress"),
    ...kinds("boolean", "AttachStdin AttachStdout AttachStderr Tty OpenStdin StdinOnce NetworkDisabled ArgsEscaped"),
    ...kinds("words", "Env OnBuild Shell"),
    ...kinds("command", "Cmd Entrypoint"),
    ...kinds({ mapOf: "map" }, "ExposedPorts Volumes"),
    Labels: "texts",
    StopTimeout: "number",
    Healthcheck: HEALTH_CHECK,
    HostConfig: HOST_CONFIG,
    NetworkingConfig: { fields: { EndpointsConfig: { mapOf: ENDPOINT } } },
  },
};

/** Throws invalid BAD_JSON that names the first field of a wrong type; null counts as not given. */
export function checkCreateBody(body: ContainerCreateRequest): void {
  checkShape(body, CREATE);
}
