import type { EndpointSettings } from "../../base/container-config.ts";
import { GantryError } from "../../base/errors.ts";
import { parseLink } from "../../base/link.ts";
import { readEndpointOptions } from "./endpoint-options.ts";
import { contains, familyOf, formatAddress, type IpFamily, parseAddress } from "../../base/ip-address.ts";
import { freeAddress, requestedAddress } from "./ipam.ts";
import {
  addressesOf,
  type Cable,
  cableName,
  type EndpointRecord,
  hasGateway,
  isWired,
  leadsOut,
  type NetworkRecord,
  type SandboxRecord,
  type Subnet,
} from "./record.ts";
import { rangeOf, subnetWith } from "./subnet-plan.ts";

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
const NOT_WITH_NONE =
  "container cannot be connected to multiple networks with one of the networks in private (none) mode";

/** What is given out on a network now, by family. */
export type UsedAddresses = Readonly<Record<IpFamily, ReadonlySet<bigint>>>;

export function usedAddresses(network: NetworkRecord, sandboxes: Iterable<SandboxRecord>): UsedAddresses {
  const used = { 4: new Set<bigint>(), 6: new Set<bigint>() };
  const add = (text: string): void => {
    const address = parseAddress(text);
    if (address !== undefined) used[address.family].add(address.value);
  };
  for (const { gateway, reserved } of network.subnets) {
    add(gateway);
    Object.values(reserved).forEach(add);
  }
  for (const sandbox of sandboxes) {
    for (const { networkId, cable } of sandbox.endpoints) {
      if (networkId !== network.id) continue;
      if (cable) addressesOf(cable).forEach(add);
    }
  }
  return used;
}

export const subnetsOf = (network: NetworkRecord, family: IpFamily): Subnet[] =>
  network.subnets.filter(({ subnet }) => rangeOf(subnet).family === family);

/** Chooses addresses, MAC and names. `interfaceName`: eth0, eth1 … Errors: invalid BAD_ENDPOINT, BAD_ADDRESS, BAD_LINK; conflict ADDRESS_IN_USE. */
export function planEndpoint(
  place: Place,
  facts: { endpointId: string; interfaceName: string; used: UsedAddresses; before?: EndpointSettings | undefined },
): EndpointRecord {
  const { network, asked } = place;
  const record: EndpointRecord = { networkId: network.id, endpointId: facts.endpointId, asked };
  if (!isWired(network)) return record;
  const options = readEndpointOptions(asked);
  if (!network.builtin) for (const link of asked.Links ?? []) parseLink(link);
  if (network.builtin && (asked.Aliases ?? []).length > 0) {
    throw badEndpoint("network-scoped aliases are only supported for user-defined networks");
  }
  const address = planAddress(network, 4, asked.IPAMConfig?.IPv4Address, facts.used, facts.before?.IPAddress);
  const address6 = planAddress(network, 6, asked.IPAMConfig?.IPv6Address, facts.used, facts.before?.GlobalIPv6Address);
  record.cable = {
    ...(network.bridge && { hostName: cableName(facts.endpointId) }),
    name: options.name ?? facts.interfaceName,
    ...(address !== undefined && { address }),
    ...(address6 !== undefined && { address6 }),
    mac: network.driver === "ipvlan" ? withoutMac(asked) : macFor(asked.MacAddress, address, facts.endpointId),
  };
  return record;
}

/** None where the network has no addresses of the family, whatever is wanted; that of the run before if it is free. */
function planAddress(
  network: NetworkRecord,
  family: IpFamily,
  wanted: string | undefined,
  used: UsedAddresses,
  before: string | undefined,
): string | undefined {
  const subnets = subnetsOf(network, family);
  if (wanted && network.builtin)
    throw badEndpoint("user specified IP address is supported on user defined networks only");
  if (wanted && !subnets.some(({ given }) => given)) {
    throw badEndpoint(
      "user specified IP address is supported only when connecting to networks with user configured subnets",
    );
  }
  const ranges = subnets.map(({ subnet }) => rangeOf(subnet));
  if (wanted) return formatAddress(requestedAddress(ranges, parseAddress(wanted), wanted, used[family]));
  const again = before ? parseAddress(before) : undefined;
  if (again && ranges.some((range) => contains(range, again)) && !used[family].has(again.value)) return before;
  const [first] = subnets;
  if (first === undefined) return undefined;
  const subnet = rangeOf(first.subnet);
  return formatAddress(freeAddress(subnet, first.ipRange ? rangeOf(first.ipRange) : subnet, used[family]));
}

/** Docker's rule: 02:42 and the IPv4 address. */
function macFor(asked: string | undefined, address: string | undefined, endpointId: string): string {
  if (asked === undefined || asked === "") return address ? macOf(address) : `02:42:${pairs(endpointId.slice(0, 8))}`;
  const mac = asked.toLowerCase().replaceAll("-", ":");
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac)) throw badEndpoint(`invalid MAC address: ${asked}`);
  return mac;
}

/** All links of ipvlan have their parent's. */
function withoutMac({ MacAddress }: EndpointSettings): string {
  if (MacAddress) throw badEndpoint("ipvlan interfaces do not support custom mac address assignment");
  return "";
}

const pairs = (digits: string): string => (digits.match(/../g) ?? []).join(":");

/** Of an address of either family; of an IPv6 one it says the end alone. */
export function macOf(address: string): string {
  const low = (parseAddress(address)?.value ?? 0n) & 0xffffffffn;
  return `02:42:${pairs(low.toString(16).padStart(8, "0"))}`;
}

const BY_LINK = { 4: "0.0.0.0", 6: "::" };

/** An endpoint that leads out for a family, and carries the ports published on it. */
export interface Way {
  network: NetworkRecord;
  endpoint: EndpointRecord;
  cable: Cable;
  /** The container's address there. */
  address: string;
  /** Unspecified where the link itself is the way. */
  gateway: string;
}

export type WaysOut = Partial<Record<IpFamily, Way>>;

/**
 * By family the endpoint that leads out: never one of a network that leads nowhere, else that of the highest priority, then the
 * first by the network's name.
 */
export function waysOut(endpoints: EndpointRecord[], network: (id: string) => NetworkRecord | undefined): WaysOut {
  const ranked = endpoints
    .flatMap((endpoint) => {
      const place = network(endpoint.networkId);
      const { cable, asked } = endpoint;
      if (cable === undefined || place === undefined || !leadsOut(place)) return [];
      return [{ endpoint, cable, place, priority: asked.GwPriority ?? 0 }];
    })
    .toSorted((a, b) => b.priority - a.priority || (a.place.name < b.place.name ? -1 : 1));
  const ways: WaysOut = {};
  for (const { endpoint, cable, place } of ranked) {
    for (const address of addressesOf(cable)) {
      const family = familyOf(address);
      const gateway = hasGateway(place) ? subnetWith(place, address)?.gateway : BY_LINK[family];
      if (gateway !== undefined) ways[family] ??= { network: place, endpoint, cable, address, gateway };
    }
  }
  return ways;
}

/** Where ports are published that name no address of the host. */
export function hostBinding(endpoints: EndpointRecord[], network: (id: string) => NetworkRecord | undefined): string {
  const ways = waysOut(endpoints, network);
  return (ways[4] ?? ways[6])?.network.bridge?.hostBinding ?? "0.0.0.0";
}

/** Could a container join this network beside those? Throws invalid BAD_ENDPOINT. */
export function checkMixable(network: NetworkRecord, joined: NetworkRecord[]): void {
  if (joined.some((one) => one.driver === "host")) {
    throw new GantryError(
      "invalid",
      "BAD_ENDPOINT",
      "container sharing network namespace with another container or host cannot be connected to any other network",
    );
  }
  const drivers = [network, ...joined].map((record) => record.driver);
  if (drivers.includes("host")) throw badEndpoint(NOT_WITH_HOST);
  if (drivers.includes("null") && drivers.length > 1) throw badEndpoint(NOT_WITH_NONE);
}

/** The first of eth0, eth1 … that is not taken. */
export function freeInterfaceName(endpoints: EndpointRecord[]): string {
  const taken = new Set(endpoints.map((endpoint) => endpoint.cable?.name));
  for (let index = 0; ; index++) if (!taken.has(`eth${index}`)) return `eth${index}`;
}

const badEndpoint = (message: string): GantryError => new GantryError("invalid", "BAD_ENDPOINT", message);
