import { createHash } from "node:crypto";
import { GantryError } from "../../base/errors.ts";
import {
  bitsOf,
  contains,
  familyOf,
  formatAddress,
  formatRange,
  type IpAddress,
  type IpFamily,
  type IpRange,
  lastOf,
  overlap,
  parseCidr,
  sizeOf,
} from "../../base/ip-address.ts";

/** Where subnets come from when the user names none: each `base`, of either family, is cut into networks of `/size`. */
export interface AddressPool {
  base: string;
  size: number;
}

export const DEFAULT_POOLS: AddressPool[] = [
  { base: "172.17.0.0/16", size: 16 },
  { base: "172.18.0.0/16", size: 16 },
  { base: "172.19.0.0/16", size: 16 },
  { base: "172.20.0.0/14", size: 16 },
  { base: "172.24.0.0/14", size: 16 },
  { base: "172.28.0.0/14", size: 16 },
  { base: "192.168.0.0/16", size: 20 },
];

/** The pools, with one of IPv6 if there is none: a unique local network (RFC 4193) of the engine's own. */
export function withIpv6(pools: AddressPool[], engineId: string): AddressPool[] {
  if (pools.some(({ base }) => familyOf(base) === 6)) return pools;
  const globalId = createHash("sha256").update(engineId).digest().readBigUInt64BE(0) & 0xffffffffffn;
  const base = formatAddress({ family: 6, value: (0xfdn << 120n) | (globalId << 80n) });
  return [...pools, { base: `${base}/48`, size: 64 }];
}

/** The first subnet of the family's pools that meets none of `taken`. Errors: invalid BAD_POOL, NO_SUBNET_LEFT. */
export function freeSubnet(family: IpFamily, pools: AddressPool[], taken: IpRange[]): IpRange {
  for (const pool of pools) {
    const whole = parseCidr(pool.base)?.range;
    if (whole === undefined || pool.size < whole.prefix || pool.size > bitsOf(whole.family) - 2) {
      throw new GantryError("invalid", "BAD_POOL", `invalid default address pool ${pool.base} size ${pool.size}`);
    }
    const found = whole.family === family ? freeWithin(whole, pool.size, taken) : undefined;
    if (found) return found;
  }
  throw new GantryError("invalid", "NO_SUBNET_LEFT", "all predefined address pools have been fully subnetted", {
    hint: "name a subnet with --subnet, or give gantryd more with --default-address-pool",
  });
}

/** Leaps over what is taken: an IPv6 pool has too many subnets to try each. */
function freeWithin(whole: IpRange, prefix: number, taken: IpRange[]): IpRange | undefined {
  const { family } = whole;
  const step = sizeOf({ family, prefix });
  for (let { base } = whole; base <= lastOf(whole); ) {
    const candidate = { family, base, prefix };
    const obstacle = taken.find((range) => overlap(range, candidate));
    if (obstacle === undefined) return candidate;
    const beyond = lastOf(obstacle) + 1n;
    base = beyond + ((step - (beyond % step)) % step);
  }
  return undefined;
}

/**
 * The lowest address of `within` that is not used; never the subnet's own first (of the network, or of any router), nor
 * the last of an IPv4 one (broadcast).
 */
export function freeAddress(subnet: IpRange, within: IpRange, used: ReadonlySet<bigint>): IpAddress {
  const { family } = subnet;
  const hasOwn = sizeOf(subnet) > 2n;
  const first = hasOwn && within.base === subnet.base ? subnet.base + 1n : within.base;
  const last = hasOwn && family === 4 && lastOf(within) === lastOf(subnet) ? lastOf(within) - 1n : lastOf(within);
  for (let value = first; value <= last; value++) if (!used.has(value)) return { family, value };
  throw new GantryError(
    "unavailable",
    "NO_ADDRESS_LEFT",
    `no available IPv${family} addresses on this network's address pools: ${formatRange(subnet)}`,
  );
}

/** Checks an address that the user asks for, on a network with these subnets of the family. */
export function requestedAddress(
  subnets: IpRange[],
  address: IpAddress | undefined,
  text: string,
  used: ReadonlySet<bigint>,
): IpAddress {
  const [{ family } = { family: 4 }] = subnets;
  if (address?.family !== family)
    throw new GantryError("invalid", "BAD_ADDRESS", `invalid IPv${family} address: ${text}`);
  if (!subnets.some((subnet) => contains(subnet, address))) {
    throw new GantryError("invalid", "BAD_ADDRESS", `no configured subnet contains IP address ${text}`, {
      hint: `the network's subnet is ${subnets.map(formatRange).join(", ")}`,
    });
  }
  if (used.has(address.value)) throw new GantryError("conflict", "ADDRESS_IN_USE", "Address already in use");
  return address;
}
