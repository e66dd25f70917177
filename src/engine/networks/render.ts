import type { EndpointSettings, PortBinding } from "../../base/container-config.ts";
import {
  type EndpointRecord,
  hasGateway,
  leadsOut,
  type NetworkRecord,
  type SandboxRecord,
  type Subnet,
} from "./record.ts";
import { rangeOf, subnetWith } from "./subnet-plan.ts";

/** An endpoint as `inspect` of a container shows it. */
export function endpointSettings(
  endpoint: EndpointRecord,
  network: NetworkRecord,
  sandbox: Pick<SandboxRecord, "containerId" | "containerName" | "hostname">,
): EndpointSettings {
  const { asked, cable } = endpoint;
  const v4 = subnetWith(network, cable?.address);
  const v6 = subnetWith(network, cable?.address6);
  return {
    IPAMConfig: asked.IPAMConfig ?? null,
    Links: asked.Links ?? null,
    Aliases: asked.Aliases ?? null,
    MacAddress: cable?.mac ?? "",
    DriverOpts: asked.DriverOpts ?? null,
    GwPriority: asked.GwPriority ?? 0,
    NetworkID: network.id,
    EndpointID: endpoint.endpointId,
    Gateway: gatewayOf(network, v4),
    IPAddress: cable?.address ?? "",
    IPPrefixLen: prefixOf(v4),
    IPv6Gateway: gatewayOf(network, v6),
    GlobalIPv6Address: cable?.address6 ?? "",
    GlobalIPv6PrefixLen: prefixOf(v6),
    DNSNames: cable && !network.builtin ? dnsNames(asked, sandbox) : null,
  };
}

const gatewayOf = (network: NetworkRecord, subnet: Subnet | undefined): string =>
  subnet && leadsOut(network) && hasGateway(network) ? subnet.gateway : "";

const prefixOf = (subnet: Subnet | undefined): number => (subnet ? rangeOf(subnet.subnet).prefix : 0);

const withPrefix = (address: string | undefined, subnet: Subnet | undefined): string =>
  address && subnet ? `${address}/${prefixOf(subnet)}` : "";

/** By which names other containers on the network find it: its name, aliases, short id, hostname. */
export function dnsNames(
  asked: EndpointSettings,
  sandbox: Pick<SandboxRecord, "containerId" | "containerName" | "hostname">,
): string[] {
  const short = sandbox.containerId.slice(0, 12);
  return [...new Set([sandbox.containerName, ...(asked.Aliases ?? []), short, sandbox.hostname])].filter(
    (n) => n !== "",
  );
}

/** Docker's port map: bindings with real host ports, null for what is only exposed. */
export function portMap(
  sandbox: Pick<SandboxRecord, "wishes" | "exposed" | "ports">,
): Record<string, PortBinding[] | null> {
  const map: Record<string, PortBinding[] | null> = {};
  for (const key of sandbox.exposed) map[key] = null;
  sandbox.ports.forEach((port, index) => {
    if (port === null) return;
    const key = sandbox.wishes[index]?.key ?? `${port.port}/${port.protocol}`;
    if (port.routed) map[key] ??= null;
    else (map[key] ??= []).push({ HostIp: port.hostAddress, HostPort: String(port.hostPort) });
  });
  return map;
}

/** The container's own lines for /etc/hosts. */
export function ownHosts(endpoints: EndpointRecord[], hostname: string): { address: string; names: string[] }[] {
  const short = hostname.split(".")[0] ?? hostname;
  const names = short === hostname ? [hostname] : [hostname, short];
  return endpoints.flatMap(({ cable }) =>
    [cable?.address, cable?.address6].flatMap((address) => (address ? [{ address, names }] : [])),
  );
}

/** One container in a network's inspect. */
export interface NetworkMember {
  Name: string;
  EndpointID: string;
  MacAddress: string;
  /** "172.17.0.2/16" */
  IPv4Address: string;
  IPv6Address: string;
}

/** A network as GET /networks/{id} shows it; `members` only there. */
export interface NetworkView {
  Name: string;
  Id: string;
  Created: string;
  Scope: string;
  Driver: string;
  EnableIPv4: boolean;
  EnableIPv6: boolean;
  IPAM: {
    Driver: string;
    Options: Record<string, string> | null;
    Config: { Subnet?: string; IPRange?: string; Gateway?: string; AuxiliaryAddresses?: Record<string, string> }[];
  };
  Internal: boolean;
  Attachable: boolean;
  Ingress: boolean;
  ConfigFrom: { Network: string };
  ConfigOnly: boolean;
  Containers: Record<string, NetworkMember>;
  Options: Record<string, string>;
  Labels: Record<string, string>;
}

export function networkView(network: NetworkRecord, sandboxes: Iterable<SandboxRecord>): NetworkView {
  const members: Record<string, NetworkMember> = {};
  for (const sandbox of sandboxes) {
    const endpoint = sandbox.endpoints.find((candidate) => candidate.networkId === network.id);
    if (endpoint === undefined) continue;
    const { address, address6, mac = "" } = endpoint.cable ?? {};
    members[sandbox.containerId] = {
      Name: sandbox.containerName,
      EndpointID: endpoint.endpointId,
      MacAddress: mac,
      IPv4Address: withPrefix(address, subnetWith(network, address)),
      IPv6Address: withPrefix(address6, subnetWith(network, address6)),
    };
  }
  return {
    Name: network.name,
    Id: network.id,
    Created: network.created,
    Scope: "local",
    Driver: network.driver,
    EnableIPv4: network.ipv4,
    EnableIPv6: network.ipv6,
    IPAM: {
      Driver: "default",
      Options: network.builtin ? null : {},
      Config: network.subnets.map(({ subnet, ipRange, gateway, reserved }) => ({
        Subnet: subnet,
        ...(ipRange ? { IPRange: ipRange } : {}),
        Gateway: gateway,
        ...(Object.keys(reserved).length > 0 ? { AuxiliaryAddresses: reserved } : {}),
      })),
    },
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    ConfigFrom: { Network: "" },
    ConfigOnly: false,
    Containers: members,
    Options: network.options,
    Labels: network.labels,
  };
}
