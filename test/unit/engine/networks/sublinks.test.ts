import assert from "node:assert/strict";
import { test } from "node:test";
import { isGantryError } from "../../../../src/base/errors.ts";
import type { NetworkWish } from "../../../../src/engine/networks/network-plan.ts";
import type { Networks } from "../../../../src/engine/networks/networks.ts";
import { FakeHost, request } from "./fake-host.ts";

const wish = (name: string, subnet: string, options: Record<string, string> = {}): NetworkWish => ({
  name,
  driver: "macvlan",
  internal: false,
  attachable: false,
  ipv4: true,
  ipv6: false,
  pools: [{ subnet }],
  options,
  labels: {},
});
const on = (name: string, networkMode: string, more: Parameters<typeof request>[1] = {}): ReturnType<typeof request> =>
  request(name, { networkMode, ...more });
const netnsOf = (name: string): string => `/run/gantry/netns/${request(name).containerId}`;

function world(): { host: FakeHost; networks: Networks } {
  const host = new FakeHost();
  const networks = host.engine();
  networks.restore([]);
  return { host, networks };
}

test("a container has a link on the parent, the network's gateway and names, and no published ports", async () => {
  const { host, networks } = world();
  networks.create(wish("lan", "10.1.0.0/24"));
  const [parent] = host.parents;
  const web = on("web", "lan", { portBindings: { "80/tcp": [{ HostPort: "8080" }] }, exposedPorts: ["443/tcp"] });
  const got = await networks.attach(web);
  assert.deepEqual(got.ports, {});
  assert.deepEqual([...host.held, ...host.published.keys(), ...host.cables.keys()], []);
  assert.deepEqual([...host.sublinks], [[`${netnsOf("web")} eth0`, `${parent} 10.1.0.2/24`]]);
  assert.deepEqual(got.resolv.nameservers, ["127.0.0.11"]);
  await networks.detach(web.containerId);
  assert.deepEqual(host.traces(), []);
});

for (const effect of ["commit", "createNamespace", "plug"]) {
  test(`when ${effect} fails, an attach leaves nothing`, async () => {
    const { host, networks } = world();
    networks.create(wish("lan", "10.1.0.0/24"));
    host.failing.add(effect);
    await assert.rejects(networks.attach(on("web", "lan")), /failed/);
    host.failing.clear();
    assert.deepEqual(host.traces(), []);
    assert.equal((await networks.attach(on("web", "lan"))).networks["lan"]?.IPAddress, "10.1.0.2");
  });
}

test("a network whose parent can't be made is forgotten", () => {
  const { host, networks } = world();
  host.failing.add("ensureParent");
  assert.throws(() => networks.create(wish("lan", "10.1.0.0/24")), /ensureParent failed/);
  host.failing.clear();
  assert.deepEqual(
    networks.list().filter(({ Driver }) => Driver === "macvlan"),
    [],
  );
  networks.create(wish("lan", "10.1.0.0/24"));
});

test("an engine starts without a parent that is gone, and says so", () => {
  const { host, networks } = world();
  networks.create(wish("lan", "10.1.0.0/24"));
  host.failing.add("ensureParent");
  assert.equal(host.engine().inspect("lan").Driver, "macvlan");
  assert.deepEqual(host.complaints, ["a network can't be used now"]);
});

test("a restart keeps the links of who lives and takes those of the dead", async () => {
  const { host, networks } = world();
  networks.create(wish("lan", "10.1.0.0/24"));
  const [live, dead] = [on("live", "lan"), on("dead", "lan")];
  await networks.attach(live);
  await networks.attach(dead);
  const next = host.engine();
  next.restore([live.containerId]);
  assert.deepEqual([...host.sublinks.keys()], [`${netnsOf("live")} eth0`]);
  assert.equal((await next.attach(dead)).networks["lan"]?.IPAddress, "10.1.0.3");
});

test("live: a link comes and goes, its failure leaves none, and an internal network gives no way out", async () => {
  const { host, networks } = world();
  networks.create(wish("lan", "10.1.0.0/24"));
  networks.create({ ...wish("deep", "10.2.0.0/24"), internal: true });
  const web = on("web", "lan");
  await networks.attach(web);
  assert.equal(networks.connect("deep", web.containerId, {}).Gateway, "");
  assert.equal(host.sublinks.size, 2);
  networks.disconnect("deep", web.containerId);
  assert.equal(host.sublinks.size, 1);
  host.failing.add("plug");
  assert.throws(() => networks.connect("deep", web.containerId, {}), /plug failed/);
  assert.equal(host.sublinks.size, 1);
});

test("a made parent goes with its network, and all of them at the engine's end", () => {
  const { host, networks } = world();
  networks.create(wish("one", "10.1.0.0/24"));
  networks.create(wish("two", "10.2.0.0/24"));
  assert.equal(host.parents.size, 2);
  networks.remove("one");
  assert.equal(host.parents.size, 1);
  networks.close();
  assert.equal(host.parents.size, 0);
});

test("passthru is one container's alone; the second is told who has it", async () => {
  const { networks } = world();
  networks.create(wish("lan", "10.1.0.0/24", { macvlan_mode: "passthru" }));
  const web = on("web", "lan");
  await networks.attach(web);
  await assert.rejects(
    networks.attach(on("other", "lan")),
    (error) => isGantryError(error, "PARENT_IN_USE") && error.message.endsWith("and web has it"),
  );
  await networks.attach(web);
  await networks.detach(web.containerId);
  await networks.attach(on("other", "lan"));
});

test("an ipvlan endpoint has no MAC of its own and takes none", async () => {
  const { networks } = world();
  networks.create({ ...wish("l3", "10.1.0.0/24", { ipvlan_mode: "l3" }), driver: "ipvlan" });
  const got = (await networks.attach(on("web", "l3"))).networks["l3"];
  assert.deepEqual([got?.MacAddress, got?.Gateway, got?.IPAddress], ["", "", "10.1.0.2"]);
  await assert.rejects(
    networks.attach(on("other", "l3", { endpoints: { l3: { MacAddress: "02:00:00:00:00:01" } } })),
    /ipvlan interfaces do not support custom mac address assignment/,
  );
});

test("the engine's drivers are those that the kernel has links for", () => {
  assert.deepEqual(world().networks.drivers(), ["bridge", "host", "macvlan", "null"]);
});
