import assert from "node:assert/strict";
import dgram from "node:dgram";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { after, afterEach, before, test } from "node:test";
import { GantryError } from "../../src/base/errors.ts";
import type { NetworkWish } from "../../src/engine/networks/network-plan.ts";
import { type Engine, HOST, linkNames, memoryState, NEIGHBOUR, request, waitFor, World } from "./networks-world.ts";

let world: World;
let engine: Engine;

before(() => {
  world = new World();
  engine = world.engine();
  engine.networks.restore([]);
});
afterEach(() => world.stopServers());
after(() => world.close());

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
const idOf = (name: string): string => request(name).containerId;

test("networks are kept apart, an internal one has no way out, a published port crosses", async () => {
  engine.networks.create(wish("front"));
  engine.networks.create(wish("vault", { internal: true }));
  const web = await engine.networks.attach(
    request("web", { networkMode: "front", portBindings: { "80/tcp": [{ HostPort: "8090" }] } }),
  );
  const plain = await engine.networks.attach(request("plain"));
  const safe = await engine.networks.attach(request("safe", { networkMode: "vault" }));
  const safe2 = await engine.networks.attach(request("safe2", { networkMode: "vault" }));
  const webIp = web.networks["front"]?.IPAddress ?? "";
  await world.serveTcp(web.netns, 80);
  await world.serveTcp(safe.netns, 80);
  await world.serveTcp(world.neighbour, 7002);
  assert.equal(await world.ask(plain.netns, webIp, 80), undefined, "direct, between bridges");
  assert.ok(await world.ask(plain.netns, HOST, 8090), "through the published port");
  assert.equal(await world.ask(safe.netns, NEIGHBOUR, 7002), undefined, "internal to outside");
  assert.equal(await world.ask(safe.netns, HOST, 8090), undefined, "internal to a published port");
  assert.equal(await world.ask(plain.netns, safe.networks["vault"]?.IPAddress ?? "", 80), undefined, "into internal");
  assert.ok(await world.ask(safe2.netns, safe.networks["vault"]?.IPAddress ?? "", 80), "within internal");
  assert.equal(safe.networks["vault"]?.Gateway, "");
  for (const name of ["web", "plain", "safe", "safe2"]) await engine.networks.detach(idOf(name));
  engine.networks.remove("front");
  engine.networks.remove("vault");
});

test("two engines with bridges of their own don't meet, and removing one leaves the other", async () => {
  const root = path.join(world.root, "second");
  const second = world.engine({ bridge: "gantry1", bip: "172.29.0.1/16", state: memoryState(), execRoot: root });
  second.networks.restore([]);
  const ours = await engine.networks.attach(request("ours", { portBindings: { "80/tcp": [{ HostPort: "8100" }] } }));
  const theirs = await second.networks.attach(request("theirs"));
  await world.serveTcp(ours.netns, 80);
  assert.equal(await world.ask(theirs.netns, "172.30.0.2", 80), undefined);
  await assert.rejects(
    second.networks.attach(request("rival", { portBindings: { "80/tcp": [{ HostPort: "8100" }] } })),
    /failed to bind port 0\.0\.0\.0:8100\/tcp: listen tcp4 0\.0\.0\.0:8100: bind: address already in use/,
  );
  await second.networks.detach(idOf("theirs"));
  assert.deepEqual(second.links.namespacesIn(path.join(root, "netns")), []);
  second.firewall.remove();
  second.links.removeLink("gantry1");
  assert.equal(await world.ask(world.neighbour, HOST, 8100), NEIGHBOUR);
  await engine.networks.detach(idOf("ours"));
});

test("a running container joins and leaves networks, its ports and its way out with it", async () => {
  engine.networks.create(wish("alpha", { pools: [{ subnet: "10.66.0.0/24" }] }));
  const got = await engine.networks.attach(request("nomad", { portBindings: { "80/tcp": [{ HostPort: "8110" }] } }));
  const netns = got.netns ?? "";
  await world.serveTcp(netns, 80);
  const joined = engine.networks.connect("alpha", idOf("nomad"), {
    Aliases: ["drifter"],
    IPAMConfig: { IPv4Address: "10.66.0.77" },
  });
  assert.equal(joined.IPAddress, "10.66.0.77");
  assert.deepEqual(joined.DNSNames, ["nomad", "drifter", idOf("nomad").slice(0, 12)]);
  assert.match(world.inside(netns, "ip", "route"), /default via 10\.66\.0\.1 dev eth1/);
  assert.equal(await world.ask(world.neighbour, HOST, 8110), NEIGHBOUR, "published over the new network");
  assert.throws(() => engine.networks.connect("alpha", idOf("nomad"), {}), /already exists in network alpha/);
  assert.throws(
    () => engine.networks.remove("alpha"),
    /error while removing network: network alpha id .* has active endpoints/,
  );
  engine.networks.disconnect("alpha", idOf("nomad"));
  assert.match(world.inside(netns, "ip", "route"), /default via 172\.30\.0\.1 dev eth0/);
  assert.equal(await world.ask(world.neighbour, HOST, 8110), NEIGHBOUR, "published over the old one again");
  engine.networks.disconnect("bridge", idOf("nomad"));
  assert.deepEqual(engine.networks.current(idOf("nomad")), { networks: {}, ports: {} });
  assert.deepEqual(engine.firewall.published(), []);
  engine.networks.connect("alpha", idOf("nomad"), {});
  assert.deepEqual(engine.networks.current(idOf("nomad"))?.ports, {
    "80/tcp": [
      { HostIp: "0.0.0.0", HostPort: "8110" },
      { HostIp: "::", HostPort: "8110" },
    ],
  });
  assert.equal(await world.ask(world.neighbour, HOST, 8110), NEIGHBOUR, "published after it had no network at all");
  assert.throws(() => engine.networks.disconnect("bridge", idOf("nomad")), /is not connected to network bridge/);
  await engine.networks.detach(idOf("nomad"));
  engine.networks.remove("alpha");
});

test("a container starts on several networks: its mode's is eth0, the first by name leads out", async () => {
  for (const name of ["aaa", "zzz"]) engine.networks.create(wish(name));
  const got = await engine.networks.attach(request("multi", { networkMode: "zzz", endpoints: { zzz: {}, aaa: {} } }));
  const netns = got.netns ?? "";
  const shown = world.inside(netns, "ip", "-br", "addr");
  assert.match(shown, new RegExp(`eth0@.*${got.networks["zzz"]?.IPAddress}`));
  assert.match(shown, new RegExp(`eth1@.*${got.networks["aaa"]?.IPAddress}`));
  assert.match(world.inside(netns, "ip", "route"), new RegExp(`default via ${got.networks["aaa"]?.Gateway} dev eth1`));
  await engine.networks.detach(idOf("multi"));
  assert.deepEqual(engine.networks.prune(() => true).toSorted(), ["aaa", "zzz"]);
});

test("a port of a host process is refused with its name and a free port, and nothing is left behind", async () => {
  const server = net.createServer().unref();
  await new Promise<void>((resolve) => server.listen({ port: 8120 }, resolve));
  const before = linkNames();
  const error: unknown = await engine.networks
    .attach(request("late", { portBindings: { "80/tcp": [{ HostPort: "8120" }] } }))
    .catch((e: unknown) => e);
  assert.ok(error instanceof GantryError);
  assert.equal(error.code, "PORT_TAKEN");
  const command = fs.readFileSync("/proc/self/comm", "utf8").trim();
  assert.ok(error.message.endsWith(`(held by ${command} (pid ${process.pid}); port 8121 is free)`), error.message);
  assert.equal(error.hint, "try -p 8121:80");
  server.close();
  assert.deepEqual(
    linkNames().filter((name) => !before.includes(name)),
    [],
  );
  assert.deepEqual(engine.links.namespacesIn(path.join(world.root, "netns")), []);
  // while published, others are kept out
  await engine.networks.attach(request("late", { portBindings: { "80/tcp": [{ HostPort: "8120" }] } }));
  const rival = net.createServer().unref();
  const refused = await new Promise<string>((resolve) =>
    rival
      .once("error", (e: NodeJS.ErrnoException) => resolve(e.code ?? ""))
      .listen({ port: 8120 }, () => resolve("listens")),
  );
  assert.equal(refused, "EADDRINUSE");
  await engine.networks.detach(idOf("late"));
});

test("a UDP sender that never pauses is led to a port as soon as it is published, and to its next container", async () => {
  const sender = dgram.createSocket("udp4").unref();
  await new Promise<void>((resolve) => sender.bind({ port: 4999, address: HOST }, resolve));
  const answers: string[] = [];
  sender.on("message", (text) => answers.push(text.toString()));
  const sendTo = async (address: string, times = 300): Promise<string | undefined> => {
    // Answers to what was sent before are still on their way.
    do {
      answers.length = 0;
      await new Promise((resolve) => setTimeout(resolve, 50));
    } while (answers.length > 0);
    for (let i = 0; i < times && answers.length === 0; i++) {
      sender.send("hi", 8140, address);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return answers[0]?.trim();
  };
  assert.equal(await sendTo(HOST, 20), undefined);
  const ports = { portBindings: { "53/udp": [{ HostPort: "8140" }] } };
  const first = await engine.networks.attach(request("first", ports));
  await world.serveUdp(first.netns, 53);
  assert.equal(await sendTo(HOST), HOST);
  const keeper = await engine.networks.attach(request("keeper"));
  await engine.networks.detach(idOf("first"));
  const taker = await engine.networks.attach(request("taker"));
  assert.equal(taker.networks["bridge"]?.IPAddress, first.networks["bridge"]?.IPAddress);
  assert.equal(await sendTo(HOST, 20), undefined, "nobody has it now");
  const second = await engine.networks.attach(request("second", ports));
  await world.serveUdp(second.netns, 53);
  assert.equal(await sendTo(HOST), HOST);
  assert.notEqual(keeper.networks["bridge"]?.IPAddress, second.networks["bridge"]?.IPAddress);
  sender.close();
  for (const name of ["keeper", "taker", "second"]) await engine.networks.detach(idOf(name));
});

test("host, none and container:ID", async () => {
  const host = await engine.networks.attach(request("h", { networkMode: "host" }));
  assert.equal(host.netns, undefined);
  assert.equal(host.networks["host"]?.IPAddress, "");
  const none = await engine.networks.attach(request("n", { networkMode: "none" }));
  assert.match(world.inside(none.netns ?? "", "ip", "-br", "addr"), /^lo +UNKNOWN +127\.0\.0\.1\/8 ::1\/128 *\n$/);
  const shared = await engine.networks.attach(request("s", { networkMode: `container:${idOf("n")}` }));
  assert.equal(shared.netns, none.netns);
  assert.equal(engine.networks.inspect("none").Containers[idOf("n")]?.Name, "n");
  for (const name of ["h", "n", "s"]) await engine.networks.detach(idOf(name));
  await assert.rejects(engine.networks.attach(request("x", { networkMode: "nowhere" })), /network nowhere not found/);
});

test("a bridge that somebody deleted is made anew by the next attach", async () => {
  engine.links.removeLink("gantry0");
  const got = await engine.networks.attach(request("again"));
  await world.serveTcp(undefined, 7005);
  assert.equal(await world.ask(got.netns, "172.30.0.1", 7005), "172.30.0.2");
  await engine.networks.detach(idOf("again"));
});

test("a kill between intent and effect leaves nothing after the next start", async () => {
  // the record of a container that was never built, and a namespace and a cable without a record
  const got = await engine.networks.attach(request("half", { portBindings: { "80/tcp": [{ HostPort: "8130" }] } }));
  world.state.commit(world.state.list("endpoints").map(([key]) => ({ bucket: "endpoints", key, value: undefined })));
  world.hold(got.netns ?? "");
  const next = world.engine();
  engine.reservations.release({ protocol: "tcp", address: "0.0.0.0", port: 8130 });
  next.networks.restore([]);
  assert.deepEqual(next.links.namespacesIn(path.join(world.root, "netns")), []);
  assert.deepEqual(
    linkNames().filter((name) => name.startsWith("gv")),
    [],
  );
  assert.deepEqual(next.firewall.published(), []);
  engine = next;
  assert.deepEqual(world.warnings, []);
});

test("fifty at once get fifty addresses and leave nothing", async () => {
  const names = Array.from({ length: 50 }, (_, i) => `many${i}`);
  const got = await Promise.all(
    names.map((name) => engine.networks.attach(request(name, { portBindings: { "80/tcp": [{}] } }))),
  );
  assert.equal(new Set(got.map((one) => one.networks["bridge"]?.IPAddress)).size, 50);
  assert.equal(new Set(got.map((one) => one.ports["80/tcp"]?.[0]?.HostPort)).size, 50);
  await Promise.all(names.map((name) => engine.networks.detach(idOf(name))));
  assert.deepEqual(engine.firewall.published(), []);
  waitFor(() => linkNames().every((name) => !name.startsWith("gv")));
});
