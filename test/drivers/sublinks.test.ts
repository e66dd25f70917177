import assert from "node:assert/strict";
import path from "node:path";
import { after, before, test } from "node:test";
import { GantryError } from "../../src/base/errors.ts";
import { NetlinkLinks } from "../../src/drivers/netlink/netlink-links.ts";
import { NetlinkSublinks } from "../../src/drivers/netlink/netlink-sublinks.ts";
import type { SublinkSpec } from "../../src/ports/sublinks.ts";
import { ip, linkNames, NEIGHBOUR, World } from "./networks-world.ts";

let world: World;
let links: NetlinkLinks;
let sublinks: NetlinkSublinks;

before(() => {
  world = new World();
  links = new NetlinkLinks();
  sublinks = new NetlinkSublinks();
});
after(() => {
  sublinks.close();
  links.close();
  world.close();
});

const LABEL = "gantry test0 ffee";

/** A namespace with a link of its own on the wire to the neighbour. */
function plug(name: string, host: number, more: Partial<SublinkSpec> = {}): string {
  const netns = path.join(world.root, "netns", name);
  links.createNamespace(netns);
  sublinks.plug({
    netns,
    parent: "uplink0",
    type: { kind: "macvlan", mode: "bridge" },
    name: "eth0",
    mac: `02:42:c6:33:64:${host.toString(16).padStart(2, "0")}`,
    addresses: [`198.51.100.${host}/24`],
    gateways: [NEIGHBOUR],
    ...more,
  });
  return netns;
}

const ping = (netns: string, address: string): string => world.inside(netns, "busybox", "ping", "-c1", "-W1", address);

const refused = (code: string, words: RegExp) => (error: unknown) =>
  error instanceof GantryError && error.code === code && words.test(error.message);

test("a macvlan link has its own MAC on the parent's wire, and is never on the host", () => {
  const before = linkNames();
  const netns = plug("one", 10);
  assert.deepEqual(linkNames(), before);
  assert.match(world.inside(netns, "ip", "-d", "link", "show", "eth0"), /02:42:c6:33:64:0a.*\n.*macvlan mode bridge/);
  assert.match(world.inside(netns, "ip", "route"), /default via 198\.51\.100\.2 dev eth0/);
  ping(netns, NEIGHBOUR);
  assert.match(world.inside(world.neighbour, "ip", "neigh", "show", "198.51.100.10"), /02:42:c6:33:64:0a/);
  const other = plug("two", 11);
  ping(other, "198.51.100.10");
  links.removeNamespace(netns);
  links.removeNamespace(other);
});

test("the host may have a link of that name, and a killed engine may have left one half made", () => {
  ip("link add eth0 type bridge");
  const netns = plug("half", 25);
  sublinks.unplug(netns, "eth0");
  world.inside(netns, "ip", "link", "add", "gantry-new", "type", "bridge");
  plug("half", 25);
  ping(netns, NEIGHBOUR);
  assert.doesNotMatch(world.inside(netns, "ip", "link"), /gantry-new/);
  links.removeNamespace(netns);
  ip("link del eth0");
});

test("an address and a MAC are free at once, also while a process still holds the dead namespace", () => {
  const netns = plug("held", 12);
  world.hold(netns);
  links.removeNamespace(netns);
  const next = plug("next", 12);
  ping(next, NEIGHBOUR);
  links.removeNamespace(next);
});

test("the wire learns an address's new MAC without being asked", () => {
  const netns = plug("old", 13);
  ping(world.neighbour, "198.51.100.13");
  links.removeNamespace(netns);
  const next = plug("new", 13, { mac: "02:00:00:00:00:13" });
  assert.match(world.inside(world.neighbour, "ip", "neigh", "show", "198.51.100.13"), /02:00:00:00:00:13/);
  links.removeNamespace(next);
});

test("private links hear the wire but not one another", () => {
  const type = { kind: "macvlan", mode: "private" } as const;
  const [a, b] = [plug("a", 14, { type }), plug("b", 15, { type })];
  ping(a, NEIGHBOUR);
  ping(b, NEIGHBOUR);
  assert.throws(() => ping(a, "198.51.100.15"));
  links.removeNamespace(a);
  links.removeNamespace(b);
});

test("passthru takes the parent for one link, which hands its MAC on, and gives it back", () => {
  const type = { kind: "macvlan", mode: "passthru" } as const;
  const macOf = (): string => links.state().links.find(({ name }) => name === "uplink0")?.mac ?? "";
  const before = macOf();
  const netns = plug("alone", 16, { type });
  ping(netns, NEIGHBOUR);
  assert.equal(macOf(), "02:42:c6:33:64:10");
  for (const mode of ["passthru", "bridge"] as const) {
    assert.throws(
      () => plug("second", 17, { type: { kind: "macvlan", mode } }),
      refused("BAD_PARENT", /^failed to create the macvlan port: invalid argument: .*passthru/),
    );
  }
  links.removeNamespace(netns);
  assert.equal(macOf(), before);
  const next = plug("next-alone", 18, { type });
  links.removeNamespace(next);
  links.removeNamespace(path.join(world.root, "netns", "second"));
});

test("a link has its parent's MTU, or a smaller one that is asked for", () => {
  ip("link set uplink0 mtu 1400");
  const netns = plug("mtu", 19);
  assert.match(world.inside(netns, "ip", "link", "show", "eth0"), /mtu 1400/);
  sublinks.unplug(netns, "eth0");
  sublinks.unplug(netns, "eth0");
  plug("mtu", 19, { mtu: 1300 });
  assert.match(world.inside(netns, "ip", "link", "show", "eth0"), /mtu 1300/);
  sublinks.unplug(netns, "eth0");
  assert.throws(
    () => plug("mtu", 19, { mtu: 1500 }),
    refused("BAD_MTU", /MTU 1500 is larger than the 1400 of parent uplink0/),
  );
  ip("link set uplink0 mtu 1500");
  links.removeNamespace(netns);
});

test("what can't be a parent is refused with the cause, and nothing is left", () => {
  const netns = path.join(world.root, "netns", "bad");
  ip("link add br9 type bridge");
  ip("link add port9 type veth peer name port9b");
  ip("link set port9 master br9");
  assert.throws(() => plug("bad", 20, { parent: "nope" }), refused("NO_PARENT_LINK", /interface nope was not found/));
  assert.throws(() => plug("bad", 20, { parent: "lo" }), refused("BAD_PARENT", /lo is no Ethernet link/));
  assert.throws(() => plug("bad", 20, { parent: "port9" }), refused("PARENT_IN_USE", /port9 is a port of a bridge/));
  assert.throws(() => plug("bad", 20, { gateways: ["192.0.2.1"] }), refused("LINK_FAILED", /ENETUNREACH/));
  const first = plug("good", 21);
  assert.throws(() => plug("good", 22), refused("LINK_FAILED", /EEXIST/), "eth0 is there");
  ping(first, NEIGHBOUR);
  assert.throws(
    () => plug("bad", 20, { mac: "02:42:c6:33:64:15" }),
    refused("MAC_IN_USE", /another link on uplink0 has this address/),
  );
  assert.doesNotMatch(world.inside(netns, "ip", "link"), /eth0/);
  links.removeNamespace(first);
  links.removeNamespace(netns);
  ip("link del port9");
  ip("link del br9");
});

test("a parent that leads nowhere is made, joins its links, and goes; one of the host's stays", () => {
  const spec = { name: "dm-0123456789ab", kind: "macvlan", make: { kind: "isolated" }, label: LABEL } as const;
  const before = linkNames();
  sublinks.ensureParent(spec);
  sublinks.ensureParent(spec);
  const [a, b] = [plug("ia", 22, { parent: spec.name }), plug("ib", 23, { parent: spec.name })];
  ping(a, "198.51.100.23");
  assert.throws(() => ping(a, NEIGHBOUR));
  links.removeNamespace(a);
  links.removeNamespace(b);
  sublinks.removeParent("uplink0", LABEL);
  sublinks.removeParent(spec.name, "another's");
  assert.notDeepEqual(linkNames(), before);
  sublinks.removeParent(spec.name, LABEL);
  sublinks.removeParent(spec.name, LABEL);
  assert.deepEqual(linkNames(), before);
});

test("the host's own parents are only looked for", () => {
  sublinks.ensureParent({ name: "uplink0", kind: "macvlan", label: LABEL });
  assert.throws(
    () => sublinks.ensureParent({ name: "nope", kind: "macvlan", label: LABEL }),
    refused("NO_PARENT_LINK", /nope/),
  );
  const vlan = { name: "nope.7", kind: "macvlan", make: { kind: "vlan", on: "nope", id: 7 }, label: LABEL } as const;
  assert.throws(() => sublinks.ensureParent(vlan), refused("NO_PARENT_LINK", /nope/));
  assert.equal(links.list().find(({ name }) => name === "uplink0")?.label, "");
});

test("a kind that the kernel lacks is refused by name, with what would bring it", (t) => {
  assert.ok(sublinks.supports("macvlan"));
  if (sublinks.supports("ipvlan")) return t.skip("this kernel has ipvlan");
  const type = { kind: "ipvlan", mode: "l2", flag: "bridge" } as const;
  assert.throws(() => plug("ipvlan", 24, { type }), refused("NO_LINK_KIND", /no ipvlan links: .*modprobe ipvlan/));
  links.removeNamespace(path.join(world.root, "netns", "ipvlan"));
});
