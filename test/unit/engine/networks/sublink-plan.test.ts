import assert from "node:assert/strict";
import { test } from "node:test";
import { isGantryError } from "../../../../src/base/errors.ts";
import type { NetworkRecord, SublinkConfig } from "../../../../src/engine/networks/record.ts";
import { planSublink, type SublinkDriver, type SublinkFacts } from "../../../../src/engine/networks/sublink-plan.ts";

const network = (name: string, sublink: SublinkConfig): NetworkRecord => ({
  id: name.repeat(64).slice(0, 64),
  name,
  driver: sublink.type.kind,
  created: "2026-01-01T00:00:00Z",
  internal: false,
  attachable: false,
  options: {},
  labels: {},
  builtin: false,
  ipv4: true,
  ipv6: false,
  subnets: [],
  sublink,
});
const facts = (...networks: NetworkRecord[]): SublinkFacts => ({
  id: "0123456789abcdef".repeat(4),
  networks,
  links: ["lo", "eth0", "eth1.7", "wifi.to.home"],
});
const plan = (options: Record<string, string>, driver: SublinkDriver = "macvlan", known = facts()): SublinkConfig =>
  planSublink(driver, options, undefined, known);
const bridge = { kind: "macvlan", mode: "bridge" } as const;
const l2 = { kind: "ipvlan", mode: "l2", flag: "bridge" } as const;

test("a parent of the host's is taken as it is, whatever its name", () => {
  for (const parent of ["eth0", "eth1.7", "wifi.to.home"]) assert.deepEqual(plan({ parent }), { parent, type: bridge });
});

test("modes and flags are Docker's, with its defaults", () => {
  const parent = "eth0";
  for (const mode of ["bridge", "private", "vepa", "passthru"] as const) {
    assert.deepEqual(plan({ parent, macvlan_mode: mode }).type, { kind: "macvlan", mode });
  }
  assert.deepEqual(plan({ parent }, "ipvlan").type, l2);
  const asked = { parent, ipvlan_mode: "l3s", ipvlan_flag: "vepa" };
  assert.deepEqual(plan(asked, "ipvlan").type, { kind: "ipvlan", mode: "l3s", flag: "vepa" });
});

test("a VLAN that is missing is made", () => {
  const make = { kind: "vlan", on: "eth0", id: 10 } as const;
  assert.deepEqual(plan({ parent: "eth0.10" }), { parent: "eth0.10", make, type: bridge });
});

test("a VLAN that was made for another network is this one's too", () => {
  const first = network("first", plan({ parent: "eth0.10" }));
  const there = { ...facts(first), links: ["lo", "eth0", "eth0.10"] };
  assert.deepEqual(plan({ parent: "eth0.10" }, "macvlan", there).make, first.sublink?.make);
});

test("without a parent one is made that leads nowhere, named after the network", () => {
  assert.deepEqual(plan({}), { parent: "dm-0123456789ab", make: { kind: "isolated" }, type: bridge });
  assert.deepEqual(plan({ parent: "" }, "ipvlan"), { parent: "dm-0123456789ab", make: { kind: "isolated" }, type: l2 });
});

test("who may share a parent: macvlan with macvlan, unless one of them is passthru; never ipvlan with ipvlan", () => {
  const eth0 = { parent: "eth0" };
  const shared = facts(network("a", plan(eth0)), network("b", plan(eth0)));
  assert.equal(plan(eth0, "macvlan", shared).parent, "eth0");
  assert.equal(plan(eth0, "ipvlan", shared).parent, "eth0");
  const inUse = (words: RegExp) => (error: unknown) =>
    isGantryError(error, "PARENT_IN_USE") && words.test(error.message);
  const passthru = { ...eth0, macvlan_mode: "passthru" };
  assert.throws(() => plan(passthru, "macvlan", shared), inUse(/^cannot use mode passthru, macvlan network a{64} is/));
  const alone = facts(network("a", plan(passthru)));
  assert.throws(() => plan(eth0, "macvlan", alone), inUse(/^macvlan network a{64} is .* eth0 in mode passthru$/));
  const routed = facts(network("a", plan(eth0, "ipvlan")));
  assert.throws(
    () => plan(eth0, "ipvlan", routed),
    inUse(/^network dm-aaaaaaaaaaaa is already using parent interface eth0$/),
  );
});

test("what can't be is refused in Docker's words", () => {
  const wrong: [Record<string, string>, SublinkDriver, RegExp][] = [
    [{ parent: "lo" }, "macvlan", /^loopback interface is not a valid macvlan parent link$/],
    [{ parent: "lo" }, "ipvlan", /^loopback interface is not a valid ipvlan parent link$/],
    [{ macvlan_mode: "l2" }, "macvlan", /^requested macvlan mode 'l2' is not valid, 'bridge' mode is/],
    [{ ipvlan_mode: "bridge" }, "ipvlan", /^requested ipvlan mode 'bridge' is not valid, 'l2' mode is/],
    [{ ipvlan_flag: "l2" }, "ipvlan", /^requested ipvlan flag 'l2' is not valid, 'bridge' is/],
    [{ parent: "nope" }, "macvlan", /^invalid subinterface vlan name nope, example formatting is eth0\.10/],
    [{ parent: "eth0.1.2" }, "macvlan", /^required interface name format is: name\.vlan_id/],
    [{ parent: "eth0.ten" }, "macvlan", /^unable to parse a valid vlan id from: ten/],
    [{ parent: "eth0." }, "macvlan", /^unable to parse a valid vlan id from: /],
    [{ parent: "nope.10" }, "macvlan", /^-o parent interface was not found on the host: nope$/],
    [{ parent: "eth0.0" }, "macvlan", /^vlan id must be between 1-4094, received: 0$/],
    [{ parent: "eth0.4095" }, "macvlan", /^vlan id must be between 1-4094, received: 4095$/],
    [{ parent: "eth0.00000000010" }, "macvlan", /15 characters at most/],
  ];
  for (const [options, driver, words] of wrong) {
    assert.throws(
      () => plan(options, driver),
      (error) => isGantryError(error, "BAD_NETWORK") && words.test(error.message),
      JSON.stringify(options),
    );
  }
});
