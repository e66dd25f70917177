import type { EndpointSettings } from "../../base/container-config.ts";
import { GantryError } from "../../base/errors.ts";
import { parseLink } from "../../base/link.ts";
import { readEndpointOptions } from "./endpoint-options.ts";
import { freeAddress, requestedAddress } from "./ipam.ts";
import { contains, formatAddress, macOf, parseAddress, parseCidr } from "./ipv4.ts";
import { cableName, type EndpointRecord, type NetworkRecord, type SandboxRecord } from "./record.ts";

/** One network that a container is to join. */
export interface Place {
  network: NetworkRecord;
  asked: EndpointSettings;
}

/**
 * The networks of a container in the order of its interfaces: that of its mode first, then by name. The mode's network
 * is left out when the container was disconnected from it and is on others.
 * Errors: invalid BAD_ENDPOINT when host or none is combined with others, and whatever `resolve` throws.
 */
export function planPlaces(
  networkMode: string,
  endpoints: Record<string, EndpointSettings | null>,
  resolve: (reference: string) => NetworkRecord,
): Place[] {
  const mode = resolve(networkName(networkMode));
  const asked = new Map<string, EndpointSettings>(Object.keys(endpoints).length === 0 ? [[mode.id, {}]] : []);
  const others: NetworkRecord[] = [];
  for (const [reference, settings] of Object.entries(endpoints)) {
    const network = resolve(networkName(reference));
    asked.set(network.id, settings ?? {});
    if (network.id !== mode.id && !others.includes(network)) others.push(network);
  }
  const places = [...(asked.has(mode.id) ? [mode] : []), ...others.toSorted((a, b) => (a.name < b.name ? -1 : 1))];
  const drivers = places.map((network) => network.driver);
  if (places.length > 1 && drivers.includes("host")) throw badEndpoint(NOT_WITH_HOST);
  if (places.length > 1 && drivers.includes("null")) throw badEndpoint(NOT_WITH_NONE);
  return places.map((network) => ({ network, asked: asked.get(network.id) ?? {} }));
}

export const networkName = (mode: string): string => (mode === "" || mode === "default" ? "bridge" : mode);

export const NOT_WITH_HOST = "container cannot be disconnected from host network or connected to host network";
export const NOT_WITH_NONE =
  "container cannot be connected to multiple networks with one of the networks in private (none) mode";

/** What is given out on a network now. */
export function usedAddresses(network: NetworkRecord, sandboxes: Iterable<SandboxRecord>): Set<number> {
  const used = new Set<number>();
  const add = (text: string): void => {
    const address = parseAddress(text);
    if (address !== undefined) used.add(address);
  };
  if (network.bridge) {
    add(network.bridge.gateway);
    Object.values(network.bridge.reserved).forEach(add);
  }
  for (const sandbox of sandboxes) {
    for (const endpoint of sandbox.endpoints) {
      if (endpoint.networkId === network.id && endpoint.cable) add(endpoint.cable.address);
    }
  }
  return used;
}

/** Chooses address, MAC and names. `interfaceName`: eth0, eth1 … Errors: invalid BAD_ENDPOINT, BAD_ADDRESS, BAD_LINK; conflict ADDRESS_IN_USE. */
export function planEndpoint(
  place: Place,
  facts: { endpointId: string; interfaceName: string; used: ReadonlySet<number> },
): EndpointRecord {
  const { network, asked } = place;
  const record: EndpointRecord = { networkId: network.id, endpointId: facts.endpointId, asked };
  const { bridge } = network;
  if (bridge === undefined) return record;
  const options = readEndpointOptions(asked);
  if (!network.builtin) for (const link of asked.Links ?? []) parseLink(link);
  const wanted = asked.IPAMConfig?.IPv4Address;
  if (network.builtin && (asked.Aliases ?? []).length > 0) {
    throw badEndpoint("network-scoped aliases are only supported for user-defined networks");
  }
  if (wanted && network.builtin)
    throw badEndpoint("user specified IP address is supported on user defined networks only");
  if (wanted && !bridge.subnetGiven) {
    throw badEndpoint(
      "user specified IP address is supported only when connecting to networks with user configured subnets",
    );
  }
  const subnet = parseCidr(bridge.subnet)?.range;
  if (subnet === undefined) throw new Error(`network ${network.id} has no subnet`);
  const within = (bridge.ipRange ? parseCidr(bridge.ipRange)?.range : undefined) ?? subnet;
  const address = wanted
    ? requestedAddress(subnet, parseAddress(wanted), wanted, facts.used)
    : freeAddress(subnet, contains(subnet, within.base) ? within : subnet, facts.used);
  record.cable = {
    hostName: cableName(facts.endpointId),
    name: options.name ?? facts.interfaceName,
    address: formatAddress(address),
    mac: macFor(asked.MacAddress, address),
  };
  return record;
}

function macFor(asked: string | undefined, address: number): string {
  if (asked === undefined || asked === "") return macOf(address);
  const mac = asked.toLowerCase().replaceAll("-", ":");
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac)) throw badEndpoint(`invalid MAC address: ${asked}`);
  return mac;
}

/**
 * The endpoint that leads out and carries the published ports: never one of an internal network if there is another,
 * then that of the highest priority, then the first by the network's name.
 */
export function gatewayEndpoint(
  endpoints: EndpointRecord[],
  network: (id: string) => NetworkRecord | undefined,
): EndpointRecord | undefined {
  const priority = (endpoint: EndpointRecord): number => endpoint.asked.GwPriority ?? 0;
  const rank = (endpoint: EndpointRecord): string => network(endpoint.networkId)?.name ?? "";
  return endpoints
    .filter((endpoint) => endpoint.cable && network(endpoint.networkId)?.internal === false)
    .toSorted((a, b) => priority(b) - priority(a) || (rank(a) < rank(b) ? -1 : 1))[0];
}

const badEndpoint = (message: string): GantryError => new GantryError("invalid", "BAD_ENDPOINT", message);
