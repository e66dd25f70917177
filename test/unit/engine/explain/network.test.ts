import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseChains } from "../../../../src/drivers/nft/read-back.ts";
import { explainNetwork, type NetworkFacts, rulesAbout } from "../../../../src/engine/explain/network.ts";
import type { NetworkRecord } from "../../../../src/engine/networks/record.ts";
import type { LinkState } from "../../../../src/ports/links.ts";

const TEXT = `table inet gantry_g0 { # handle 9
	map published_any { # handle 2
		type inet_proto . inet_service : ipv4_addr . inet_service
		elements = { tcp . 8080 : 10.0.0.2 . 80 }
	}

	chain to_containers { # handle 3
		fib daddr type local dnat ip to meta l4proto . th dport map @published_any # handle 11
	}

	chain forward { # handle 4
		type filter hook forward priority filter; policy accept;
		iifname "br-a" oifname "br-a" accept # handle 12
		oifname { "br-a", "br-b" } drop # handle 13
		ip saddr 10.0.1.0/24 oifname != "br-b" masquerade # handle 14
	}
}
`;

const link = (index: number, name: string, more: Partial<LinkState> = {}): LinkState => ({
  ...{ index, name, kind: "", up: true, mtu: 1500, mac: "", label: "", master: 0, peer: 0, addresses: [], ...more },
});

const record = {
  name: "shop",
  bridge: { link: "br-a" },
  subnets: [{ subnet: "10.0.0.0/24" }],
} as unknown as NetworkRecord;

const facts: NetworkFacts = {
  ...{ pid: 9, mode: "shop", namespace: "own", networks: [record], resolvConfFile: "/r" },
  shapes: { shop: "delay 200ms" },
  inside: {
    links: [
      link(1, "lo", { addresses: ["127.0.0.1/8"] }),
      link(2, "eth0", { kind: "veth", peer: 7, addresses: ["10.0.0.2/24"] }),
    ],
    routes: [{ to: "default", via: "10.0.0.1", link: "eth0" }],
  },
  host: {
    links: [
      link(5, "br-a", { kind: "bridge", addresses: ["10.0.0.1/24"] }),
      link(7, "gv1", { kind: "veth", peer: 2, master: 5 }),
    ],
    routes: [],
  },
  firewall: {
    table: "gantry_g0",
    chains: parseChains(TEXT),
    published: [
      { protocol: "tcp", hostAddress: "0.0.0.0", hostPort: 8080, address: "10.0.0.2", port: 80 },
      { protocol: "tcp", hostAddress: "0.0.0.0", hostPort: 8081, address: "10.0.0.3", port: 80 },
    ],
  },
  resolvConf: "nameserver 10.0.0.53\nsearch a b\n",
  hosts: "# made by\n127.0.0.1\tlocalhost\n\n",
};

describe("the way of a packet", () => {
  it("reads chains from nft's text", () => {
    assert.deepEqual(
      parseChains(TEXT).map(({ name, hook, rules }) => [name, hook, rules.map(({ handle }) => handle)]),
      [
        ["to_containers", "", [11]],
        ["forward", "type filter hook forward priority filter; policy accept;", [12, 13, 14]],
      ],
    );
  });

  it("picks the rules about a bridge, its subnet and its ports", () => {
    const handles = (about: Parameters<typeof rulesAbout>[1]): number[] =>
      rulesAbout(parseChains(TEXT), about).map(({ handle }) => handle);
    assert.deepEqual(handles({ bridges: ["br-a"], subnets: ["10.0.0.0/24"], published: false }), [12, 13]);
    assert.deepEqual(handles({ bridges: ["br-a"], subnets: [], published: true }), [11, 12, 13]);
    assert.deepEqual(handles({ bridges: [], subnets: ["10.0.1.0/24"], published: false }), [14]);
  });

  it("follows the cable to the bridge, its network and its ports", () => {
    const found = explainNetwork(facts);
    assert.deepEqual(found.links[1]?.host, { name: "gv1", index: 7, bridge: "br-a", bridgeAddresses: ["10.0.0.1/24"] });
    assert.equal(found.links[1]?.network, "shop");
    assert.deepEqual(
      found.firewall?.ports.map(({ hostPort }) => hostPort),
      [8080],
    );
    assert.deepEqual(found.dns, {
      ...{ nameservers: ["10.0.0.53"], search: ["a", "b"], hosts: ["127.0.0.1\tlocalhost"], file: "/r" },
    });
    const commands = found.byHand.map(({ command }) => command);
    assert.ok(commands.includes("nsenter -t 9 -n ip route"));
    assert.ok(commands.includes("nft get element inet gantry_g0 published_any '{ tcp . 8080 }'"));
  });

  it("follows a macvlan link to its parent and the network that its address is of", () => {
    const on = (name: string, subnet: string): NetworkRecord =>
      ({ name, sublink: { parent: "uplink" }, subnets: [{ subnet }] }) as unknown as NetworkRecord;
    const found = explainNetwork({
      ...facts,
      networks: [on("other", "10.1.0.0/24"), on("lan", "10.0.0.0/24")],
      inside: { links: [link(2, "eth0", { kind: "macvlan", peer: 4, addresses: ["10.0.0.2/24"] })], routes: [] },
      host: { links: [link(4, "uplink")], routes: [] },
    });
    assert.deepEqual([found.links[0]?.parent, found.links[0]?.network], [{ name: "uplink", index: 4 }, "lan"]);
    const commands = found.byHand.map(({ command }) => command);
    assert.ok(commands.includes("nsenter -t 9 -n ip -d link show eth0"));
    assert.ok(commands.includes("ip -d link show uplink"));
  });

  it("takes nothing for a cable whose other end is elsewhere, and enters no namespace for the host's", () => {
    const elsewhere = { ...facts, host: { links: [link(7, "eth9")], routes: [] } };
    assert.equal(explainNetwork(elsewhere).links[1]?.host, undefined);
    assert.equal(explainNetwork(elsewhere).firewall, undefined);
    const host = explainNetwork({ ...facts, namespace: "host", inside: facts.host });
    assert.ok(host.byHand.some(({ command }) => command === "ip route"));
    assert.equal(host.firewall, undefined);
  });
});
