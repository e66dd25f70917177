import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAddress, formatRange, type IpRange, parseAddress, parseCidr } from "../../../../src/base/ip-address.ts";
import { isGantryError } from "../../../../src/base/errors.ts";
import {
  type AddressPool,
  DEFAULT_POOLS,
  freeAddress,
  freeSubnet,
  requestedAddress,
  withIpv6,
} from "../../../../src/engine/networks/ipam.ts";

const range = (text: string): IpRange => {
  const parsed = parseCidr(text);
  assert.ok(parsed, text);
  return parsed.range;
};
const value = (text: string): bigint => parseAddress(text)?.value ?? 0n;
const picked = (family: 4 | 6, pools: AddressPool[], ...taken: string[]): string =>
  formatRange(freeSubnet(family, pools, taken.map(range)));
const lowest = (subnet: string, within: string, ...used: string[]): string =>
  formatAddress(freeAddress(range(subnet), range(within), new Set(used.map(value))));

test("a subnet is the first of the pools that meets nothing of the host's", () => {
  assert.equal(picked(4, DEFAULT_POOLS), "172.17.0.0/16");
  assert.equal(picked(4, DEFAULT_POOLS, "172.17.0.0/16", "172.18.5.0/24"), "172.19.0.0/16");
  assert.equal(picked(4, DEFAULT_POOLS, "172.0.0.0/8"), "192.168.0.0/20");
  const small = [{ base: "10.10.0.0/24", size: 26 }];
  assert.equal(picked(4, small, "10.10.0.128/26", "10.10.0.0/26", "10.10.0.64/26"), "10.10.0.192/26");
  assert.throws(() => picked(4, small, "10.10.0.0/24"), /all predefined address pools have been fully subnetted/);
});

test("each family has its own pools, and a large one is not searched subnet by subnet", () => {
  const pools = [
    { base: "10.10.0.0/16", size: 24 },
    { base: "fd12:3456:789a::/48", size: 64 },
  ];
  assert.equal(picked(6, pools, "10.10.0.0/24"), "fd12:3456:789a::/64");
  assert.equal(picked(6, pools, "fd12:3456:789a::5/128", "fd12:3456:789a:1::/64"), "fd12:3456:789a:2::/64");
  const large = [{ base: "fd00::/8", size: 112 }];
  assert.equal(picked(6, large, "fd00::/9", "fd80::/10"), "fdc0::/112");
  assert.throws(
    () => picked(6, DEFAULT_POOLS),
    (e) => isGantryError(e, "NO_SUBNET_LEFT"),
  );
  assert.throws(
    () => picked(6, [{ base: "fd00::/64", size: 127 }]),
    (e) => isGantryError(e, "BAD_POOL"),
  );
});

test("without an IPv6 pool there is a unique local network of the engine's own", () => {
  assert.deepEqual(withIpv6([], "").at(-1), { base: "fd42:98fc:1c14::/48", size: 64 });
  const own = withIpv6(DEFAULT_POOLS, "499d4bc0-b0b3-416f-b1ee-cf6486315593");
  assert.deepEqual(own, [...DEFAULT_POOLS, { base: "fd62:fb69:18af::/48", size: 64 }]);
  assert.equal(withIpv6(own, "another"), own);
});

test("an address is the lowest free one and never the network's own or its broadcast", () => {
  assert.equal(lowest("10.0.0.0/29", "10.0.0.0/29", "10.0.0.1", "10.0.0.3"), "10.0.0.2");
  const all = [1, 2, 3, 4, 5, 6].map((last) => `10.0.0.${last}`);
  assert.throws(
    () => lowest("10.0.0.0/29", "10.0.0.0/29", ...all),
    (e) => isGantryError(e, "NO_ADDRESS_LEFT"),
  );
  assert.equal(lowest("10.1.0.0/16", "10.1.5.0/24"), "10.1.5.0");
});

test("IPv6 has no broadcast, but the first address is that of any router", () => {
  assert.equal(lowest("fd00::/64", "fd00::/64", "fd00::1"), "fd00::2");
  assert.equal(lowest("fd00::/126", "fd00::/126", "fd00::1", "fd00::2"), "fd00::3");
  assert.equal(lowest("fd00::/64", "fd00::ff00/120"), "fd00::ff00");
});

test("a requested address must be inside, of the family, and free", () => {
  const ask = (text: string, ...subnets: string[]): string => {
    const used = new Set([value("10.0.0.9"), value("fd00::9")]);
    return formatAddress(requestedAddress(subnets.map(range), parseAddress(text), text, used));
  };
  assert.equal(ask("10.0.0.7", "10.0.0.0/24"), "10.0.0.7");
  assert.equal(ask("fd01::A", "fd00::/64", "fd01::/64"), "fd01::a");
  assert.throws(() => ask("10.0.0.9", "10.0.0.0/24"), /Address already in use/);
  assert.throws(() => ask("fd00:0::9", "fd00::/64"), /Address already in use/);
  assert.throws(() => ask("10.0.1.9", "10.0.0.0/24"), /no configured subnet contains IP address 10.0.1.9/);
  assert.throws(() => ask("nonsense", "10.0.0.0/24"), /invalid IPv4 address: nonsense/);
  assert.throws(() => ask("10.0.0.7", "fd00::/64"), /invalid IPv6 address: 10.0.0.7/);
});
