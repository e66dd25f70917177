import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { type Engine, HOST, linkNames, NEIGHBOUR, request, waitFor, World } from "./networks-world.ts";

let world: World;
let engine: Engine;

before(() => {
  world = new World();
  engine = world.engine();
  engine.networks.restore([]);
});

afterEach(() => world.stopServers());
after(() => world.close());

const bind = (hostPort: string, hostIp = ""): { HostIp: string; HostPort: string }[] => [
  { HostIp: hostIp, HostPort: hostPort },
];

test("a container gets an address, reaches its gateway and, masqueraded, the neighbour", async () => {
  const got = await engine.networks.attach(request("plain"));
  const netns = got.netns ?? "";
  assert.equal(got.networks["bridge"]?.IPAddress, "172.30.0.2");
  assert.equal(got.networks["bridge"]?.Gateway, "172.30.0.1");
  assert.equal(got.networks["bridge"]?.MacAddress, "02:42:ac:1e:00:02");
  assert.deepEqual(got.hosts, [{ address: "172.30.0.2", names: ["plain"] }]);
  await world.serveTcp(undefined, 7001);
  await world.serveTcp(world.neighbour, 7002);
  assert.equal(await world.ask(netns, "172.30.0.1", 7001), "172.30.0.2");
  assert.equal(await world.ask(netns, NEIGHBOUR, 7002), HOST);
  assert.match(world.inside(netns, "ip", "-br", "link"), /^lo .*\neth0@/);
  assert.doesNotMatch(world.inside(netns, "ip", "-6", "addr", "show", "dev", "eth0"), /inet6/);
  await engine.networks.detach(request("plain").containerId);
});

test("published TCP and UDP ports answer from everywhere, and keep a remote client's address", async () => {
  const got = await engine.networks.attach(
    request("web", { portBindings: { "80/tcp": bind("8080"), "53/udp": bind("8053") } }),
  );
  assert.deepEqual(got.ports, {
    "80/tcp": ["0.0.0.0", "::"].map((HostIp) => ({ HostIp, HostPort: "8080" })),
    "53/udp": ["0.0.0.0", "::"].map((HostIp) => ({ HostIp, HostPort: "8053" })),
  });
  const other = await engine.networks.attach(request("other"));
  await world.serveTcp(got.netns, 80);
  await world.serveUdp(got.netns, 53);
  for (const [protocol, port] of [
    ["tcp", 8080],
    ["udp", 8053],
  ] as const) {
    assert.equal(await world.ask(world.neighbour, HOST, port, protocol), NEIGHBOUR, `${protocol} from the neighbour`);
    assert.equal(
      await world.ask(undefined, "127.0.0.1", port, protocol),
      "172.30.0.1",
      `${protocol} from the host's loopback`,
    );
    assert.equal(await world.ask(undefined, HOST, port, protocol), HOST, `${protocol} from the host's own address`);
    assert.equal(await world.ask(got.netns, HOST, port, protocol), "172.30.0.1", `${protocol} hairpin to itself`);
    assert.equal(await world.ask(other.netns, HOST, port, protocol), "172.30.0.1", `${protocol} from a sister`);
    assert.equal(
      await world.ask(other.netns, "172.30.0.1", port, protocol),
      "172.30.0.1",
      `${protocol} through the gateway`,
    );
  }
  // not published: closed to the neighbour even if it routes the containers' subnet here
  world.inside(world.neighbour, "ip", "route", "add", "172.30.0.0/16", "via", HOST);
  assert.equal(await world.ask(world.neighbour, "172.30.0.2", 80), undefined);
  await engine.networks.detach(request("web").containerId);
  await engine.networks.detach(request("other").containerId);
  assert.equal(await world.ask(world.neighbour, HOST, 8080), undefined);
});

test("a port published on 127.0.0.1 is closed to the neighbour", async () => {
  const got = await engine.networks.attach(request("local", { portBindings: { "80/tcp": bind("8081", "127.0.0.1") } }));
  await world.serveTcp(got.netns, 80);
  assert.equal(await world.ask(undefined, "127.0.0.1", 8081), "172.30.0.1");
  assert.equal(await world.ask(world.neighbour, HOST, 8081), undefined);
  // forged: 127.0.0.1 sent over the wire, from the neighbour and from a container
  const other = await engine.networks.attach(request("other"));
  for (const [netns, via] of [
    [world.neighbour, HOST],
    [other.netns ?? "", "172.30.0.1"],
  ] as const) {
    world.inside(netns, "sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1");
    world.inside(netns, "ip", "addr", "del", "127.0.0.1/8", "dev", "lo");
    world.inside(netns, "ip", "route", "add", "127.0.0.1", "via", via);
    assert.equal(await world.ask(netns, "127.0.0.1", 8081), undefined);
    world.inside(netns, "ip", "addr", "add", "127.0.0.1/8", "dev", "lo");
    world.inside(netns, "ip", "route", "del", "127.0.0.1", "via", via);
  }
  await engine.networks.detach(request("local").containerId);
  await engine.networks.detach(request("other").containerId);
});

test("a restarted engine keeps ports going and sweeps what is left of the dead", async () => {
  const state = world.state;
  const got = await engine.networks.attach(request("survivor", { portBindings: { "80/tcp": bind("8082") } }));
  await engine.networks.attach(request("dead", { portBindings: { "80/tcp": bind("8083") } }));
  await world.serveTcp(got.netns, 80);
  const next = world.engine({ state });
  assert.equal(await world.ask(world.neighbour, HOST, 8082), NEIGHBOUR, "before restore");
  // the killed engine's sockets are closed by the kernel
  for (const address of ["0.0.0.0", "::"]) {
    for (const port of [8082, 8083]) engine.reservations.release({ protocol: "tcp", address, port });
  }
  next.networks.restore([request("survivor").containerId]);
  assert.equal(await world.ask(world.neighbour, HOST, 8082), NEIGHBOUR, "after restore");
  assert.deepEqual(
    next.firewall.published()?.map((port) => port.hostPort),
    [8082],
  );
  assert.deepEqual(next.links.namespacesIn(`${world.root}/netns`), [request("survivor").containerId]);
  assert.equal(next.reservations.reserve({ protocol: "tcp", address: "0.0.0.0", port: 8082 }), true);
  await next.networks.detach(request("survivor").containerId);
  world.stopServers();
  waitFor(() => linkNames().every((name) => !name.startsWith("gv")));
  assert.deepEqual(next.firewall.published(), []);
  assert.deepEqual(world.warnings, []);
  engine = next;
});
