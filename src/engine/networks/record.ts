import type { EndpointSettings } from "../../base/container-config.ts";
import type { TrafficShape } from "../../base/traffic-shape.ts";
import type { AddressFamily, AllowedFlow, PublishedPort } from "../../ports/firewall.ts";
import type { NamespaceOwner } from "../../ports/links.ts";
import type { ParentMaking, SublinkKind } from "../../ports/sublinks.ts";
import type { PortWish } from "./port-plan.ts";
import type { DnsWish, ResolverConfig } from "./resolv.ts";

/** A network as the index keeps it (bucket `networks`, key: id). */
export interface NetworkRecord {
  id: string;
  name: string;
  driver: "bridge" | "host" | "null" | SublinkKind["kind"];
  /** RFC 3339 */
  created: string;
  internal: boolean;
  attachable: boolean;
  options: Record<string, string>;
  labels: Record<string, string>;
  /** Made by the engine itself: bridge, host, none. */
  builtin: boolean;
  /** Its containers get addresses of this family. */
  ipv4: boolean;
  ipv6: boolean;
  /** Of either family, IPv4 first; a container gets one address of each family. None where there are no addresses. */
  subnets: Subnet[];
  /** Of a bridge network only. */
  bridge?: BridgeConfig;
  /** Of a macvlan or ipvlan network only. */
  sublink?: SublinkConfig;
}

export interface Subnet {
  /** "172.30.0.0/16", "fd00::/64" */
  subnet: string;
  /** The host's address on a bridge, and the containers' way out. */
  gateway: string;
  /** Where addresses are picked from; default: the subnet. */
  ipRange?: string;
  /** Addresses that are never given out, by what they are for. */
  reserved: Record<string, string>;
  /** The user named it, so that containers may name their address. */
  given: boolean;
}

export interface BridgeConfig {
  /** Name of the link on the host. */
  link: string;
  mtu?: number;
  icc: boolean;
  masquerade: boolean;
  /** Families whose packets keep their addresses, outwards and inwards. */
  routed: AddressFamily[];
  /** False: a container may send with the addresses of others. */
  guard?: boolean;
  /** Where ports are published when the user names no host address. */
  hostBinding: string;
}

export interface SublinkConfig {
  /** The host's link that the containers' links are made on. */
  parent: string;
  /** The parent is made, and goes with the last network on it; else it is the host's own. */
  make?: ParentMaking;
  type: SublinkKind;
  /** None: the parent's. */
  mtu?: number;
}

/** A container's place in one network. */
export interface EndpointRecord {
  networkId: string;
  /** 64 hex digits; new at every attach, so that what an earlier one left in the kernel never stands in the way. */
  endpointId: string;
  /** What the user asked for. */
  asked: EndpointSettings;
  /** On a network with addresses. */
  cable?: Cable;
}

export interface Cable {
  /** The host's end on a bridge: `gv` and the first 10 digits of the endpoint's id. */
  hostName?: string;
  /** Inside: eth0, eth1 … */
  name: string;
  /** IPv4; none on a network without. */
  address?: string;
  /** IPv6; none on a network without. */
  address6?: string;
  /** "" on ipvlan, where it is the parent's. */
  mac: string;
}

export interface ShapeRecord {
  shape: TrafficShape;
  /** When it ends by itself, in ms since the epoch. */
  until?: number;
}

export interface Unsettled {
  endpoint: EndpointRecord;
  /** It came with the container's first resolver. */
  newResolver: boolean;
}

/** A container's network state (bucket `endpoints`, key: the container's id). Stored before anything is made. */
export interface SandboxRecord {
  containerId: string;
  containerName: string;
  hostname: string;
  /** False: it shares the host's namespace. */
  ownNamespace: boolean;
  /** The user namespace that its own namespace belongs to; none: the host's. */
  owner?: NamespaceOwner;
  endpoints: EndpointRecord[];
  /** What was asked to be published; without a network that leads out it waits for one. */
  wishes: PortWish[];
  /** Ports that are only exposed, "443/tcp". */
  exposed: string[];
  /** What was asked about names; records of earlier versions have none. */
  dns?: DnsWish;
  /** There from when it first is on a network of the user's: 127.0.0.11 answers in its namespace. */
  resolver?: ResolverConfig;
  /** What is published, as the firewall has it: one for each wish, null for one of a family without a way out; or none. */
  ports: (PublishedPort | null)[];
  /** Networks that were made worse for it, by the network's id. */
  shapes?: Record<string, ShapeRecord>;
  /** Is being plugged in or out; there until the container's own record says the same. */
  unsettled?: Unsettled;
  /** What it may reach on the default bridge where containers there are kept apart. */
  allowed?: AllowedFlow[];
}

/** Containers on it have a link of its own, with addresses. */
export const isWired = ({ bridge, sublink }: NetworkRecord): boolean => bridge !== undefined || sublink !== undefined;

/** Its containers find each other by name. */
export const hasNames = (network: NetworkRecord): boolean => isWired(network) && !network.builtin;

/** False: its containers' way out is the link itself, where the kernel routes for them. */
export const hasGateway = ({ sublink }: NetworkRecord): boolean =>
  sublink?.type.kind !== "ipvlan" || sublink.type.mode === "l2";

/** Its containers may reach others than those on it. */
export const leadsOut = ({ internal, sublink }: NetworkRecord): boolean =>
  !internal && sublink?.make?.kind !== "isolated";

/** Those that it has, IPv4 first. */
export const addressesOf = ({ address, address6 }: Cable): string[] =>
  [address, address6].filter((one) => one !== undefined);

export const publishedPorts = ({ ports }: Pick<SandboxRecord, "ports">): PublishedPort[] =>
  ports.filter((port) => port !== null);

/** Name of the host's end of a cable; at most 15 bytes. */
export const cableName = (endpointId: string): string => `gv${endpointId.slice(0, 10)}`;

/** What `ip link` shows on a cable: the engine (by its default bridge) and the container. */
export const cableLabel = (engine: string, containerId: string): string => `gantry ${engine} ${containerId}`;

/** The same on a parent that was made for networks. */
export const parentLabel = (engine: string): string => `gantry ${engine} parent`;

export const isCableOf = (engine: string, label: string): boolean => label.startsWith(`gantry ${engine} `);
