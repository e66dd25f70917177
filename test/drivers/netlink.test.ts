import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { GantryError } from "../../src/base/errors.ts";
import { NetlinkLinks } from "../../src/drivers/netlink/netlink-links.ts";
import type { PlugSpec } from "../../src/ports/links.ts";
import { ip, linkNames, waitFor, World } from "./networks-world.ts";

let world: World;
let links: NetlinkLinks;

before(() => {
  world = new World();
  links = new NetlinkLinks();
});
after(() => {
  links.close();
  world.close();
});

const bridge = { name: "tb0", mac: "02:42:0a:09:00:01", addresses: ["10.9.0.1/24"], mtu: 1400 };
const plugIn = (netns: string, more: Partial<PlugSpec> = {}): PlugSpec => ({
  netns,
  bridge: "tb0",
  hostName: "gv0123456789",
  label: "test",
  name: "eth0",
  mac: "02:42:0a:09:00:02",
  addresses: ["10.9.0.2/24"],
  mtu: 1400,
  gateways: ["10.9.0.1"],
  ...more,
});
const sysctl = (name: string): string => fs.readFileSync(`/proc/sys/net/${name}`, "utf8").trim();

test("a bridge is made as specified, and repaired when made again", () => {
  links.ensureBridge(bridge);
  const shown = ip("-d addr show dev tb0");
  assert.match(shown, /mtu 1400.*\n.*02:42:0a:09:00:01/);
  assert.match(shown, /inet 10\.9\.0\.1\/24 brd 10\.9\.0\.255/);
  assert.equal(sysctl("ipv4/conf/tb0/route_localnet"), "1");
  assert.equal(sysctl("ipv6/conf/tb0/accept_ra"), "0");
  ip("link set tb0 down");
  ip("addr add 10.8.0.1/24 dev tb0");
  ip("addr del 10.9.0.1/24 dev tb0");
  links.ensureBridge(bridge);
  const again = ip("-br addr show dev tb0");
  assert.match(again, /10\.9\.0\.1\/24/);
  assert.doesNotMatch(again, /10\.8\.0\.1/);
  assert.deepEqual(
    links
      .list()
      .filter((link) => link.name === "tb0")
      .map((link) => link.up),
    [true],
  );
});

test("a link of that name that is no bridge is refused", () => {
  ip("link add notbr type veth peer name notbr2");
  assert.throws(() => links.ensureBridge({ ...bridge, name: "notbr" }), /link notbr exists and is not a bridge/);
  links.removeLink("notbr");
  links.removeLink("notbr");
});

test("a plugged namespace has loopback, address and default route, and goes without a trace", () => {
  const netns = path.join(world.root, "netns", "one");
  links.createNamespace(netns);
  links.createNamespace(netns);
  links.plug(plugIn(netns));
  assert.match(world.inside(netns, "ip", "-br", "addr"), /lo +UNKNOWN +127\.0\.0\.1\/8 ::1\/128/);
  assert.match(world.inside(netns, "ip", "-br", "addr"), /eth0@\S+ +\S+ +10\.9\.0\.2\/24 *\n/);
  assert.match(world.inside(netns, "ip", "route"), /default via 10\.9\.0\.1 dev eth0/);
  world.inside(netns, "busybox", "ping", "-c1", "-W2", "10.9.0.1");
  assert.equal(links.list().find((link) => link.name === "gv0123456789")?.label, "test");
  links.setWaysOut(netns, []);
  links.setWaysOut(netns, []);
  assert.doesNotMatch(world.inside(netns, "ip", "route"), /default/);
  links.setWaysOut(netns, [{ gateway: "10.9.0.7", link: "eth0" }]);
  assert.match(world.inside(netns, "ip", "route"), /default via 10\.9\.0\.7/);
  links.removeNamespace(netns);
  links.removeNamespace(netns);
  assert.deepEqual(links.namespacesIn(path.dirname(netns)), []);
  waitFor(() => !linkNames().includes("gv0123456789"));
});

test("an address is free at once, also while a process still holds the dead namespace", () => {
  const first = path.join(world.root, "netns", "held");
  links.createNamespace(first);
  links.plug(plugIn(first));
  const fd = fs.openSync(first, "r");
  try {
    links.removeNamespace(first);
    const second = path.join(world.root, "netns", "second");
    links.createNamespace(second);
    links.plug(plugIn(second, { hostName: "gvfedcba9876" }));
    world.inside(second, "busybox", "ping", "-c1", "-W2", "10.9.0.1");
    assert.match(ip("neigh show 10.9.0.2"), /02:42:0a:09:00:02/);
    links.removeNamespace(second);
  } finally {
    fs.closeSync(fd);
  }
  waitFor(() => linkNames().every((name) => !name.startsWith("gv")));
});

test("a failing plug leaves no cable and says what failed", () => {
  const netns = path.join(world.root, "netns", "bad");
  links.createNamespace(netns);
  for (const wrong of [{ bridge: "missing" }, { gateways: ["192.0.2.77"] }, { name: "a-name-that-is-much-too-long" }]) {
    assert.throws(
      () => links.plug(plugIn(netns, wrong)),
      (error) => error instanceof GantryError && error.code === "LINK_FAILED" && error.message.startsWith("plug gv"),
    );
  }
  assert.ok(!linkNames().includes("gv0123456789"));
  links.removeNamespace(netns);
});

test("the host's ranges and the MTU of its uplink are told", () => {
  ip("route add default via 198.51.100.2");
  ip("route add 10.77.0.0/16 via 198.51.100.2");
  ip("link set uplink0 mtu 1320");
  assert.ok(links.takenRanges().includes("10.77.0.0/16"));
  assert.ok(links.takenRanges().includes("198.51.100.1/24"));
  assert.ok(!links.takenRanges().some((range) => range.startsWith("0.")));
  assert.equal(links.uplinkMtu(), 1320);
  assert.ok(links.addresses().includes("198.51.100.1"));
});
