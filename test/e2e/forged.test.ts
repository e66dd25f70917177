import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { TestEngine } from "../support/engine.ts";
import {
  arpAnswer,
  BROADCAST,
  datagram,
  neighbourAdvertisement,
  routerAdvertisement,
  sendFrames,
} from "../support/frames.ts";
import { type Host, World } from "../support/world.ts";

interface Member {
  host: Host;
  address: string;
  address6: string;
  mac: string;
}

/** Containers of one network, of which one lies. */
describe("forged packets of a container", () => {
  const world = new World();
  let engine: TestEngine;
  let liar: Member;
  let alice: Member;
  let bob: Member;
  const gateway = "10.9.8.1";
  const gateway6 = "fd09:8::1";

  before(async () => {
    const host = await world.host();
    engine = await TestEngine.start({ netns: host.netns });
    const subnets = ["--subnet", "10.9.8.0/24", "--ipv6", "--subnet", "fd09:8::/64"];
    await engine.ok("network", "create", ...subnets, "town");
    [liar, alice, bob] = [await member("liar", "town"), await member("alice", "town"), await member("bob", "town")];
  });

  after(async () => {
    await engine.end();
    await world.close();
  });

  async function member(name: string, network: string): Promise<Member> {
    await engine.ok("run", "-d", "--name", name, "--network", network, "busybox", "sleep", "1000");
    const settings = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{.GlobalIPv6Address}} {{.MacAddress}}{{end}}";
    const line = await engine.ok("inspect", "-f", `{{.State.Pid}} ${settings}`, name);
    const [pid, address = "", address6 = "", mac = ""] = line.split(" ");
    const host = world.within(Number(pid));
    // what was learnt last counts at once, not only after a second
    host.ok("sysctl", "-qw", "net.ipv4.neigh.eth0.locktime=0");
    return { host, address, address6, mac };
  }

  /** Where a container believes an address to be. */
  const belief = async ({ host }: Member, address: string): Promise<string | undefined> =>
    /lladdr (\S+)/.exec((await host.run("ip", "neigh", "show", address)).stdout)?.[1];

  async function reaches({ host }: Member, address: string): Promise<boolean> {
    return (await host.run("/bin/busybox", "ping", "-c1", "-W2", address)).code === 0;
  }

  test("ARP for the gateway or a sister diverts nothing", async () => {
    assert.ok((await reaches(alice, gateway)) && (await reaches(alice, bob.address)));
    const truth = await belief(alice, gateway);
    assert.notEqual(truth, undefined);
    for (const from of [gateway, bob.address]) {
      const ends = { fromMac: liar.mac, from, to: alice.address };
      sendFrames(liar.host, ...[alice.mac, BROADCAST].map((toMac) => arpAnswer({ ...ends, toMac })));
    }
    assert.equal(await belief(alice, gateway), truth);
    assert.equal(await belief(alice, bob.address), bob.mac);
  });

  test("the same for IPv6", async () => {
    assert.ok((await reaches(alice, gateway6)) && (await reaches(alice, bob.address6)));
    const truth = await belief(alice, gateway6);
    assert.notEqual(truth, undefined);
    const ends = { fromMac: liar.mac, toMac: alice.mac, from: liar.address6, to: alice.address6 };
    sendFrames(liar.host, neighbourAdvertisement(ends, gateway6), neighbourAdvertisement(ends, bob.address6));
    assert.equal(await belief(alice, gateway6), truth);
    assert.equal(await belief(alice, bob.address6), bob.mac);
  });

  test("nobody becomes a router by saying so", async () => {
    const own = /inet6 (fe80\S+)\//.exec(liar.host.ok("ip", "-6", "addr", "show", "eth0"))?.[1] ?? "";
    assert.match(own, /^fe80/);
    // a container may be set to believe in routers
    alice.host.ok("sysctl", "-qw", "net.ipv6.conf.eth0.accept_ra=2");
    sendFrames(liar.host, routerAdvertisement(liar.mac, own));
    assert.equal(alice.host.ok("ip", "-6", "route", "show", "default").match(/via/g)?.length, 1);
  });

  test("packets with a sister's or the gateway's address as the sender arrive nowhere", async () => {
    alice.host.ok("nft", "add table ip seen; add chain ip seen c { type filter hook prerouting priority 0; }");
    alice.host.ok("nft", "add", "rule", "ip", "seen", "c", "udp", "dport", "9", "counter");
    const count = (): string | undefined =>
      /packets (\d+)/.exec(alice.host.ok("nft", "list", "table", "ip", "seen"))?.[1];
    const ends = { fromMac: liar.mac, toMac: alice.mac, to: alice.address };
    sendFrames(liar.host, datagram({ ...ends, from: bob.address }, 9), datagram({ ...ends, from: gateway }, 9));
    assert.equal(count(), "0");
    sendFrames(liar.host, datagram({ ...ends, from: liar.address }, 9));
    assert.equal(count(), "1");
  });

  test("an address that is nobody's may be taken, as virtual addresses are", async () => {
    liar.host.ok("ip", "addr", "add", "10.9.8.200/24", "dev", "eth0");
    assert.ok(await reaches(alice, "10.9.8.200"));
    assert.equal(await belief(alice, "10.9.8.200"), liar.mac);
  });

  test("an address that is given up may be had by another", async () => {
    const { address } = await member("carol", "town");
    await engine.ok("rm", "-f", "carol");
    liar.host.ok("ip", "addr", "add", `${address}/24`, "dev", "eth0");
    assert.ok(await reaches(alice, address));
    liar.host.ok("ip", "addr", "del", `${address}/24`, "dev", "eth0");
  });

  test("a network can do without the guard", async () => {
    const open = ["-o", "gantry.bridge.address_guard=false", "--subnet", "10.9.7.0/24"];
    await engine.ok("network", "create", ...open, "masquerade");
    const [mallory, dave] = [await member("mallory", "masquerade"), await member("dave", "masquerade")];
    assert.ok(await reaches(dave, "10.9.7.1"));
    const ends = { fromMac: mallory.mac, toMac: dave.mac, from: "10.9.7.1", to: dave.address };
    sendFrames(mallory.host, arpAnswer(ends));
    assert.equal(await belief(dave, "10.9.7.1"), mallory.mac);
  });
});
