import { GantryError } from "../../base/errors.ts";
import {
  contains,
  familyOf,
  formatAddress,
  formatRange,
  type IpAddress,
  type IpFamily,
  type IpRange,
  overlap,
  parseAddress,
  parseCidr,
} from "../../base/ip-address.ts";
import type { NetworkRecord, Subnet } from "./record.ts";

/** One subnet that `network create` asks for. */
export interface SubnetWish {
  subnet?: string;
  ipRange?: string;
  gateway?: string;
  auxiliary?: Record<string, string>;
}

export interface SubnetFacts {
  networks: NetworkRecord[];
  /** A subnet from the engine's pools that meets nothing of the host's. */
  freeSubnet: (family: IpFamily) => string;
}

const LINK_LOCAL = rangeOf("fe80::/64");
const MULTICAST = rangeOf("ff00::/8");

/**
 * The subnets of a new network, IPv4 first: those that are wished, and one of the pools for a family without. What is
 * wished of a family that the network is not to have is left out. Errors: invalid BAD_NETWORK, forbidden POOL_OVERLAP.
 */
export function planSubnets(wish: { ipv4: boolean; ipv6: boolean; pools: SubnetWish[] }, facts: SubnetFacts): Subnet[] {
  const named = wish.pools.flatMap((pool) => {
    if (pool.subnet !== undefined) return [{ ...pool, subnet: pool.subnet }];
    if (pool.gateway || pool.ipRange) throw bad("a gateway or an IP range needs a subnet");
    return [];
  });
  const auxiliary = wish.pools.find((pool) => pool.subnet === undefined)?.auxiliary;
  return ([4, 6] as const).flatMap((family) => {
    if (!(family === 4 ? wish.ipv4 : wish.ipv6)) return [];
    const given = named.filter(({ subnet }) => familyOf(subnet) === family);
    if (given.length === 0) return [planSubnet({ subnet: facts.freeSubnet(family), auxiliary }, false)];
    return given.map((pool) => {
      const planned = planSubnet(pool, true);
      refuseOverlap(rangeOf(planned.subnet), facts.networks);
      return planned;
    });
  });
}

function planSubnet(pool: SubnetWish & { subnet: string }, given: boolean): Subnet {
  const subnet = subnetOf(pool.subnet);
  const gateway = pool.gateway
    ? inside(subnet, pool.gateway, "gateway")
    : { family: subnet.family, value: subnet.base + 1n };
  const reserved = Object.entries(pool.auxiliary ?? {}).map(([name, address]): [string, string] => [
    name,
    formatAddress(inside(subnet, address, `auxiliary address ${name}`)),
  ]);
  const ipRange = pool.ipRange ? parseCidr(pool.ipRange) : undefined;
  if (pool.ipRange && !(ipRange && ipRange.range.prefix >= subnet.prefix && contains(subnet, ipRange.address))) {
    throw bad(`invalid IP range ${pool.ipRange}: it must lie within ${formatRange(subnet)}`);
  }
  return {
    subnet: formatRange(subnet),
    gateway: formatAddress(gateway),
    ...(ipRange && { ipRange: formatRange(ipRange.range) }),
    reserved: Object.fromEntries(reserved),
    given,
  };
}

function subnetOf(text: string): IpRange {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw bad(`invalid CIDR address: ${text}`);
  const { address, range } = parsed;
  if (address.value !== range.base) throw bad(`invalid subnet ${text}: it should be ${formatRange(range)}`);
  if (range.family === 4) {
    if (range.prefix > 30 || range.prefix < 8) throw bad(`invalid subnet ${text}: from /8 to /30`);
    return range;
  }
  if (range.prefix > 126 || range.prefix < 8) throw bad(`invalid subnet ${text}: from /8 to /126`);
  if (overlap(range, MULTICAST)) throw bad(`multicast subnet '${text}' is not allowed`);
  // the kernel gives every link a link-local address of that very prefix
  if (overlap(range, LINK_LOCAL) && formatRange(range) !== formatRange(LINK_LOCAL)) {
    throw bad(`'${text}' clashes with the Link-Local prefix 'fe80::/64'`);
  }
  return range;
}

function refuseOverlap(range: IpRange, networks: NetworkRecord[]): void {
  for (const { name, subnets } of networks) {
    const met = subnets.find(({ subnet }) => overlap(rangeOf(subnet), range));
    if (met === undefined) continue;
    throw new GantryError(
      "forbidden",
      "POOL_OVERLAP",
      "invalid pool request: Pool overlaps with other one on this address space",
      { hint: `network ${name} has ${met.subnet}` },
    );
  }
}

function inside(subnet: IpRange, text: string, what: string): IpAddress {
  const address = parseAddress(text);
  if (address === undefined || !contains(subnet, address)) {
    throw bad(`invalid ${what} ${text}: it must be within ${formatRange(subnet)}`);
  }
  return address;
}

/** Of a subnet as a record has it. */
export function rangeOf(subnet: string): IpRange {
  const parsed = parseCidr(subnet);
  if (parsed === undefined) throw new Error(`${subnet} is no subnet`);
  return parsed.range;
}

/** The network's subnet that an address of one of its containers is of. */
export const subnetWith = ({ subnets }: NetworkRecord, text: string | undefined): Subnet | undefined => {
  const address = text === undefined ? undefined : parseAddress(text);
  return address && subnets.find(({ subnet }) => contains(rangeOf(subnet), address));
};

/** "172.17.0.2" → "172.17.0.2/16". */
export function withPrefix(network: NetworkRecord, address: string): string {
  const subnet = subnetWith(network, address);
  if (subnet === undefined) throw new Error(`network ${network.id} has no subnet with ${address}`);
  return `${address}/${rangeOf(subnet.subnet).prefix}`;
}

const bad = (message: string): GantryError => new GantryError("invalid", "BAD_NETWORK", message);
