import { GantryError } from "../../base/errors.ts";
import { contains, formatRange, lastOf, overlap, parseCidr, type Range, sizeOf } from "./ipv4.ts";

/** Where subnets come from when the user names none: each `base` is cut into networks of `/size`. */
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

/** The first subnet of the pools that meets none of `taken`. */
export function freeSubnet(pools: AddressPool[], taken: Range[]): Range {
  for (const pool of pools) {
    const whole = parseCidr(pool.base)?.range;
    if (whole === undefined || pool.size < whole.prefix || pool.size > 30) {
      throw new GantryError("invalid", "BAD_POOL", `invalid default address pool ${pool.base} size ${pool.size}`);
    }
    const step = 2 ** (32 - pool.size);
    for (let base = whole.base; base <= lastOf(whole); base += step) {
      const candidate = { base, prefix: pool.size };
      if (!taken.some((range) => overlap(range, candidate))) return candidate;
    }
  }
  throw new GantryError("invalid", "NO_SUBNET_LEFT", "all predefined address pools have been fully subnetted", {
    hint: "name a subnet with --subnet, or give gantryd more with --default-address-pool",
  });
}

/** The lowest address of `within` that is not used; never the subnet's own first (network) or last (broadcast). */
export function freeAddress(subnet: Range, within: Range, used: ReadonlySet<number>): number {
  const first = Math.max(within.base, sizeOf(subnet) > 2 ? subnet.base + 1 : subnet.base);
  const last = Math.min(lastOf(within), sizeOf(subnet) > 2 ? lastOf(subnet) - 1 : lastOf(subnet));
  for (let address = first; address <= last; address++) if (!used.has(address)) return address;
  throw new GantryError(
    "unavailable",
    "NO_ADDRESS_LEFT",
    `no available IPv4 addresses on this network's address pools: ${formatRange(subnet)}`,
  );
}

/** Checks an address that the user asks for. */
export function requestedAddress(
  subnet: Range,
  address: number | undefined,
  text: string,
  used: ReadonlySet<number>,
): number {
  if (address === undefined) throw new GantryError("invalid", "BAD_ADDRESS", `invalid IPv4 address: ${text}`);
  if (!contains(subnet, address)) {
    throw new GantryError("invalid", "BAD_ADDRESS", `no configured subnet contains IP address ${text}`, {
      hint: `the network's subnet is ${formatRange(subnet)}`,
    });
  }
  if (used.has(address)) throw new GantryError("conflict", "ADDRESS_IN_USE", "Address already in use");
  return address;
}
