import type { HealthConfig, HostConfig } from "../../base/container-config.ts";
import type { ContainerCreateRequest } from "../../wire/types/containers.ts";
import type { CreateOptions } from "./flags.ts";
import { environmentOf, labelsOf, pairOf, type Surroundings } from "./key-values.ts";
import { networksOf } from "./networks.ts";
import { portsOf } from "./ports.ts";
import { gpuRequestOf, isCdiName } from "./device-requests.ts";
import { deviceOf, restartOf } from "./resources.ts";
import { capabilitiesOf, securityOf } from "./security.ts";
import { settleMount, tmpfsOf, volumesOf } from "./volumes.ts";

/** The body of POST /containers/create for a command line. Throws Error in docker's words for what can't be. */
export function createRequest(
  options: CreateOptions,
  image: string,
  command: string[],
  around: Surroundings,
): ContainerCreateRequest {
  checkConflicts(options);
  const attached = options.attach;
  const attachStdin = attached.includes("stdin") || (attached.length === 0 && options.interactive);
  const ports = portsOf(options.publish, options.expose);
  const volumes = volumesOf(options.volume, around.cwd);
  const { mode, endpoints } = networksOf(options);
  const entrypoint = options.entrypoint;
  return {
    Hostname: options.hostname ?? "",
    Domainname: options.domainname ?? "",
    User: options.user ?? "",
    AttachStdin: attachStdin,
    AttachStdout: attached.length === 0 || attached.includes("stdout"),
    AttachStderr: attached.length === 0 || attached.includes("stderr"),
    ...(Object.keys(ports.exposed).length > 0 && { ExposedPorts: ports.exposed }),
    Tty: options.tty,
    OpenStdin: options.interactive,
    StdinOnce: options.interactive && attachStdin,
    Env: environmentOf(options["env-file"], options.env, around),
    Cmd: command.length > 0 ? command : null,
    Image: image,
    Volumes: volumes.anonymous,
    WorkingDir: options.workdir ?? "",
    Entrypoint: entrypoint === undefined ? null : [entrypoint],
    Labels: labelsOf(options["label-file"], options.label, around),
    ...(options["mac-address"] !== undefined && { MacAddress: options["mac-address"] }),
    ...(options["stop-signal"] !== undefined && { StopSignal: options["stop-signal"] }),
    ...(options["stop-timeout"] !== undefined && { StopTimeout: options["stop-timeout"] }),
    ...healthOf(options),
    HostConfig: {
      ...resourcesOf(options),
      ...isolationOf(options, around.cwd),
      Binds: volumes.binds.length > 0 ? volumes.binds : null,
      ...(options.mount.length > 0 && { Mounts: options.mount.map((mount) => settleMount(mount, around.cwd)) }),
      ...(options.tmpfs.length > 0 && { Tmpfs: tmpfsOf(options.tmpfs) }),
      VolumesFrom: options["volumes-from"].length > 0 ? options["volumes-from"] : null,
      VolumeDriver: options["volume-driver"] ?? "",
      ContainerIDFile: options.cidfile ?? "",
      LogConfig: { Type: options["log-driver"] ?? "", Config: logOptions(options) },
      NetworkMode: mode,
      PortBindings: ports.bindings,
      PublishAllPorts: options["publish-all"],
      RestartPolicy: restartOf(options.restart),
      AutoRemove: options.rm,
      Dns: options.dns,
      DnsOptions: options["dns-option"],
      DnsSearch: options["dns-search"],
      ExtraHosts: options["add-host"].length > 0 ? options["add-host"] : null,
      Links: options.link.length > 0 ? options.link : null,
      ...(Object.keys(options.annotation).length > 0 && { Annotations: options.annotation }),
      ...(options["storage-opt"].length > 0 && { StorageOpt: Object.fromEntries(options["storage-opt"].map(pairOf)) }),
      ...(options.isolation !== undefined && { Isolation: options.isolation }),
      ...(options.init !== undefined && { Init: options.init }),
    },
    NetworkingConfig: { EndpointsConfig: endpoints },
  };
}

function checkConflicts(options: CreateOptions): void {
  if (options.rm && !["", "no"].includes(options.restart)) {
    throw new Error("conflicting options: cannot specify both --restart and --rm");
  }
  const swappiness = options["memory-swappiness"];
  if (swappiness !== undefined && swappiness !== -1 && (swappiness < 0 || swappiness > 100)) {
    throw new Error(`invalid value: ${swappiness}. Valid memory swappiness range is 0-100`);
  }
  if (options.pid !== undefined && !["", "host"].includes(options.pid) && !/^container:./.test(options.pid)) {
    throw new Error("--pid: invalid PID mode");
  }
  if (options.uts !== undefined && !["", "host"].includes(options.uts)) throw new Error("--uts: invalid UTS mode");
  if (options.userns !== undefined && !["", "host"].includes(options.userns))
    throw new Error("--userns: invalid USER mode");
  if (!["", "host", "private"].includes(options.cgroupns)) throw new Error("--cgroupns: invalid CGROUP mode");
}

function logOptions(options: CreateOptions): Record<string, string> {
  if (options["log-driver"] === "none" && options["log-opt"].length > 0) {
    throw new Error("invalid logging opts for driver none");
  }
  return Object.fromEntries(options["log-opt"].map(pairOf));
}

function healthOf(options: CreateOptions): { Healthcheck?: HealthConfig } {
  const { "health-cmd": cmd, "health-interval": interval, "health-timeout": timeout } = options;
  const { "health-start-period": start, "health-start-interval": startInterval, "health-retries": retries } = options;
  const any = [cmd, interval, timeout, start, startInterval, retries].some(
    (value) => value !== undefined && value !== 0 && value !== "",
  );
  if (options["no-healthcheck"]) {
    if (any) throw new Error("--no-healthcheck conflicts with --health-* options");
    return { Healthcheck: { Test: ["NONE"] } };
  }
  if (!any) return {};
  for (const [name, value] of Object.entries({
    interval,
    timeout,
    retries,
    "start-period": start,
    "start-interval": startInterval,
  })) {
    if ((value ?? 0) < 0) throw new Error(`--health-${name} cannot be negative`);
  }
  return {
    Healthcheck: {
      ...(cmd ? { Test: ["CMD-SHELL", cmd] } : {}),
      ...(interval && { Interval: interval }),
      ...(timeout && { Timeout: timeout }),
      ...(start && { StartPeriod: start }),
      ...(startInterval && { StartInterval: startInterval }),
      ...(retries && { Retries: retries }),
    },
  };
}

function deviceRequestsOf(options: CreateOptions): Pick<HostConfig, "DeviceRequests"> {
  const named = options.device.filter(isCdiName);
  const requests = [
    ...(options.gpus === undefined ? [] : [gpuRequestOf(options.gpus)]),
    ...(named.length > 0 ? [{ Driver: "cdi", DeviceIDs: named }] : []),
  ];
  return requests.length > 0 ? { DeviceRequests: requests } : {};
}

function resourcesOf(options: CreateOptions): HostConfig {
  return {
    CpuShares: options["cpu-shares"] ?? 0,
    Memory: options.memory ?? 0,
    NanoCpus: options.cpus ?? 0,
    CgroupParent: options["cgroup-parent"] ?? "",
    BlkioWeight: options["blkio-weight"] ?? 0,
    BlkioWeightDevice: options["blkio-weight-device"],
    BlkioDeviceReadBps: options["device-read-bps"],
    BlkioDeviceWriteBps: options["device-write-bps"],
    BlkioDeviceReadIOps: options["device-read-iops"],
    BlkioDeviceWriteIOps: options["device-write-iops"],
    ...(options["cpu-count"] !== undefined && { CpuCount: options["cpu-count"] }),
    ...(options["cpu-percent"] !== undefined && { CpuPercent: options["cpu-percent"] }),
    ...(options["io-maxiops"] !== undefined && { IOMaximumIOps: options["io-maxiops"] }),
    ...(options["io-maxbandwidth"] !== undefined && { IOMaximumBandwidth: options["io-maxbandwidth"] }),
    ...(options["kernel-memory"] !== undefined && { KernelMemory: options["kernel-memory"] }),
    CpuPeriod: options["cpu-period"] ?? 0,
    CpuQuota: options["cpu-quota"] ?? 0,
    CpuRealtimePeriod: options["cpu-rt-period"] ?? 0,
    CpuRealtimeRuntime: options["cpu-rt-runtime"] ?? 0,
    CpusetCpus: options["cpuset-cpus"] ?? "",
    CpusetMems: options["cpuset-mems"] ?? "",
    Devices: options.device.filter((text) => !isCdiName(text)).map(deviceOf),
    ...deviceRequestsOf(options),
    DeviceCgroupRules: options["device-cgroup-rule"].length > 0 ? options["device-cgroup-rule"] : null,
    MemoryReservation: options["memory-reservation"] ?? 0,
    MemorySwap: options["memory-swap"] ?? 0,
    MemorySwappiness: options["memory-swappiness"] ?? -1,
    OomKillDisable: options["oom-kill-disable"] ?? false,
    PidsLimit: options["pids-limit"] ?? 0,
    Ulimits: options.ulimit,
    ShmSize: options["shm-size"] ?? 0,
    OomScoreAdj: options["oom-score-adj"] ?? 0,
  };
}

function isolationOf(options: CreateOptions, cwd: string): HostConfig {
  const security = securityOf(options["security-opt"], cwd);
  return {
    ...capabilitiesOf(options["cap-add"], options["cap-drop"]),
    CgroupnsMode: options.cgroupns as HostConfig["CgroupnsMode"],
    GroupAdd: options["group-add"].length > 0 ? options["group-add"] : null,
    IpcMode: options.ipc ?? "",
    PidMode: options.pid ?? "",
    UTSMode: options.uts ?? "",
    UsernsMode: options.userns ?? "",
    Privileged: options.privileged,
    ReadonlyRootfs: options["read-only"],
    SecurityOpt: security.options.length > 0 ? security.options : null,
    ...(security.unmasked ? { MaskedPaths: [], ReadonlyPaths: [] } : {}),
    Sysctls: options.sysctl,
    ...(options.runtime !== undefined && { Runtime: options.runtime }),
  };
}
