import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NetworkWish } from "../../../../src/engine/networks/network-plan.ts";
import type { Networks } from "../../../../src/engine/networks/networks.ts";
import { FakeHost, Killed, request } from "./fake-host.ts";

const MOST_EFFECTS = 30;
const web = request("web", { portBindings: { "80/tcp": [{ HostPort: "8080" }] } });
const netns = `/run/gantry/netns/${web.containerId}`;

const wish = (name: string, driver: NetworkWish["driver"], subnets: string[], internal = false): NetworkWish => ({
  ...{ name, driver, internal, attachable: false, ipv4: true, ipv6: subnets.length > 1, options: {}, labels: {} },
  pools: subnets.map((subnet) => ({ subnet })),
});

/** The way out leads by the first of these by name: joining "aaa" moves it and the published ports, joining others doesn't. */
const NETWORKS = [
  wish("aaa", "bridge", ["10.1.0.0/24", "fd01::/64"]),
  wish("zzz", "bridge", ["10.2.0.0/24", "fd02::/64"]),
  wish("aaa", "macvlan", ["10.3.0.0/24"]),
  wish("inner", "bridge", ["10.4.0.0/24"], true),
];

/** All that tells where a container is. */
const seen = (host: FakeHost, networks: Networks): object => ({
  networks: Object.keys(networks.current(web.containerId)?.networks ?? {}),
  links: [...[...host.cables.values()].filter((where) => where.startsWith(netns)), ...host.sublinks.keys()],
  gateway: host.gateways.get(netns),
  published: [...host.published.values()].map(({ address, hostPort }) => `${hostPort} ${address}`),
  held: [...host.held],
});

async function world(network: NetworkWish): Promise<{ host: FakeHost; networks: Networks }> {
  const host = new FakeHost();
  const networks = host.engine();
  networks.restore([]);
  networks.create(network);
  await networks.attach(web);
  return { host, networks };
}

/** Does it with the engine killed before each of its effects in turn; `look` sees what the next engine makes of it. */
async function killedAnywhere(
  network: NetworkWish,
  prepare: (networks: Networks) => void,
  act: (networks: Networks) => void,
  look: (host: FakeHost, next: Networks, place: string) => void,
): Promise<void> {
  for (let effect = 0; effect < MOST_EFFECTS; effect++) {
    const { host, networks } = await world(network);
    prepare(networks);
    host.killAt(effect);
    let killed = true;
    try {
      act(networks);
      killed = false;
    } catch (error) {
      assert.ok(error instanceof Killed, String(error));
    }
    host.killAt(Number.POSITIVE_INFINITY);
    if (!killed) {
      assert.ok(effect > 1, "there are effects");
      return;
    }
    host.held.clear();
    host.complaints.length = 0; // what is killed tells nobody
    const next = host.engine();
    next.restore([web.containerId]);
    look(host, next, `killed before effect ${effect + 1}`);
    assert.deepEqual(host.complaints, []);
  }
  assert.fail(`more than ${MOST_EFFECTS} effects`);
}

for (const network of NETWORKS) {
  const { name, driver } = network;
  const connect = (networks: Networks): void => void networks.connect(name, web.containerId, {});
  const disconnect = (networks: Networks): void => networks.disconnect(name, web.containerId);
  const settled = (networks: Networks): void => networks.settle(web.containerId);

  describe(`an engine that is killed anywhere, ${driver} network ${name}`, () => {
    it("while it plugs a container in leaves it off the network, and able to join it", async () => {
      const { host: calm, networks: before } = await world(network);
      const expected = seen(calm, before);
      await killedAnywhere(
        network,
        () => {},
        connect,
        (host, next, place) => {
          assert.deepEqual(seen(host, next), expected, place);
          const given = next.connect(name, web.containerId, {});
          assert.match(given.IPAddress ?? "", /\.2$/, place);
          next.settle(web.containerId);
          assert.ok(host.answering.has(netns), place);
          assert.deepEqual(host.resolvs.get(web.containerId)?.nameservers, ["127.0.0.11"], place);
        },
      );
    });

    it("while it unplugs a container has it unplugged, and tells", async () => {
      const { host: calm, networks: before } = await world(network);
      const expected = seen(calm, before);
      await killedAnywhere(
        network,
        (networks) => (connect(networks), settled(networks)),
        disconnect,
        (host, next, place) => {
          if (host.withdrawn.length === 0) return disconnect(next); // nothing of it had begun
          assert.deepEqual(seen(host, next), expected, place);
          assert.deepEqual(host.withdrawn, [`${name} ${web.containerId}`], place);
        },
      );
    });

    it("before the container's record says so takes it back; after that it stays", async () => {
      const { host, networks } = await world(network);
      const alone = seen(host, networks);
      connect(networks);
      const next = host.engine();
      next.restore([web.containerId]);
      assert.deepEqual(seen(host, next), alone);
      connect(next);
      settled(next);
      const joined = seen(host, next);
      assert.notDeepEqual(joined, alone);
      const last = host.engine();
      last.restore([web.containerId]);
      assert.deepEqual(seen(host, last), joined);
    });
  });
}
