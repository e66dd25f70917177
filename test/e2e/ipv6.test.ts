import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { NetworkInspect } from "../../src/wire/types/networks.ts";
import { TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";
import { type Host, World } from "../support/world.ts";

const HOST = "2001:db8::1";
const NEIGHBOUR = "2001:db8::2";

/** A small world: an engine's host with both families, and a neighbour on its wire. */
describe("networks with IPv6", () => {
  const world = new World();
  let host: Host;
  let neighbour: Host;
  let engine: TestEngine;

  before(async () => {
    [host, neighbour] = await world.neighbours({ ipv6: true });
    await neighbour.serve(80);
    engine = await TestEngine.start({ netns: host.netns });
  });

  after(async () => {
    await engine.end();
    await world.close();
  });

  const inspect = (format: string, name: string): Promise<string> => engine.ok("inspect", "-f", format, name);
  const inside = (name: string, ...command: string[]): Promise<string> => engine.ok("exec", name, ...command);
  const networkOf = async (name: string): Promise<NetworkInspect> =>
    JSON.parse((await engine.get(`/networks/${name}`)).text) as NetworkInspect;
  const run = (name: string, ...more: string[]): Promise<string> =>
    engine.ok("run", "-d", "--init", "--name", name, ...more, "busybox", "sleep", "1000");

  test("a container has an address of each family and reaches its sisters by both", async () => {
    await engine.ok("network", "create", "--ipv6", "dual");
    await run("one", "--network", "dual");
    await run("two", "--network", "dual");
    const { EnableIPv6, EnableIPv4, IPAM, Containers } = await networkOf("dual");
    assert.deepEqual([EnableIPv4, EnableIPv6, IPAM.Config?.length], [true, true, 2]);
    const [, v6] = IPAM.Config ?? [];
    assert.match(v6?.Subnet ?? "", /^fd[0-9a-f:]+::\/64$/);
    const prefix = v6?.Subnet?.replace("/64", "") ?? "";
    assert.equal(v6?.Gateway, `${prefix}1`);
    assert.deepEqual(
      Object.values(Containers ?? {}).map(({ IPv6Address }) => IPv6Address),
      [`${prefix}2/64`, `${prefix}3/64`],
    );
    const settings =
      "{{with .NetworkSettings.Networks.dual}}{{.GlobalIPv6Address}}/{{.GlobalIPv6PrefixLen}} {{.IPv6Gateway}}{{end}}";
    assert.equal(await inspect(settings, "one"), `${prefix}2/64 ${prefix}1`);
    await inside("one", "ping6", "-c1", "-W2", `${prefix}3`);
    await inside("one", "ping6", "-c1", "-W2", "two");
    await inside("one", "ping", "-4", "-c1", "-W2", "two");
    assert.match(await inside("one", "cat", "/etc/hosts"), new RegExp(`^${prefix}2\\t[0-9a-f]{12}$`, "m"));
    assert.match(await inside("one", "ip", "-6", "route"), new RegExp(`default via ${prefix}1 dev eth0`));
  });

  test("an address is there from the first moment on", async () => {
    const first = "ping6 -c1 -W1 one && ip -6 addr show dev eth0";
    const shown = await engine.ok("run", "--rm", "--network", "dual", "busybox", "sh", "-c", first);
    assert.doesNotMatch(shown, /tentative/);
  });

  test("what leaves the host has the host's address; a routed network keeps its own", async () => {
    assert.equal(await inside("one", "nc", "-w", "3", NEIGHBOUR, "80"), HOST);
    const options = ["-o", "com.docker.network.bridge.gateway_mode_ipv6=routed", "--subnet", "2001:db8:1::/64"];
    await engine.ok("network", "create", "--ipv6", ...options, "routed");
    await run("open", "--network", "routed", "--ip6", "2001:db8:1::99");
    neighbour.ok("ip", "route", "add", "2001:db8:1::/64", "via", HOST);
    assert.equal(await inside("open", "nc", "-w", "3", NEIGHBOUR, "80"), "2001:db8:1::99");
    assert.equal(await inside("open", "nc", "-w", "3", "192.0.2.2", "80"), "192.0.2.1");
  });

  test("addresses are as they were asked for", async () => {
    const pools = [
      "--subnet",
      "10.99.0.0/24",
      "--subnet",
      "fd00:99::/64",
      "--gateway",
      "fd00:99::fe",
      "--ip-range",
      "fd00:99::1:0/112",
    ];
    await engine.ok("network", "create", "--ipv6", ...pools, "--aux-address", "router=fd00:99::1:0", "named");
    const { IPAM } = await networkOf("named");
    assert.deepEqual(IPAM.Config, [
      { Subnet: "10.99.0.0/24", Gateway: "10.99.0.1" },
      {
        Subnet: "fd00:99::/64",
        IPRange: "fd00:99::1:0/112",
        Gateway: "fd00:99::fe",
        AuxiliaryAddresses: { router: "fd00:99::1:0" },
      },
    ]);
    await run("picked", "--network", "named");
    const address = "{{.NetworkSettings.Networks.named.GlobalIPv6Address}}";
    assert.equal(await inspect(address, "picked"), "fd00:99::1:1");
    await run(
      "asked",
      "--network",
      "named",
      "--ip",
      "10.99.0.7",
      "--ip6",
      "fd00:99:0::7",
      "--link-local-ip",
      "fe80::77",
    );
    assert.equal(await inspect(address, "asked"), "fd00:99::7");
    assert.equal(await inspect("{{.NetworkSettings.Networks.named.IPAMConfig.IPv6Address}}", "asked"), "fd00:99:0::7");
    assert.match(await inside("asked", "ip", "-6", "addr"), /fe80::77\/64/);
    const taken = await engine.docker("run", "--rm", "--network", "named", "--ip6", "fd00:99::7", "busybox", "true");
    assert.match(taken.stderr, /Address already in use/);
    const overlap = await engine.docker("network", "create", "--ipv6", "--subnet", "fd00:99::/80", "again");
    assert.match(overlap.stderr, /Pool overlaps with other one on this address space/);
  });

  test("a network may have IPv6 alone, and names are answered there too", async () => {
    await engine.ok("network", "create", "--ipv4=false", "--ipv6", "six");
    await run("alone", "--network", "six");
    await run("other", "--network", "six", "--network-alias", "nick");
    assert.equal(await inspect("{{.NetworkSettings.Networks.six.IPAddress}}", "alone"), "");
    assert.doesNotMatch(await inside("alone", "ip", "-4", "addr", "show", "dev", "eth0"), /inet /);
    await inside("alone", "ping6", "-c1", "-W2", "nick");
    const address = await inspect("{{.NetworkSettings.Networks.six.GlobalIPv6Address}}", "other");
    assert.match(await inside("alone", "nslookup", "-type=aaaa", "nick"), new RegExp(`Address: ${address}$`, "m"));
    assert.match(await inside("alone", "nslookup", address), /name = other\.six/);
    const none = await inside("alone", "nslookup", "-type=a", "nick");
    assert.doesNotMatch(none, /NXDOMAIN|can't find/);
    assert.equal(await inside("alone", "nc", "-w", "3", NEIGHBOUR, "80"), HOST);
    const neither = await engine.docker("network", "create", "--ipv4=false", "nothing");
    assert.match(neither.stderr, /IPv4 or IPv6 must be enabled/);
  });

  test("without IPv6 a link has none of it", async () => {
    await run("four");
    assert.equal(await inside("four", "cat", "/proc/sys/net/ipv6/conf/eth0/disable_ipv6"), "1");
    assert.equal(await inside("four", "ip", "-6", "addr", "show", "dev", "eth0"), "");
    assert.match(await inside("four", "ip", "-6", "addr", "show", "dev", "lo"), /::1\/128/);
  });

  test("a running container joins and leaves, and its ways out follow family by family", async () => {
    await engine.ok("network", "create", "--ipv6", "--subnet", "fd00:77::/64", "joined");
    await engine.ok("network", "connect", "--ip6", "fd00:77::9", "joined", "four");
    assert.equal(await inspect("{{.NetworkSettings.Networks.joined.GlobalIPv6Address}}", "four"), "fd00:77::9");
    assert.match(await inside("four", "ip", "-6", "route"), /default via fd00:77::1 dev eth1/);
    assert.match(await inside("four", "ip", "route"), new RegExp(`default via ${engine.subnet}\\.1 dev eth0`));
    assert.equal(await inside("four", "nc", "-w", "3", NEIGHBOUR, "80"), HOST);
    await engine.ok("network", "disconnect", "joined", "four");
    assert.doesNotMatch(await inside("four", "ip", "-6", "route"), /default/);
  });

  test("a port is published in both families, and held against other programs in both", async () => {
    const serve = ["sh", "-c", "nc -ll -p 80 -e echo hello & wait"];
    const more = ["-p", "8080:80", "-p", "[::1]:8081:80", "-p", `[${HOST}]::80`];
    await engine.ok("run", "-d", "--init", "--name", "web", "--network", "dual", ...more, "busybox", ...serve);
    const ports = await engine.ok("port", "web", "80");
    assert.match(ports, /^0\.0\.0\.0:8080$/m);
    assert.match(ports, /^\[::\]:8080$/m);
    assert.match(ports, /^\[::1\]:8081$/m);
    const picked = new RegExp(`^\\[${HOST}\\]:(\\d+)$`, "m").exec(ports)?.[1];
    assert.match(await engine.ok("ps", "--filter", "name=web", "--format", "{{.Ports}}"), /\[::\]:8080->80\/tcp/);
    assert.equal(await neighbour.ask(HOST, 8080), "hello");
    assert.equal(await neighbour.ask("192.0.2.1", 8080), "hello");
    assert.equal(await neighbour.ask(HOST, Number(picked)), "hello");
    assert.equal(await neighbour.ask(HOST, 8081, { timeout: 300 }), undefined);
    for (const address of [HOST, "::1", "127.0.0.1", "localhost"]) assert.equal(await host.ask(address, 8080), "hello");
    assert.equal(await host.ask("::1", 8081), "hello");
    assert.notEqual((await host.run("busybox", "nc", "-l", "-p", "8080", "-s", HOST, "-w", "1")).code, 0);
    const second = await engine.docker("run", "--rm", "--network", "dual", "-p", "[::]:8080:80", "busybox", "true");
    assert.match(second.stderr, /Bind for \[::\]:8080 failed: port is already allocated \(held by container web/);
    await engine.crash();
    assert.equal(await host.ask("localhost", 8080), "hello", "over 127.0.0.1, as [::1] refuses at once");
    await engine.up();
    assert.equal(await neighbour.ask(HOST, 8080), "hello");
    assert.equal(await host.ask("::1", 8080), "hello");
  });

  test("a container without IPv6 is reached at the host's IPv6 addresses", async () => {
    await run("four-only", "-p", "8070:80", "-p", "8071:81", "-p", "8053:53/udp", "-p", "127.0.0.1:8072:80");
    const container = world.within(Number(await inspect("{{.State.Pid}}", "four-only")));
    const servers = [await container.serve(80), await container.serve(53, "udp")];
    const gateway = await inspect("{{.NetworkSettings.Gateway}}", "four-only");
    assert.equal(await engine.ok("port", "four-only", "80"), "0.0.0.0:8070\n127.0.0.1:8072\n[::]:8070");
    for (const address of [HOST, "::1", "localhost"]) assert.equal(await host.ask(address, 8070), gateway);
    assert.equal(await neighbour.ask(HOST, 8070), gateway);
    for (const address of [HOST, "::1"]) assert.equal(await host.ask(address, 8053, { protocol: "udp" }), gateway);
    const refused = /Connection reset|Connection refused|Failed to connect|Recv failure/;
    const curl = (url: string): Promise<{ stderr: string }> => host.run("curl", "-sS", "-m", "5", url);
    assert.match((await curl("http://[::1]:8071")).stderr, refused);
    assert.match((await curl("http://[::1]:8072")).stderr, refused);
    await world.end(...servers); // the container's network lasts as long as a process in it
    await engine.ok("rm", "-f", "four-only");
    assert.match((await curl("http://[::1]:8070")).stderr, refused);
  });

  test("a published port gains and loses a family with a network", async () => {
    await run("late", "-p", "8090:80");
    const server = await world.within(Number(await inspect("{{.State.Pid}}", "late"))).serve(80);
    const gateway = await inspect("{{.NetworkSettings.Gateway}}", "late");
    // without IPv6 it sees the host in place of who asks by it
    assert.equal(await neighbour.ask(HOST, 8090), gateway);
    await engine.ok("network", "connect", "joined", "late");
    assert.equal(await neighbour.ask(HOST, 8090), NEIGHBOUR);
    await engine.ok("network", "disconnect", "joined", "late");
    assert.equal(await neighbour.ask(HOST, 8090), gateway);
    assert.equal(await engine.ok("port", "late", "80"), "0.0.0.0:8090\n[::]:8090");
    assert.equal(await neighbour.ask("192.0.2.1", 8090), "192.0.2.2");
    await world.end(server);
  });

  test("on a routed network a published port is open at the container's own address, others aren't", async () => {
    const serve = ["sh", "-c", "nc -ll -p 80 -e echo hello & nc -ll -p 81 -e echo secret & wait"];
    await engine.ok(
      "run",
      "-d",
      "--init",
      "--name",
      "direct",
      "--network",
      "routed",
      "--ip6",
      "2001:db8:1::80",
      "-p",
      "80",
      "busybox",
      ...serve,
    );
    assert.equal(await neighbour.ask("2001:db8:1::80", 80), "hello");
    assert.equal(await neighbour.ask("2001:db8:1::80", 81, { timeout: 300 }), undefined);
  });

  test("an internal network has no way out", async () => {
    await engine.ok("network", "create", "--ipv6", "--internal", "inner");
    await run("kept", "--network", "inner");
    assert.doesNotMatch(await inside("kept", "ip", "-6", "route"), /default/);
    const lost = await engine.docker("exec", "kept", "nc", "-w", "1", NEIGHBOUR, "80");
    assert.notEqual(lost.code, 0);
  });

  test("after kill -9 of the engine all goes on, and addresses that are given out stay so", async () => {
    const before = await inspect("{{json .NetworkSettings.Networks}}", "one");
    await engine.crash();
    await engine.up();
    assert.equal(await inspect("{{json .NetworkSettings.Networks}}", "one"), before);
    await inside("one", "ping6", "-c1", "-W2", "two");
    await run("three", "--network", "dual");
    const address = await inspect("{{.NetworkSettings.Networks.dual.GlobalIPv6Address}}", "three");
    assert.ok(!before.includes(`"${address}"`));
    await inside("three", "ping6", "-c1", "-W2", "one");
  });

  test("a container's router advertisements are nobody's way out", async () => {
    assert.equal(await inside("one", "cat", "/proc/sys/net/ipv6/conf/eth0/accept_ra"), "0");
    const { Id } = await networkOf("dual");
    const bridge = `br-${Id.slice(0, 12)}`;
    assert.equal(host.ok("cat", `/proc/sys/net/ipv6/conf/${bridge}/accept_ra`).trim(), "0");
    // a router's offer: a prefix and a way out, with the checksum that the kernel makes
    const script = `
      import socket, struct
      s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
      s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
      s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex("eth0"))
      prefix = socket.inet_pton(socket.AF_INET6, "2001:db8:bad::")
      offer = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
      offer += struct.pack("!BBBBIII", 3, 4, 64, 0xc0, 3600, 3600, 0) + prefix
      for _ in range(3): s.sendto(offer, ("ff02::1", 0, 0, socket.if_nametoindex("eth0")))
    `.replaceAll(/^ {6}/gm, "");
    const pid = await inspect("{{.State.Pid}}", "one");
    const forged = await host.run("nsenter", "-t", pid, "-n", "python3", "-c", script);
    assert.equal(forged.code, 0, forged.stderr);
    for (const shown of [await inside("two", "ip", "-6", "addr"), host.ok("ip", "-6", "addr")]) {
      assert.doesNotMatch(shown, /2001:db8:bad/);
    }
    assert.equal((await inside("two", "ip", "-6", "route")).match(/default/g)?.length, 1);
    assert.doesNotMatch(host.ok("ip", "-6", "route"), /2001:db8:bad|default/);
  });

  test("subnets are picked around the routes that the host has", async () => {
    await engine.ok("network", "create", "--ipv6", "seen");
    const [first, second] = (await networkOf("seen")).IPAM.Config ?? [];
    await engine.ok("network", "rm", "seen");
    host.ok("ip", "route", "add", first?.Subnet ?? "", "via", "192.0.2.2");
    host.ok("ip", "route", "add", second?.Subnet ?? "", "via", NEIGHBOUR);
    await engine.ok("network", "create", "--ipv6", "seen");
    const [third, fourth] = (await networkOf("seen")).IPAM.Config ?? [];
    assert.notEqual(third?.Subnet, first?.Subnet);
    assert.notEqual(fourth?.Subnet, second?.Subnet);
  });
});

test("the default bridge has IPv6 when the engine is told so", async () => {
  const world = new World();
  const host = await world.host();
  const flags = ["--ipv6", "--bip6", "fd00:b::1/64", "--fixed-cidr-v6", "fd00:b::ff00/120"];
  const engine = await TestEngine.start({ netns: host.netns, flags });
  try {
    await engine.ok("run", "-d", "--init", "--name", "one", "busybox", "sleep", "100");
    const shown = await engine.ok(
      "inspect",
      "-f",
      "{{.NetworkSettings.GlobalIPv6Address}} {{.NetworkSettings.IPv6Gateway}}",
      "one",
    );
    assert.equal(shown, "fd00:b::ff00 fd00:b::1");
    await until(async () => (await host.run("busybox", "ping6", "-c1", "-W1", "fd00:b::ff00")).code === 0, {
      what: "an answer",
    });
    await engine.down();
    engine.flags.splice(0, engine.flags.length, "--ipv6");
    await engine.up();
    assert.equal(await engine.ok("inspect", "-f", "{{.NetworkSettings.GlobalIPv6Address}}", "one"), "fd00:b::ff00");
  } finally {
    await engine.end();
    await world.close();
  }
});

test("a host that forwards still takes its own way out from router advertisements", async () => {
  const world = new World();
  const host = await world.host();
  await world.plug(host, "up0", "lan", "192.0.2.1/24");
  await world.plug(host, "off0", "lan");
  host.ok("sysctl", "-qw", "net.ipv6.conf.up0.accept_ra=1", "net.ipv6.conf.off0.accept_ra=0");
  const engine = await TestEngine.start({ netns: host.netns, busybox: false });
  try {
    const setting = (name: string): string => host.ok("cat", `/proc/sys/net/ipv6/conf/${name}`).trim();
    assert.equal(setting("all/forwarding"), "0");
    await engine.ok("network", "create", "--ipv6", "--internal", "inner");
    assert.equal(setting("all/forwarding"), "0");
    await engine.ok("network", "create", "--ipv6", "outer");
    assert.deepEqual(["all/forwarding", "up0/accept_ra", "off0/accept_ra"].map(setting), ["1", "2", "0"]);
  } finally {
    await engine.ok("network", "rm", "inner", "outer");
    await engine.end();
    await world.close();
  }
});
