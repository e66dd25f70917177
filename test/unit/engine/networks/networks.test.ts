import assert from "node:assert/strict";
import { test } from "node:test";
import { isGantryError } from "../../../../src/base/errors.ts";
import type { NetworkWish } from "../../../../src/engine/networks/network-plan.ts";
import { FakeHost, request } from "./fake-host.ts";

const wish = (name: string, more: Partial<NetworkWish> = {}): NetworkWish => ({
  name,
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
const web = { portBindings: { "80/tcp": [{ HostPort: "8080" }] }, exposedPorts: ["443/tcp"] };
const idOf = (name: string): string => request(name).containerId;

test("the built-in networks are made once and keep their ids", () => {
  const host = new FakeHost();
  const first = host.engine().list();
  const second = host.engine().list();
  assert.deepEqual(
    first.map((network) => [network.Name, network.Driver]),
    [
      ["bridge", "bridge"],
      ["host", "host"],
      ["none", "null"],
    ],
  );
  assert.deepEqual(second, first);
  assert.deepEqual([...host.bridges], [["gantry0", "172.30.0.1/16"]]);
});

test("an attached container has all that Docker's inspect shows", async () => {
  const host = new FakeHost();
  const networks = host.engine();
  networks.restore([]);
  const got = await networks.attach(request("web", web));
  assert.deepEqual(got.ports, {
    "443/tcp": null,
    "80/tcp": ["0.0.0.0", "::"].map((HostIp) => ({ HostIp, HostPort: "8080" })),
  });
  assert.deepEqual(got.hosts, [{ address: "172.30.0.2", names: ["web.example", "web"] }]);
  assert.deepEqual(got.resolv.nameservers, ["10.0.0.53"]);
  const bridge = networks.inspect("bridge");
  const endpoint = got.networks["bridge"];
  assert.deepEqual(endpoint, {
    IPAMConfig: null,
    Links: null,
    Aliases: null,
    MacAddress: "02:42:ac:1e:00:02",
    DriverOpts: null,
    GwPriority: 0,
    NetworkID: bridge.Id,
    EndpointID: endpoint?.EndpointID,
    Gateway: "172.30.0.1",
    IPAddress: "172.30.0.2",
    IPPrefixLen: 16,
    IPv6Gateway: "",
    GlobalIPv6Address: "",
    GlobalIPv6PrefixLen: 0,
    DNSNames: null,
  });
  assert.deepEqual(bridge.Containers[idOf("web")], {
    Name: "web",
    EndpointID: endpoint?.EndpointID,
    MacAddress: "02:42:ac:1e:00:02",
    IPv4Address: "172.30.0.2/16",
    IPv6Address: "",
  });
  await networks.detach(idOf("web"));
  await networks.detach(idOf("web"));
  assert.deepEqual(host.traces(), []);
  assert.deepEqual(host.events, ["connect bridge", "disconnect bridge"]);
});

for (const effect of ["commit", "createNamespace", "plug", "publish"]) {
  test(`when ${effect} fails, an attach leaves nothing and gives its address back`, async () => {
    const host = new FakeHost();
    const networks = host.engine();
    networks.restore([]);
    host.failing.add(effect);
    await assert.rejects(networks.attach(request("web", web)), new RegExp(`${effect} failed`));
    assert.deepEqual(host.traces(), []);
    host.failing.clear();
    const got = await networks.attach(request("web", web));
    assert.equal(got.networks["bridge"]?.IPAddress, "172.30.0.2");
  });
}

test("attaching again, after a crash, starts over", async () => {
  const host = new FakeHost();
  host.engine().restore([]);
  await host.engine().attach(request("web", web));
  const again = await host.engine().attach(request("web", web));
  assert.equal(again.networks["bridge"]?.IPAddress, "172.30.0.2");
  assert.equal(host.cables.size, 1);
});

test("restore keeps the living and takes the dead away", async () => {
  const host = new FakeHost();
  const before = host.engine();
  before.restore([]);
  await before.attach(request("lives", web));
  await before.attach(request("dies", { portBindings: { "80/tcp": [{ HostPort: "8081" }] } }));
  host.held.clear();
  const after = host.engine();
  after.restore([idOf("lives")]);
  assert.deepEqual([...host.held], ["tcp 8080"]);
  assert.deepEqual([...host.published.keys()], ["0.0.0.0:8080/tcp"]);
  assert.deepEqual([...host.namespaces], [`/run/gantry/netns/${idOf("lives")}`]);
  assert.deepEqual([...host.cables.values()], [`/run/gantry/netns/${idOf("lives")} eth0 172.30.0.2/16`]);
});

test("a network that cannot be made is not there afterwards", () => {
  const host = new FakeHost();
  const networks = host.engine();
  host.failing.add("ensureBridge");
  assert.throws(() => networks.create(wish("back")), /ensureBridge failed/);
  host.failing.clear();
  assert.throws(
    () => networks.inspect("back"),
    (e) => isGantryError(e, "NO_SUCH_NETWORK"),
  );
  networks.create(wish("back"));
  assert.throws(() => networks.create(wish("back")), /network with name back already exists/);
  assert.throws(() => networks.create(wish("host")), /operation is not permitted on predefined host network/);
});

test("networks are found by id, name and unique prefix", () => {
  const networks = new FakeHost().engine();
  const back = networks.create(wish("back"));
  assert.equal(networks.inspect(back.Id).Name, "back");
  assert.throws(() => networks.inspect("000"), /network 000 is ambiguous \(4 matches found based on ID prefix\)/);
  assert.throws(() => networks.inspect(""), /network {2}not found/);
});

test("a network in use and a predefined one are not removed", async () => {
  const host = new FakeHost();
  const networks = host.engine();
  const back = networks.create(wish("back"));
  await networks.attach(request("web", { networkMode: "back" }));
  assert.throws(
    () => networks.remove("back"),
    new RegExp(`^GantryError: error while removing network: network back id ${back.Id} has active endpoints$`),
  );
  assert.throws(() => networks.remove("bridge"), /bridge is a pre-defined network and cannot be removed/);
  assert.deepEqual(
    networks.prune(() => true),
    [],
  );
  await networks.detach(idOf("web"));
  networks.remove("back");
  assert.equal(host.bridges.size, 1);
});

test("a container that was disconnected from its mode's network joins only the others", async () => {
  const networks = new FakeHost().engine();
  networks.restore([]);
  networks.create(wish("back"));
  const got = await networks.attach(request("web", { networkMode: "none", endpoints: { back: {} } }));
  assert.deepEqual(Object.keys(got.networks), ["back"]);
  const alone = await networks.attach(request("db", { endpoints: {} }));
  assert.deepEqual(Object.keys(alone.networks), ["bridge"]);
});

test("what may not be combined is refused", async () => {
  const networks = new FakeHost().engine();
  networks.create(wish("back"));
  const refuse = (more: Parameters<typeof request>[1], words: RegExp): Promise<void> =>
    assert.rejects(networks.attach(request("web", more)), words);
  await refuse(
    { networkMode: "host", endpoints: { host: {}, back: {} } },
    /cannot be disconnected from host network or connected/,
  );
  await refuse(
    { networkMode: "none", endpoints: { none: {}, back: {} } },
    /one of the networks in private \(none\) mode/,
  );
  await refuse(
    { endpoints: { bridge: { IPAMConfig: { IPv4Address: "172.30.0.9" } } } },
    /supported on user defined networks only/,
  );
  await refuse(
    { networkMode: "back", endpoints: { back: { IPAMConfig: { IPv4Address: "172.18.0.9" } } } },
    /only when connecting to networks with user configured subnets/,
  );
  await refuse({ endpoints: { default: { Aliases: ["db"] } } }, /network-scoped aliases are only supported/);
  await refuse({ endpoints: { bridge: { MacAddress: "nonsense" } } }, /invalid MAC address: nonsense/);
});

test("a failing connect leaves the container as it was", async () => {
  const host = new FakeHost();
  const networks = host.engine();
  networks.create(wish("alpha"));
  await networks.attach(request("web", web));
  const before = JSON.stringify([networks.current(idOf("web")), [...host.cables], [...host.published]]);
  for (const effect of ["plug", "publish", "setWaysOut"]) {
    host.failing.add(effect);
    assert.throws(() => networks.connect("alpha", idOf("web"), {}), new RegExp(`${effect} failed`));
    host.failing.clear();
    assert.equal(
      JSON.stringify([networks.current(idOf("web")), [...host.cables], [...host.published]]),
      before,
      effect,
    );
  }
});

test("a failing connect gives the host ports back that it took", async () => {
  const host = new FakeHost();
  const networks = host.engine();
  networks.create(wish("vault", { internal: true }));
  await networks.attach(request("web", { ...web, networkMode: "vault" }));
  for (const effect of ["publish", "setWaysOut"]) {
    host.failing.add(effect);
    assert.throws(() => networks.connect("bridge", idOf("web"), {}), new RegExp(`${effect} failed`));
    host.failing.clear();
    assert.deepEqual([[...host.held], [...host.published]], [[], []], effect);
  }
  networks.connect("bridge", idOf("web"), {});
  assert.deepEqual([...host.published.keys()], ["0.0.0.0:8080/tcp"]);
});

test("a failing disconnect leaves the container as it was", async () => {
  const host = new FakeHost();
  const networks = host.engine();
  networks.create(wish("alpha"));
  await networks.attach(request("web", { ...web, endpoints: { bridge: {}, alpha: {} } }));
  const state = (): string =>
    JSON.stringify([networks.current(idOf("web")), [...host.cables], [...host.published], [...host.held]]);
  const before = state();
  for (const effect of ["publish", "setWaysOut"]) {
    host.failing.add(effect);
    assert.throws(() => networks.disconnect("alpha", idOf("web")), new RegExp(`${effect} failed`));
    host.failing.clear();
    assert.equal(state(), before, effect);
  }
});

test("without --bip the default bridge takes the first free pool and stays there", () => {
  const host = new FakeHost();
  const engine = host.engine("none");
  assert.equal(engine.inspect("bridge").IPAM.Config[0]?.Subnet, "172.18.0.0/16");
  assert.equal(host.engine("none").inspect("bridge").IPAM.Config[0]?.Gateway, "172.18.0.1");
  assert.throws(() => host.engine("nonsense"), /invalid --bip nonsense/);
});

test("on a kernel that lost IPv6 networks go on with IPv4, and have IPv6 again when it is back", async () => {
  const host = new FakeHost();
  host.engine().create(wish("dual", { ipv6: true, pools: [{ subnet: "fd00:9::/64" }] }));
  host.ipv6 = false;
  const networks = host.engine();
  assert.deepEqual(networks.inspect("dual").IPAM.Config, [{ Subnet: "172.18.0.0/16", Gateway: "172.18.0.1" }]);
  const { networks: got } = await networks.attach(request("web", { networkMode: "dual" }));
  assert.deepEqual([got["dual"]?.IPAddress, got["dual"]?.GlobalIPv6Address], ["172.18.0.2", ""]);
  assert.throws(
    () => networks.create(wish("more", { ipv6: true })),
    (error) => isGantryError(error, "NO_IPV6"),
  );
  host.ipv6 = true;
  assert.equal(host.engine().inspect("dual").IPAM.Config[1]?.Subnet, "fd00:9::/64");
});
