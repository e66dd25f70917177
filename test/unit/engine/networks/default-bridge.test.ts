import assert from "node:assert/strict";
import { test } from "node:test";
import { isGantryError } from "../../../../src/base/errors.ts";
import { type DefaultBridgeOptions, planDefaultSubnets } from "../../../../src/engine/networks/default-bridge.ts";
import type { Subnet } from "../../../../src/engine/networks/record.ts";

const plan = (options: DefaultBridgeOptions, before: Subnet[] = []): Subnet[] =>
  planDefaultSubnets(options, before, (family) => (family === 4 ? "172.17.0.0/16" : "fd12::/64"));
const shown = (subnets: Subnet[]): string[] =>
  subnets.map(({ subnet, gateway, ipRange = "", given }) => `${subnet} ${gateway} ${ipRange} ${given}`);

test("subnets of the default bridge come from the pools, and stay once they are picked", () => {
  assert.deepEqual(shown(plan({})), ["172.17.0.0/16 172.17.0.1  false"]);
  const both = plan({ ipv6: true });
  assert.deepEqual(shown(both), ["172.17.0.0/16 172.17.0.1  false", "fd12::/64 fd12::1  false"]);
  const [four] = plan({ bip: "10.0.0.1/24" });
  assert.deepEqual(shown(plan({ ipv6: true }, [...both.slice(1), ...(four ? [four] : [])])), shown(both));
  const kept = planDefaultSubnets({ ipv6: true }, both, () => "10.9.0.0/16");
  assert.deepEqual(kept, both);
});

test("an address of its own gives the subnet too; a fixed range is where containers' addresses are picked", () => {
  const options = { bip: "10.5.0.9/24", fixedCidr: "10.5.0.128/25", ipv6: true, bip6: "fd00:5::9/64" };
  assert.deepEqual(shown(plan(options)), ["10.5.0.0/24 10.5.0.9 10.5.0.128/25 true", "fd00:5::/64 fd00:5::9  true"]);
  const fixed = plan({ ipv6: true, fixedCidr6: "2001:db8:1::/64" });
  assert.deepEqual(shown(fixed)[1], "2001:db8:1::/64 2001:db8:1::1  true");
});

test("an address of the other family is refused", () => {
  for (const options of [{ bip: "fd00::1/64" }, { bip6: "10.0.0.1/24", ipv6: true }, { bip: "10.0.0.1" }]) {
    assert.throws(
      () => plan(options),
      (error) => isGantryError(error, "BAD_BIP"),
    );
  }
});
