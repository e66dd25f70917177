import type { EndpointSettings, HostConfig, MountSpec, RestartPolicy } from "../base/container-config.ts";
import { parseBytes } from "../base/units.ts";
import type { ContainerCreateRequest } from "../wire/types/containers.ts";
import { parsePorts } from "./ports.ts";

/** A command for a health check, and how often it runs. Times in milliseconds. */
export interface HealthCheck {
  /** Arguments, or a script for the image's shell. */
  command: string[] | string;
  interval?: number;
  timeout?: number;
  retries?: number;
  startPeriod?: number;
  startInterval?: number;
}

/** What a container is made of. Whatever has no field of its own here goes into `config`, in the API's own names. */
export interface ContainerOptions {
  name?: string;
  /** Arguments; the image's own command if missing. */
  command?: string[];
  entrypoint?: string[];
  env?: Record<string, string>;
  labels?: Record<string, string>;
  /**
   * Ports to publish: 80 or "53/udp" (on a free port of 127.0.0.1), or as with `docker run -p`: "8080:80",
   * "0.0.0.0:8080:80/tcp". With an engine on another machine write ":80": a free port of all its addresses.
   */
  ports?: (number | string)[];
  /** As with `docker run -v`: "name:/data", "/host/folder:/in/it:ro". */
  volumes?: string[];
  mounts?: MountSpec[];
  /** Path in the container → options ("size=64m"). */
  tmpfs?: Record<string, string>;
  /** A network's name, "host", "none" or "container:NAME". */
  network?: string;
  /** Further names on `network`. */
  aliases?: string[];
  extraHosts?: Record<string, string>;
  user?: string;
  workingDir?: string;
  hostname?: string;
  tty?: boolean;
  /** Keep a stdin open, to write to by `attach`. */
  stdin?: boolean;
  /** Run an init that forwards signals and reaps zombies. */
  init?: boolean;
  privileged?: boolean;
  readOnly?: boolean;
  capAdd?: string[];
  capDrop?: string[];
  /** Bytes, or with a unit: "512m". */
  memory?: number | string;
  /** Number of CPUs, may be a fraction. */
  cpus?: number;
  pidsLimit?: number;
  restart?: Exclude<NonNullable<RestartPolicy["Name"]>, "">;
  healthcheck?: HealthCheck;
  /** The engine removes the container, and its anonymous volumes, when it ends. */
  autoRemove?: boolean;
  stopSignal?: string;
  /** Seconds. */
  stopTimeout?: number;
  /** "linux/arm64" */
  platform?: string;
  /** Laid over all the rest. */
  config?: Omit<Partial<ContainerCreateRequest>, "Image">;
}

/** The body of POST /containers/create. Throws GantryError invalid BAD_OPTION. */
export function createRequest(image: string, options: ContainerOptions): ContainerCreateRequest {
  const { config = {} } = options;
  const { exposed, bindings } = parsePorts(options.ports ?? []);
  const host: HostConfig = defined<HostConfig>({
    Binds: options.volumes,
    Mounts: options.mounts,
    Tmpfs: options.tmpfs,
    NetworkMode: options.network,
    PortBindings: options.ports && bindings,
    ExtraHosts: options.extraHosts && Object.entries(options.extraHosts).map(([name, address]) => `${name}:${address}`),
    Init: options.init,
    Privileged: options.privileged,
    ReadonlyRootfs: options.readOnly,
    CapAdd: options.capAdd,
    CapDrop: options.capDrop,
    Memory: options.memory === undefined ? undefined : bytesOf(options.memory),
    NanoCpus: options.cpus === undefined ? undefined : Math.round(options.cpus * 1e9),
    PidsLimit: options.pidsLimit,
    RestartPolicy: options.restart && { Name: options.restart },
    AutoRemove: options.autoRemove,
  });
  const endpoint: EndpointSettings | undefined = options.aliases && { Aliases: options.aliases };
  const request: ContainerCreateRequest = defined<ContainerCreateRequest>({
    Image: image,
    Cmd: options.command,
    Entrypoint: options.entrypoint,
    Env: options.env && Object.entries(options.env).map(([name, value]) => `${name}=${value}`),
    Labels: options.labels,
    ExposedPorts: options.ports && exposed,
    User: options.user,
    WorkingDir: options.workingDir,
    Hostname: options.hostname,
    Tty: options.tty,
    OpenStdin: options.stdin,
    StdinOnce: options.stdin,
    Healthcheck: options.healthcheck && healthcheck(options.healthcheck),
    StopSignal: options.stopSignal,
    StopTimeout: options.stopTimeout,
    NetworkingConfig: endpoint && options.network ? { EndpointsConfig: { [options.network]: endpoint } } : undefined,
  });
  return { ...request, ...config, Image: image, HostConfig: { ...host, ...config.HostConfig } };
}

const defined = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T;

const MILLISECOND = 1_000_000;
const nanoseconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms * MILLISECOND);

const healthcheck = (check: HealthCheck): ContainerCreateRequest["Healthcheck"] =>
  defined({
    Test: typeof check.command === "string" ? ["CMD-SHELL", check.command] : ["CMD", ...check.command],
    Interval: nanoseconds(check.interval),
    Timeout: nanoseconds(check.timeout),
    Retries: check.retries,
    StartPeriod: nanoseconds(check.startPeriod),
    StartInterval: nanoseconds(check.startInterval),
  });

function bytesOf(size: number | string): number {
  return typeof size === "number" ? size : parseBytes(size);
}
