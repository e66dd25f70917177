import type { EndpointSettings } from "../../base/container-config.ts";

export interface IpamPool {
  Subnet?: string;
  IPRange?: string;
  Gateway?: string;
  AuxiliaryAddresses?: Record<string, string>;
}

export interface Ipam {
  Driver?: string;
  Options?: Record<string, string> | null;
  Config?: IpamPool[] | null;
}

/** GET /networks, GET /networks/{id} */
export interface NetworkInspect {
  Name: string;
  Id: string;
  Created: string;
  Scope: string;
  Driver: string;
  EnableIPv4?: boolean;
  EnableIPv6: boolean;
  IPAM: Ipam;
  Internal: boolean;
  Attachable: boolean;
  Ingress: boolean;
  ConfigFrom: { Network: string };
  ConfigOnly: boolean;
  Containers?: Record<
    string,
    { Name: string; EndpointID: string; MacAddress: string; IPv4Address: string; IPv6Address: string }
  >;
  Options: Record<string, string> | null;
  Labels: Record<string, string> | null;
}

export interface NetworkCreateRequest {
  Name: string;
  CheckDuplicate?: boolean;
  Driver?: string;
  Scope?: string;
  Internal?: boolean;
  Attachable?: boolean;
  Ingress?: boolean;
  ConfigOnly?: boolean;
  ConfigFrom?: { Network: string };
  EnableIPv4?: boolean;
  EnableIPv6?: boolean;
  IPAM?: Ipam | null;
  Options?: Record<string, string>;
  Labels?: Record<string, string>;
}

export interface NetworkCreateResponse {
  Id: string;
  Warning: string;
}

export interface NetworkConnectRequest {
  Container: string;
  EndpointConfig?: EndpointSettings;
}

export interface NetworkDisconnectRequest {
  Container: string;
  Force?: boolean;
}

export interface PruneNetworksResponse {
  NetworksDeleted: string[] | null;
}

/** How a network is made worse for a container, in each direction. Durations in nanoseconds, shares in percent of the packets. */
export interface NetworkShape {
  Delay?: number;
  /** By how much the delay varies, up and down. */
  Jitter?: number;
  Loss?: number;
  Duplicate?: number;
  Corrupt?: number;
  /** Packets that go at once instead of after the delay. */
  Reorder?: number;
  /** Bits a second. */
  Rate?: number;
  /** When it ends by itself; RFC 3339. */
  Until?: string;
}

/** PUT /gantry/containers/{id}/shape?network= */
export interface ShapeRequest extends Omit<NetworkShape, "Until"> {
  /** Nanoseconds until it ends by itself. */
  Duration?: number;
}

/** By network name. */
export interface ShapesResponse {
  Shapes: Record<string, NetworkShape>;
}
