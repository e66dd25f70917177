import type { EndpointSettings, NetworkingConfig, PortBinding } from "../../base/container-config.ts";
import type { AllowedFlow, PublishedPort } from "../../ports/firewall.ts";
import type { IdMap, UserNamespace } from "../../base/id-map.ts";
import type { PortWish } from "./port-plan.ts";
import type { DnsWish, Resolv } from "./resolv.ts";

/** What a container asks of the network when it starts. */
export interface AttachRequest {
  containerId: string;
  /** Without the leading slash. */
  containerName: string;
  hostname: string;
  /** HostConfig.NetworkMode: default, bridge, host, none, container:ID or a network's name or id. */
  networkMode: string;
  /** NetworkingConfig.EndpointsConfig as created, plus networks connected since. */
  endpoints: NonNullable<NetworkingConfig["EndpointsConfig"]>;
  /** Config.ExposedPorts' keys, "80/tcp". */
  exposedPorts: string[];
  portBindings: Record<string, PortBinding[] | null>;
  publishAll: boolean;
  /** The run before: what the engine picked then is taken again where it is free. */
  before?: Pick<Attachment, "networks" | "ports">;
  /** `--dns` and its like; nothing: as the host has it. */
  dns?: DnsWish;
  /** The user namespace to be in: a new one with this map, or another container's. */
  userns?: { map: IdMap } | UserNamespace;
}

/** What the container got: stored with it, shown by inspect, used to take it down again. */
export interface Attachment {
  /** Network namespace to join; undefined: the host's. */
  netns?: string;
  /** User namespace to join, which the network namespace belongs to; undefined: the host's. */
  userns?: UserNamespace;
  /** By network name, in Docker's shape. */
  networks: Record<string, EndpointSettings>;
  /** "80/tcp" → bindings with real host ports, or null if only exposed. */
  ports: Record<string, PortBinding[] | null>;
  /** "addr\tname" lines for /etc/hosts, the container's own. */
  hosts: { address: string; names: string[] }[];
  /** What resolv.conf is to hold. */
  resolv: Resolv;
}

/** A port that is to be published, and where it is while the container runs on a network that leads out. */
export interface PortState {
  wish: PortWish;
  port?: PublishedPort;
}

/** Published ports of containers that run. Synchronous. */
export interface PublishedPorts {
  /** Throws conflict NOT_PUBLISHABLE: a container with such a network has no ports to publish. Errors: as `attach`. */
  requirePublishable(request: Pick<AttachRequest, "networkMode" | "endpoints">): void;
  list(containerId: string): PortState[];
  /** All or none; gives what was added. Errors: conflict PORT_TAKEN, invalid BAD_PORT. */
  add(containerId: string, portBindings: AttachRequest["portBindings"]): PortState[];
  /** Gives them up; what is not there is fine. `exposed`: what stays visible without being published, "80/tcp". */
  remove(containerId: string, gone: PortState[], exposed: string[]): void;
}

export interface ContainerNetworking {
  readonly ports: PublishedPorts;
  /**
   * Makes the namespace `<exec-root>/netns/<id>`, joins the networks, publishes the ports. All or nothing.
   * Intent (addresses, ports) is in the state store before the effect. Repeating it after a crash is fine.
   * Errors: conflict PORT_TAKEN in Docker's words with the holder as hint, notFound NO_SUCH_NETWORK, invalid BAD_PORT.
   */
  attach(request: AttachRequest): Promise<Attachment>;
  /** Takes all of it down; idempotent; resolves when address and ports are free again (kernel teardown may still run). */
  detach(containerId: string): Promise<void>;
  /** What a container may reach by its links, where those on the default bridge are kept apart; in place of before. */
  allow(containerId: string, allowed: AllowedFlow[]): void;
  /** The host's address for containers (`host-gateway`): as the engine was told, else the default bridge's. */
  hostGateway(): string | undefined;
  /** The container has a new name; unknown containers are fine. */
  rename(containerId: string, name: string): void;
  /** What a container has now; undefined: nothing. */
  current(containerId: string): Pick<Attachment, "networks" | "ports"> | undefined;
}
