import type { IpFamily } from "../base/ip-address.ts";
import type { UserNamespace } from "../base/id-map.ts";

export interface BridgeSpec {
  /** At most 15 bytes. */
  name: string;
  mac: string;
  /** The host's addresses on it, one of each family at most: "172.17.0.1/16", "fd00::1/64". */
  addresses: string[];
  mtu?: number;
}

/** A container's end of a link: what it is inside the container's network namespace. */
export interface EndSpec {
  /** Path of the namespace. */
  netns: string;
  /** Name inside, e.g. eth0. */
  name: string;
  mac: string;
  /** Of either family, "172.17.0.2/16". Without one of IPv6 the link has no IPv6 at all. */
  addresses: string[];
  mtu?: number;
  /** Further addresses, with the prefix of link-local ones. */
  linkLocal?: string[];
  /** Settings of the link inside, below /proc/sys/net with the link's name in place: "ipv4/conf/eth0/forwarding" → "1". */
  settings?: Record<string, string>;
  /** Where the default routes by this link go, one of each family at most. */
  gateways?: string[];
}

/** A cable from a bridge into a container's network namespace. */
export interface PlugSpec extends EndSpec {
  bridge: string;
  /** Name of the host's end, unique on the host. */
  hostName: string;
  /** Text on the host's end that tells whose it is; at most 255 bytes. */
  label: string;
  /** Frames may come back out of the port that they came in by: for a container that publishes ports and uses them itself. */
  hairpin?: boolean;
}

/** A default route. */
export interface WayOut {
  gateway: string;
  /** Name of the link inside. */
  link: string;
}

/** A user namespace, for a network namespace that belongs to it. */
export interface NamespaceOwner extends UserNamespace {
  /** It is this one's alone and made with it; else another container's. */
  own: boolean;
}

export interface HostLink {
  index: number;
  name: string;
  up: boolean;
  /** As given to `plug`; "" for none. */
  label: string;
}

/** One end of UDP flows: where they were sent to, or who answers them. */
export interface FlowEnd {
  side: "to" | "from";
  address: string;
  port: number;
}

/** A network namespace as it is now. */
export interface NetworkState {
  links: LinkState[];
  routes: RouteState[];
}

export interface LinkState {
  index: number;
  name: string;
  /** bridge, veth, … or "" for plain devices. */
  kind: string;
  up: boolean;
  mtu: number;
  mac: string;
  label: string;
  /** Index of the bridge or bond above it; 0: none. */
  master: number;
  /** Index of a cable's other end, in its own namespace; 0: none. */
  peer: number;
  /** Of both families, "172.17.0.2/16". */
  addresses: string[];
}

/** Of either family, of the main table. */
export interface RouteState {
  /** "172.17.0.0/16"; "default". */
  to: string;
  /** "" where the other side is on the link. */
  via: string;
  link: string;
}

/**
 * Links, addresses and network namespaces of the host. Synchronous (1–3 ms for a namespace with a cable).
 * Errors: internal LINK_FAILED with the system's words; forbidden NOT_PERMITTED.
 */
export interface Links {
  /** Makes the bridge or brings an existing one to the spec; up; ready for published ports on 127.0.0.1. */
  ensureBridge(spec: BridgeSpec): void;
  /** Deletes a bridge that `ensureBridge` made; one that was there before stays, and so does a missing one. */
  removeOwnBridge(name: string): void;
  /** Deletes a bridge or the host's end of a cable; missing is fine. */
  removeLink(name: string): void;
  /**
   * Makes the namespace at `path` with its loopback up; one that exists is kept as it is. `owner`: the user namespace
   * that it belongs to, made at its path too (with `own`) or there already; 2–4 ms more.
   */
  createNamespace(path: string, owner?: NamespaceOwner): void;
  /** Forgets it; the kernel takes it down, cables included, once no process is in it. Missing is fine. */
  removeNamespace(path: string): void;
  /** Forgets a user namespace that `createNamespace` made. Missing is fine. */
  removeUserNamespace(path: string): void;
  /** Names of the namespaces in a folder. */
  namespacesIn(folder: string): string[];
  plug(spec: PlugSpec): void;
  /** What `hairpin` of a PlugSpec says, for a cable that is there. */
  allowHairpin(hostName: string): void;
  /** Points the default routes inside a namespace elsewhere; a family without a way loses its route. */
  setWaysOut(netns: string, ways: WayOut[]): void;
  list(): HostLink[];
  /** What a namespace has; without a path the host's. */
  state(netns?: string): NetworkState;
  /** "address/prefix" of every address and of every route of the host but the default one. */
  takenRanges(): string[];
  /** MTU of the link that the default route leaves by. */
  uplinkMtu(): number | undefined;
  /** Addresses of the host, of both families. */
  addresses(): string[];
  /** The kernel has IPv6. */
  hasIpv6(): boolean;
  /** Lets the host forward packets. Where it takes IPv6 routes from router advertisements it goes on to. */
  enableForwarding(family: IpFamily): void;
  /** Shows the firewall what goes from one port of a bridge to another too. */
  filterWithinBridges(): void;
  /**
   * Makes the kernel decide anew about UDP flows, which otherwise go on where they went before a port was published
   * or given up for as long as the sender keeps sending. Without effect on kernels that can't.
   */
  forgetUdpFlows(ends: FlowEnd[]): void;
  /** Text of the resolv.conf that the host's programs effectively use. */
  hostResolvConf(): string;
}
