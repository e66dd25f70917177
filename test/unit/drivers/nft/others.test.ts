import assert from "node:assert/strict";
import { test } from "node:test";
import { forwardDrops, parseChainList } from "../../../../src/drivers/nft/chain-list.ts";
import { parseActiveZones } from "../../../../src/drivers/nft/others/firewalld.ts";
import { planPasses } from "../../../../src/drivers/nft/others/forward-policy.ts";
import { planLegacyPasses } from "../../../../src/drivers/nft/others/legacy-policy.ts";

test("firewalld's zones are read with their links", () => {
  const text =
    "docker (default)\n  interfaces: docker0 br-1\npublic\n  sources: 10.0.0.0/8\ntrusted\n  interfaces: gantry0\n";
  assert.deepEqual(
    [...parseActiveZones(text)],
    [
      ["docker", ["docker0", "br-1"]],
      ["trusted", ["gantry0"]],
    ],
  );
});

test("rules past a policy are added once, and go with the policy or the bridge", () => {
  const none = { policy: "drop", rules: [] };
  assert.deepEqual(planPasses("ip6", none, "gantry_g", ["g"]), [
    'add rule ip6 filter FORWARD iifname "g" counter accept comment "gantry_g g in"',
    'add rule ip6 filter FORWARD oifname "g" counter accept comment "gantry_g g out"',
  ]);
  const rules = ["gantry_g g in", "gantry_g g out", "gantry_gone g in", "theirs"].map((comment, index) => ({
    ...{ comment, handle: index + 1 },
  }));
  assert.deepEqual(planPasses("ip", { policy: "drop", rules }, "gantry_g", ["g"]), []);
  const gone = ["delete rule ip filter FORWARD handle 1", "delete rule ip filter FORWARD handle 2"];
  assert.deepEqual(planPasses("ip", { policy: "accept", rules }, "gantry_g", ["g"]), gone);
  assert.deepEqual(planPasses("ip", { policy: "drop", rules }, "gantry_g", []), gone);
});

test("the same for the old iptables", () => {
  const listing = `-P FORWARD DROP
-A FORWARD -i g -m comment --comment "gantry_g g in" -j ACCEPT
-A FORWARD -o old -m comment --comment "gantry_g old out" -j ACCEPT
-A FORWARD -i g -m comment --comment "somebody else" -j ACCEPT
`;
  assert.deepEqual(
    planLegacyPasses(listing, "gantry_g", ["g"]).map((words) => words.join(" ")),
    [
      "-A FORWARD -o g -m comment --comment gantry_g g out -j ACCEPT",
      "-D FORWARD -o old -m comment --comment gantry_g old out -j ACCEPT",
    ],
  );
});

test("chains that drop what is forwarded are found, but for iptables' own", () => {
  const chain = (table: string, name: string, hook: string, policy: string): object => ({
    chain: { family: "inet", table, name, hook, policy },
  });
  const all = [
    chain("admin", "fw", "forward", "drop"),
    chain("admin", "in", "input", "drop"),
    chain("admin", "open", "forward", "accept"),
    chain("filter", "FORWARD", "forward", "drop"),
  ];
  const found = forwardDrops(parseChainList(JSON.stringify({ nftables: [{ metainfo: {} }, ...all] })));
  assert.deepEqual(
    found.map(({ name }) => name),
    ["fw"],
  );
});
