import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Ran, TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";
import { type Host, World } from "../support/world.ts";

/** Of the router on the LAN, and one behind it that only a default route leads to. */
const ROUTER = "198.51.100.1";
const FAR = "203.0.113.9";
const LAN = ["--subnet", "198.51.100.0/24", "--gateway", ROUTER, "--ip-range", "198.51.100.64/26"];

const world = new World();
let machine: Host;
let router: Host;
let engine: TestEngine;

before(async () => {
  machine = await world.host();
  router = await world.host();
  await world.plug(machine, "eth0", "lan", "198.51.100.5/24");
  await world.plug(router, "eth0", "lan", `${ROUTER}/24`);
  machine.ok("ip", "route", "add", "default", "via", ROUTER);
  router.ok("ip", "addr", "add", `${FAR}/32`, "dev", "lo");
  await router.serve(7000);
  engine = await TestEngine.start({ netns: machine.netns });
  await engine.ok("network", "create", "-d", "macvlan", "-o", "parent=eth0", ...LAN, "lan");
});
after(async () => {
  await engine.end();
  await world.close();
});

/** A container that says "hi" to who connects to port 80. */
const runServer = (name: string, ...options: string[]): Promise<string> =>
  engine.ok("run", "-d", "--name", name, ...options, "busybox", "nc", "-ll", "-p", "80", "-e", "echo", "hi");
const inspect = async (format: string, name: string): Promise<string> =>
  engine.ok("inspect", "-f", `{{${format}}}`, name);
const addressOf = (name: string, network = "lan"): Promise<string> =>
  inspect(`(index .NetworkSettings.Networks "${network}").IPAddress`, name);
const failed = ({ code, stderr }: Ran, words: RegExp): void => {
  assert.notEqual(code, 0);
  assert.match(stderr, words);
};

test("a container is a machine of its own on the LAN, in both directions", async () => {
  await runServer("web", "--network", "lan");
  const address = await addressOf("web");
  assert.equal(address, "198.51.100.64");
  assert.equal(await router.ask(address, 80), "hi");
  const asked = await engine.ok("exec", "web", "nc", "-w", "2", FAR, "7000");
  assert.equal(asked, address, "it comes by its own address, through the gateway");
  assert.match(await engine.ok("exec", "web", "ip", "route"), /default via 198\.51\.100\.1 dev eth0/);
  const mac = await inspect(".NetworkSettings.Networks.lan.MacAddress", "web");
  assert.match(router.ok("ip", "neigh", "show", address), new RegExp(mac));
  await engine.clear();
});

test("names, aliases and addresses work as on a bridge", async () => {
  await runServer("one", "--network", "lan", "--ip", "198.51.100.200", "--mac-address", "02:00:00:00:00:aa");
  await runServer("two", "--network", "lan", "--network-alias", "second");
  for (const name of ["two", "second", "two.lan"]) {
    assert.equal(await engine.ok("exec", "one", "nc", "-w", "2", name, "80"), "hi", name);
  }
  assert.match(await engine.ok("exec", "one", "cat", "/etc/resolv.conf"), /nameserver 127\.0\.0\.11/);
  assert.match(
    await engine.ok("exec", "one", "ip", "addr", "show", "eth0"),
    /02:00:00:00:00:aa[^]*198\.51\.100\.200\/24/,
  );
  const refused = await engine.docker("run", "--rm", "--network", "lan", "--ip", "198.51.100.200", "busybox", "true");
  failed(refused, /Address already in use/);
  await engine.clear();
});

test("ports are not published, and nothing says they were", async () => {
  await runServer("web", "--network", "lan", "-p", "8080:80", "--expose", "81");
  assert.equal(await inspect("json .NetworkSettings.Ports", "web"), "{}");
  assert.equal(await engine.ok("ps", "--format", "{{.Ports}}"), "");
  assert.equal(await engine.ok("port", "web"), "");
  assert.equal(await router.ask("198.51.100.5", 8080, { timeout: 500 }), undefined);
  await engine.ok("network", "connect", "bridge", "web");
  assert.match(await inspect("json .NetworkSettings.Ports", "web"), /"8080"/);
  assert.equal(await machine.ask("127.0.0.1", 8080), "hi");
  await engine.clear();
});

test("beside a bridge the way out is the first by name, or the one of the highest priority", async () => {
  await engine.ok("network", "create", "aaa");
  await engine.ok("run", "-d", "--name", "both", "--network", "lan", "--network", "aaa", "busybox", "sleep", "600");
  const route = (): Promise<string> => engine.ok("exec", "both", "ip", "route", "show", "default");
  assert.match(await route(), /dev eth1/);
  await engine.ok("network", "disconnect", "lan", "both");
  assert.doesNotMatch(await engine.ok("exec", "both", "ip", "-o", "link"), /eth0/);
  await engine.ok("network", "connect", "--gw-priority", "1", "lan", "both");
  assert.match(await route(), /via 198\.51\.100\.1 dev eth0/);
  assert.equal(await engine.ok("exec", "both", "nc", "-w", "2", FAR, "7000"), await addressOf("both"));
  await engine.ok("network", "disconnect", "lan", "both");
  assert.match(await route(), /dev eth1/);
  await engine.clear();
  await engine.ok("network", "rm", "aaa");
});

test("both families lead to the LAN and through its router", async () => {
  router.ok("ip", "addr", "add", "2001:db8:5::1/64", "dev", "eth0", "nodad");
  router.ok("ip", "addr", "add", "2001:db8:ffff::9/128", "dev", "lo");
  const subnets = ["--subnet", "10.5.0.0/24", "--ipv6", "--subnet", "2001:db8:5::/64", "--gateway", "2001:db8:5::1"];
  await engine.ok("network", "create", "-d", "macvlan", "-o", "parent=eth0", ...subnets, "both");
  await runServer("web", "--network", "both");
  const address = await inspect(".NetworkSettings.Networks.both.GlobalIPv6Address", "web");
  assert.match(await engine.ok("exec", "web", "ip", "-6", "route"), /default via 2001:db8:5::1 dev eth0/);
  assert.equal(await router.ask(address, 80), "hi");
  assert.equal(await engine.ok("exec", "web", "nc", "-w", "2", "2001:db8:ffff::9", "7000"), address);
  await engine.clear();
  await engine.ok("network", "rm", "both");
});

test("passthru is for one container", async () => {
  await world.plug(machine, "eth7", "lan");
  const through = ["-d", "macvlan", "-o", "parent=eth7", "-o", "macvlan_mode=passthru", "--subnet", "10.7.0.0/24"];
  await engine.ok("network", "create", ...through, "through");
  await engine.ok("run", "-d", "--name", "alone", "--network", "through", "busybox", "sleep", "600");
  const second = await engine.docker("run", "--rm", "--network", "through", "busybox", "true");
  failed(second, /failed to create the macvlan port: invalid argument: .*for one container alone, and alone has it/);
  const other = ["network", "create", "-d", "macvlan", "-o", "parent=eth7", "--subnet", "10.6.0.0/24", "other"];
  failed(await engine.docker(...other), /is already using parent interface eth7 in mode passthru/);
  await engine.ok("rm", "-f", "alone");
  await engine.ok("run", "--rm", "--network", "through", "busybox", "true");
  await engine.ok("network", "rm", "through");
});

test("without a parent containers reach one another only, and what was made goes with the network", async () => {
  const links = machine.ok("ip", "-br", "link");
  const id = await engine.ok("network", "create", "-d", "macvlan", "island");
  const parent = `dm-${id.slice(0, 12)}`;
  assert.match(machine.ok("ip", "-br", "link"), new RegExp(parent));
  await runServer("one", "--network", "island");
  assert.equal(await engine.ok("run", "--rm", "--network", "island", "busybox", "nc", "-w", "2", "one", "80"), "hi");
  assert.doesNotMatch(await engine.ok("exec", "one", "ip", "route"), /default/);
  assert.equal(await inspect(".NetworkSettings.Networks.island.Gateway", "one"), "");
  await engine.crash();
  machine.ok("ip", "link", "del", parent);
  await engine.up();
  assert.match(machine.ok("ip", "-br", "link"), new RegExp(parent));
  await engine.clear();
  await engine.ok("network", "rm", "island");
  const names = (text: string): string[] =>
    text
      .split("\n")
      .map((line) => line.split(/[ @]/)[0] ?? "")
      .toSorted();
  assert.deepEqual(names(machine.ok("ip", "-br", "link")), names(links));
});

test("an engine that is killed leaves containers on the LAN, and the next one adopts them", async () => {
  await runServer("web", "--network", "lan");
  await runServer("doomed", "--network", "lan", "--ip", "198.51.100.210");
  await engine.crash();
  assert.equal(await router.ask("198.51.100.64", 80), "hi");
  await engine.up();
  assert.equal(await engine.ok("exec", "doomed", "nc", "-w", "2", "web", "80"), "hi");
  assert.equal(await addressOf("web"), "198.51.100.64");
  await engine.ok("rm", "-f", "doomed");
  await runServer("next", "--network", "lan", "--ip", "198.51.100.210");
  assert.equal(await router.ask("198.51.100.210", 80), "hi");
  await engine.clear();
});

test("containers and their links are gone when the engine comes back to find them ended", async () => {
  await runServer("web", "--network", "lan");
  const pid = Number(await inspect(".State.Pid", "web"));
  await engine.crash();
  process.kill(pid, "SIGKILL");
  await engine.up();
  await until(async () => (await inspect(".State.Running", "web")) === "false", { what: "its end to be known" });
  await engine.ok("start", "web");
  assert.equal(await router.ask(await addressOf("web"), 80), "hi");
  await engine.clear();
});

test("the API tells of it in Docker's shape", async () => {
  const [lan] = JSON.parse(await engine.ok("network", "inspect", "lan"));
  assert.equal(lan.Driver, "macvlan");
  assert.deepEqual(lan.Options, { parent: "eth0" });
  assert.deepEqual(lan.IPAM.Config, [{ Subnet: "198.51.100.0/24", IPRange: "198.51.100.64/26", Gateway: ROUTER }]);
  assert.equal(await engine.ok("network", "ls", "--filter", "driver=macvlan", "--format", "{{.Name}}"), "lan");
  const drivers = JSON.parse(await engine.ok("info", "-f", "{{json .Plugins.Network}}")) as string[];
  assert.ok(drivers.includes("macvlan"));
  await engine.ok("network", "create", "-d", "macvlan", "gone");
  assert.match(await engine.ok("network", "prune", "-f"), /gone/);
  await engine.ok("network", "create", "-d", "macvlan", "-o", "parent=eth0", ...LAN, "lan");
  const now = String(Date.now() / 1000);
  const format = "{{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.type}}";
  const events = await engine.ok(
    "events",
    "--since",
    "1h",
    "--until",
    now,
    "--filter",
    "type=network",
    "--format",
    format,
  );
  const told = events.split("\n").filter((line) => line.includes("gone"));
  assert.deepEqual(told, ["create gone macvlan", "destroy gone macvlan"]);
});

test("what can't be is refused in Docker's words, and leaves nothing", async () => {
  const create = (...options: string[]): Promise<Ran> =>
    engine.docker("network", "create", "-d", "macvlan", ...options, "refused");
  const wrong: [string[], RegExp][] = [
    [["-o", "parent=lo"], /loopback interface is not a valid macvlan parent link/],
    [["-o", "parent=nope"], /invalid subinterface vlan name nope, example formatting is eth0\.10/],
    [["-o", "parent=nope.5"], /-o parent interface was not found on the host: nope/],
    [["-o", "parent=eth0.5000"], /vlan id must be between 1-4094, received: 5000/],
    [["-o", "parent=eth0.x"], /unable to parse a valid vlan id from: x \(ex\. eth0\.10 for vlan 10\)/],
    [["-o", "parent=eth0.5.6"], /required interface name format is: name\.vlan_id/],
    [["-o", "parent=eth0", "-o", "macvlan_mode=x"], /requested macvlan mode 'x' is not valid, 'bridge' mode is/],
    [["-o", "parent=eth0", "--subnet", "10.9.0.0/24", "--gateway", "10.8.0.1"], /no matching subnet for gateway/],
    [["-o", "parent=eth0", "-o", "macvlan_mode=passthru"], /cannot use mode passthru, macvlan network \w+ is already/],
  ];
  for (const [options, words] of wrong) failed(await create(...options), words);
  assert.equal(await engine.ok("network", "ls", "-q", "--filter", "name=refused"), "");
  machine.ok("ip", "link", "add", "br9", "type", "bridge");
  machine.ok("ip", "link", "add", "port9", "master", "br9", "type", "veth", "peer", "name", "port9b");
  await engine.ok("network", "create", "-d", "macvlan", "-o", "parent=port9", "ported");
  const busy = await engine.docker("run", "--rm", "--network", "ported", "busybox", "true");
  failed(busy, /failed to create the macvlan port: device or resource busy: port9 is a port of a bridge/);
  machine.ok("ip", "link", "del", "port9");
  const gone = await engine.docker("run", "--rm", "--network", "ported", "busybox", "true");
  failed(gone, /the requested parent interface port9 was not found on the Docker host/);
  machine.ok("ip", "link", "del", "br9");
  await engine.ok("network", "rm", "ported");
});

test("explain shows the parent, the mode and the link inside", async () => {
  await runServer("web", "--network", "lan");
  const network = await engine.gantry("explain", "lan");
  assert.match(
    network.stdout,
    /parent +eth0, link \d+, up, MTU 1500, MAC .*\n +mode +bridge\n +subnets +198\.51\.100\.0\/24/,
  );
  assert.match(network.stdout, /web +198\.51\.100\.\d+\/24 +02:42:/);
  const container = await engine.gantry("explain", "--net", "web");
  assert.match(container.stdout, /eth0 +up +198\.51\.100\.\d+\/24 +\S+ +macvlan on eth0 \(network lan\)/);
  const shown = machine.ok("sh", "-c", `nsenter -t ${await inspect(".State.Pid", "web")} -n ip -d link show eth0`);
  assert.match(shown, /macvlan mode bridge/);
  await engine.clear();
});

test("ipvlan is refused where the kernel lacks it, and said to be", async (t) => {
  const drivers = await engine.ok("info", "-f", "{{json .Plugins.Network}}");
  if (drivers.includes("ipvlan")) return t.skip("this kernel has ipvlan: test/vm/sublinks tries it");
  const refused = await engine.docker("network", "create", "-d", "ipvlan", "-o", "parent=eth0", "l2");
  failed(refused, /the kernel of this host has no ipvlan links: load them with 'modprobe ipvlan'/);
  assert.equal(await engine.ok("network", "ls", "-q", "--filter", "name=l2"), "");
});
