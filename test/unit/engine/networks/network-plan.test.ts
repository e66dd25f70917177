import assert from "node:assert/strict";
import { test } from "node:test";
import { isGantryError } from "../../../../src/base/errors.ts";
import { type NetworkFacts, type NetworkWish, planNetwork } from "../../../../src/engine/networks/network-plan.ts";
import { upgradeNetwork } from "../../../../src/engine/networks/record-upgrade.ts";
import type { NetworkRecord } from "../../../../src/engine/networks/record.ts";

const wish = (more: Partial<NetworkWish> = {}): NetworkWish => ({
  name: "back",
  driver: "",
  internal: false,
  attachable: false,
  ipv4: true,
  ipv6: false,
  pools: [],
  options: {},
  labels: {},
  ...more,
});
const facts = (networks: NetworkRecord[] = []): NetworkFacts => ({
  id: "0123456789abcdef".repeat(4),
  created: "2026-01-01T00:00:00Z",
  networks,
  links: ["lo", "eth0"],
  mtu: 1400,
  hasIpv6: true,
  freeSubnet: (family) => (family === 4 ? "172.18.0.0/16" : "fd12:3456:789a::/64"),
});

test("a bare wish gets a subnet from the pools, its first address as gateway, a link named after the id", () => {
  const { bridge, driver, subnets } = planNetwork(wish(), facts());
  assert.equal(driver, "bridge");
  assert.deepEqual(subnets, [{ subnet: "172.18.0.0/16", gateway: "172.18.0.1", reserved: {}, given: false }]);
  assert.deepEqual(bridge, {
    link: "br-0123456789ab",
    mtu: 1400,
    icc: true,
    masquerade: true,
    routed: [],
    hostBinding: "0.0.0.0",
  });
});

test("what the user names is taken", () => {
  const { bridge, subnets } = planNetwork(
    wish({
      pools: [
        { subnet: "10.5.0.0/16", gateway: "10.5.0.254", ipRange: "10.5.9.0/24", auxiliary: { router: "10.5.0.3" } },
      ],
      options: {
        "com.docker.network.bridge.name": "mybr",
        "com.docker.network.bridge.enable_icc": "false",
        "com.docker.network.bridge.enable_ip_masquerade": "0",
        "com.docker.network.bridge.host_binding_ipv4": "127.0.0.1",
        "com.docker.network.driver.mtu": "1280",
      },
    }),
    facts(),
  );
  assert.deepEqual(subnets, [
    {
      subnet: "10.5.0.0/16",
      gateway: "10.5.0.254",
      ipRange: "10.5.9.0/24",
      reserved: { router: "10.5.0.3" },
      given: true,
    },
  ]);
  assert.deepEqual(bridge, {
    link: "mybr",
    mtu: 1280,
    icc: false,
    masquerade: false,
    routed: [],
    hostBinding: "127.0.0.1",
  });
});

test("with IPv6 there is a subnet of each family, IPv4 first; one that is named of a family without is left out", () => {
  const subnets = (more: Partial<NetworkWish>): string[] =>
    planNetwork(wish(more), facts()).subnets.map(({ subnet, gateway }) => `${subnet} ${gateway}`);
  assert.deepEqual(subnets({ ipv6: true }), ["172.18.0.0/16 172.18.0.1", "fd12:3456:789a::/64 fd12:3456:789a::1"]);
  const named = [{ subnet: "FD00:5::/64", gateway: "fd00:5:0::fe" }, { subnet: "10.5.0.0/16" }];
  assert.deepEqual(subnets({ ipv6: true, pools: named }), ["10.5.0.0/16 10.5.0.1", "fd00:5::/64 fd00:5::fe"]);
  assert.deepEqual(subnets({ pools: named }), ["10.5.0.0/16 10.5.0.1"]);
  assert.deepEqual(subnets({ ipv6: true, ipv4: false }), ["fd12:3456:789a::/64 fd12:3456:789a::1"]);
});

test("a network is routed or translated, family by family; the other modes are refused", () => {
  const mode = (family: string, value: string): Record<string, string> => ({
    [`com.docker.network.bridge.gateway_mode_${family}`]: value,
  });
  const routed = (options: Record<string, string>): string[] | undefined =>
    planNetwork(wish({ ipv6: true, options }), facts()).bridge?.routed;
  assert.deepEqual(routed(mode("ipv6", "routed")), ["ipv6"]);
  assert.deepEqual(routed({ ...mode("ipv4", "routed"), ...mode("ipv6", "nat") }), ["ipv4"]);
  assert.throws(() => routed(mode("ipv4", "isolated")), /gateway mode isolated is not supported/);
  assert.throws(() => routed(mode("ipv4", "open")), /unknown gateway mode open/);
});

test("a subnet that meets another network's is refused in Docker's words", () => {
  const other = planNetwork(wish({ name: "front", pools: [{ subnet: "10.5.0.0/16" }] }), facts());
  assert.throws(
    () => planNetwork(wish({ pools: [{ subnet: "10.5.8.0/24" }] }), facts([other])),
    (e) => isGantryError(e, "POOL_OVERLAP") && /Pool overlaps with other one on this address space/.test(e.message),
  );
});

test("nonsense is refused", () => {
  const bad: Partial<NetworkWish>[] = [
    { name: "" },
    { name: 'a"; flush ruleset' },
    { name: "-x" },
    { pools: [{ subnet: "10.5.0.1/16" }] },
    { pools: [{ subnet: "10.5.0.0/31" }] },
    { pools: [{ subnet: "nonsense" }] },
    { pools: [{ gateway: "10.5.0.1" }] },
    { pools: [{ subnet: "10.5.0.0/16", gateway: "10.6.0.1" }] },
    { pools: [{ subnet: "10.5.0.0/16", ipRange: "10.6.0.0/24" }] },
    { ipv6: true, pools: [{ subnet: "fd00::1/64" }] },
    { ipv6: true, pools: [{ subnet: "ff02::/64" }] },
    { ipv6: true, pools: [{ subnet: "fe80::/10" }] },
    { ipv6: true, pools: [{ subnet: "fd00::/64", gateway: "10.0.0.1" }] },
    { ipv6: true, pools: [{ subnet: "fd00::/64", auxiliary: { a: "fd01::1" } }] },
    { options: { "com.docker.network.bridge.name": "../../etc" } },
    { options: { "com.docker.network.bridge.name": "a-name-of-sixteen" } },
    { options: { "com.docker.network.driver.mtu": "many" } },
    { options: { "com.docker.network.bridge.enable_icc": "perhaps" } },
    { options: { "com.docker.network.bridge.host_binding_ipv4": "localhost" } },
  ];
  for (const more of bad) {
    assert.throws(
      () => planNetwork(wish(more), facts()),
      (e) => isGantryError(e, "BAD_NETWORK"),
      JSON.stringify(more),
    );
  }
});

test("a link that exists on the host is never taken over", () => {
  assert.throws(
    () => planNetwork(wish({ options: { "com.docker.network.bridge.name": "eth0" } }), facts()),
    (e) => isGantryError(e, "BRIDGE_TAKEN"),
  );
});

test("unknown drivers are refused, and IPv6 where the kernel has none", () => {
  assert.throws(
    () => planNetwork(wish({ driver: "weave" }), facts()),
    /could not find plugin weave in v1 plugin registry/,
  );
  assert.throws(
    () => planNetwork(wish({ ipv6: true }), { ...facts(), hasIpv6: false }),
    (e) => isGantryError(e, "NO_IPV6"),
  );
});

test("a bridge has one subnet of a family at most, and at least one family", () => {
  assert.throws(
    () => planNetwork(wish({ pools: [{ subnet: "10.5.0.0/16" }, { subnet: "10.6.0.0/16" }] }), facts()),
    /bridge driver doesn't support multiple subnets/,
  );
  assert.throws(() => planNetwork(wish({ ipv4: false }), facts()), /IPv4 or IPv6 must be enabled/);
});

test("a record of an engine without IPv6 is read as one with a list of subnets", () => {
  const now = planNetwork(wish({ pools: [{ subnet: "10.5.0.0/16", ipRange: "10.5.9.0/24" }] }), facts());
  const { ipv4: _4, ipv6: _6, subnets, bridge, ...rest } = now;
  const [{ given, ...subnet } = { given: false }] = subnets;
  const before = { ...rest, bridge: { ...bridge, ...subnet, subnetGiven: given } };
  assert.deepEqual(upgradeNetwork(before as unknown as NetworkRecord), now);
  assert.equal(upgradeNetwork(now), now);
});
