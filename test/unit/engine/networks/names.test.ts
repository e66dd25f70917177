import assert from "node:assert/strict";
import { test } from "node:test";
import * as dnsPacket from "dns-packet";
import type { AttachRequest } from "../../../../src/engine/networks/contract.ts";
import type { NetworkWish } from "../../../../src/engine/networks/network-plan.ts";
import type { Networks } from "../../../../src/engine/networks/networks.ts";
import { FakeHost, request } from "./fake-host.ts";

const idOf = (name: string): string => request(name).containerId;
const placeOf = (name: string): string => `/run/gantry/netns/${idOf(name)}`;
const bits = { AA: 0x400, TC: 0x200, RD: 0x100, RA: 0x80 };

interface World {
  host: FakeHost;
  networks: Networks;
  up(name: string, network: string, aliases?: string[], more?: Partial<AttachRequest>): Promise<void>;
  raw(from: string, bytes: Buffer, via?: "udp" | "tcp"): Promise<Buffer | undefined>;
  ask(from: string, name: string, type?: dnsPacket.RecordType, via?: "udp" | "tcp"): Promise<string>;
}

function network(networks: Networks, name: string, more: Partial<NetworkWish> = {}): void {
  const none = { driver: "", internal: false, attachable: false, pools: [], options: {}, labels: {} };
  networks.create({ name, ...none, ...more });
}

/** The types of the library lack the code. */
const decode = (bytes: Buffer) => dnsPacket.decode(bytes) as dnsPacket.DecodedPacket & { rcode: string };

const query = (name: string, type: dnsPacket.RecordType = "A", extra: dnsPacket.Packet = {}): Buffer =>
  dnsPacket.encode({ type: "query", id: 4711, flags: bits.RD, questions: [{ type, name }], ...extra });

/** Networks `front` and `back`, and `cellar`, which is internal. */
function world(): World {
  const host = new FakeHost();
  const networks = host.engine();
  networks.restore([]);
  for (const name of ["front", "back"]) network(networks, name);
  network(networks, "cellar", { internal: true });
  const raw: World["raw"] = async (from, bytes, via = "udp") => host.answering.get(placeOf(from))?.(bytes, via);
  return {
    ...{ host, networks, raw },
    up: async (name, mode, Aliases = [], more = {}) => {
      await networks.attach(request(name, { networkMode: mode, endpoints: { [mode]: { Aliases } }, ...more }));
    },
    ask: async (from, name, type = "A", via = "udp") => {
      const reply = await raw(from, query(name, type), via);
      if (reply === undefined) return "silence";
      const { id, rcode, answers, questions, flags } = decode(reply);
      assert.equal(id, 4711);
      assert.deepEqual(questions, [{ name, type, class: "IN" }]);
      assert.equal((flags ?? 0) & (bits.RD | bits.RA), bits.RD | bits.RA);
      return [rcode, ...(answers ?? []).map((one) => ("data" in one ? String(one.data) : ""))].join(" ");
    },
  };
}

const says =
  (address: string, rcode = 0) =>
  (bytes: Buffer) => {
    const { id, questions } = dnsPacket.decode(bytes);
    const name = questions?.[0]?.name ?? "";
    const answers = rcode === 0 ? [{ type: "A" as const, name, data: address }] : [];
    return dnsPacket.encode({ type: "response", id, questions, flags: bits.RD | bits.RA | rcode, answers });
  };

test("containers of one network find each other by name, short id, hostname, alias and name.network, in any case", async () => {
  const { up, ask } = world();
  await up("web", "front", ["www", "Shop"]);
  await up("client", "front");
  for (const name of ["web", "WEB", "www", "shop", "web.example", idOf("web").slice(0, 12), "web.front", "www.Front"]) {
    assert.equal(await ask("client", name), "NOERROR 172.18.0.2", name);
  }
  assert.equal(await ask("client", "client"), "NOERROR 172.18.0.3");
  assert.equal(await ask("client", "2.0.18.172.in-addr.arpa", "PTR"), "NOERROR web.front");
});

test("a name that is known has no other records, and is not asked for elsewhere", async () => {
  const { host, up, ask } = world();
  await up("web", "front");
  for (const type of ["AAAA", "TXT", "MX"] as const) assert.equal(await ask("web", "web", type), "NOERROR");
  assert.deepEqual(host.asked, []);
});

test("IPv6 addresses are answered as such, and back; a family that a name has not is an empty answer", async () => {
  const { networks, up, ask } = world();
  network(networks, "dual", { ipv6: true, pools: [{ subnet: "fd00:1::/64" }] });
  network(networks, "six", { ipv4: false, ipv6: true, pools: [{ subnet: "fd00:2::/64" }] });
  for (const name of ["dual", "six"]) await up(`on-${name}`, name);
  assert.equal(await ask("on-dual", "on-dual", "AAAA"), "NOERROR fd00:1::2");
  assert.equal(await ask("on-dual", "on-dual", "A"), "NOERROR 172.21.0.2");
  assert.equal(await ask("on-six", "on-six", "AAAA"), "NOERROR fd00:2::2");
  assert.equal(await ask("on-six", "on-six", "A"), "NOERROR");
  const reversed = `2.${"0.".repeat(23)}1.0.0.0.0.0.d.f.ip6.arpa`;
  assert.equal(await ask("on-dual", reversed, "PTR"), "NOERROR on-dual.dual");
});

test("names of networks that a container isn't on are strangers'", async () => {
  const { host, up, ask } = world();
  host.upstream.set("10.0.0.53", says("", 3));
  await up("web", "front");
  await up("db", "back");
  await up("on-bridge", "default");
  for (const name of ["db", "db.back", "on-bridge", "web.back", "front"]) {
    assert.equal(await ask("web", name), "NXDOMAIN", name);
  }
  assert.equal(await ask("web", "2.0.19.172.in-addr.arpa", "PTR"), "NXDOMAIN");
  assert.equal(host.answering.has(placeOf("on-bridge")), false);
});

test("all containers with an alias are named, and each comes first now and then", async () => {
  const { up, ask } = world();
  await up("a", "front", ["pool"]);
  await up("b", "front", ["pool"]);
  await up("client", "front");
  const seen = new Set<string>();
  for (let n = 0; n < 64; n++) seen.add(await ask("client", "pool"));
  assert.deepEqual([...seen].toSorted(), ["NOERROR 172.18.0.2 172.18.0.3", "NOERROR 172.18.0.3 172.18.0.2"]);
});

test("a link is an alias for the one that has it", async () => {
  const { host, networks, up, ask } = world();
  host.upstream.set("10.0.0.53", says("", 3));
  await up("db", "front");
  await networks.attach(
    request("app", { networkMode: "front", endpoints: { front: { Links: ["db:database", "gone:ghost"] } } }),
  );
  assert.equal(await ask("app", "database"), "NOERROR 172.18.0.2");
  assert.equal(await ask("app", "ghost"), "NXDOMAIN");
  assert.equal(await ask("db", "database"), "NXDOMAIN");
});

test("connect, disconnect, rename and detach count at once", async () => {
  const { host, networks, up, ask } = world();
  host.upstream.set("10.0.0.53", says("", 3));
  await up("web", "front");
  await up("client", "back");
  assert.equal(await ask("client", "web"), "NXDOMAIN");
  networks.connect("back", idOf("web"), { Aliases: ["late"] });
  assert.equal(await ask("client", "late"), "NOERROR 172.19.0.3");
  networks.rename(idOf("web"), "site");
  assert.equal(await ask("client", "site"), "NOERROR 172.19.0.3");
  assert.equal(await ask("client", "web"), "NXDOMAIN");
  networks.disconnect("back", idOf("web"));
  assert.equal(await ask("client", "site"), "NXDOMAIN");
  await networks.detach(idOf("client"));
  assert.equal(await ask("client", "client"), "silence");
});

test("a container of the default bridge gets a name server when it joins a network of the user's", async () => {
  const { host, networks, up, ask } = world();
  await up("web", "front");
  await up("plain", "default");
  networks.connect("front", idOf("plain"), {});
  assert.equal(await ask("plain", "web"), "NOERROR 172.18.0.2");
  assert.deepEqual(host.resolvs.get(idOf("plain"))?.nameservers, ["127.0.0.11"]);
  networks.disconnect("front", idOf("plain"));
  assert.deepEqual([...host.answering.keys()].includes(placeOf("plain")), true);
});

test("others' names are asked for in order, from the container; refusals and silence pass to the next", async () => {
  const { host, up, raw, ask } = world();
  host.upstream.set("10.0.0.2", says("", 5));
  host.upstream.set("10.0.0.3", says("192.0.2.7"));
  const dns = { servers: ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"], search: [], options: [] };
  await up("web", "front", [], { dns });
  assert.equal(await ask("web", "other.example", "A", "tcp"), "NOERROR 192.0.2.7");
  assert.deepEqual(
    host.asked,
    ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((server) => `${server} ${placeOf("web")} tcp`),
  );
  host.upstream.delete("10.0.0.3");
  assert.equal(await ask("web", "other.example"), "REFUSED", "the last refusal");
  host.upstream.clear();
  assert.equal(await ask("web", "other.example"), "SERVFAIL");
  assert.equal((await raw("web", query("other.example")))?.length, query("other.example").length);
});

test("a container on internal networks only asks nobody else", async () => {
  const { host, networks, up, ask } = world();
  host.upstream.set("10.0.0.53", says("192.0.2.7"));
  await up("vault", "cellar");
  assert.equal(await ask("vault", "vault"), "NOERROR 172.20.0.2");
  for (const name of ["nobody", "other.example"]) assert.equal(await ask("vault", name), "SERVFAIL");
  assert.deepEqual(host.asked, []);
  networks.connect("front", idOf("vault"), {});
  assert.equal(await ask("vault", "other.example"), "NOERROR 192.0.2.7");
});

test("with ndots of the user's single words stay here", async () => {
  const { host, up, ask } = world();
  await up("web", "front", [], { dns: { servers: [], search: ["lan"], options: ["ndots:2"] } });
  assert.equal(await ask("web", "printer"), "NOERROR");
  assert.deepEqual(host.asked, []);
});

test("questions beyond 512 that wait are refused; all end when the container does", async () => {
  const { host, networks, up, ask } = world();
  await up("web", "front", [], { dns: { servers: ["silent"], search: [], options: [] } });
  const waiting = Array.from({ length: 10_000 }, () => ask("web", "other.example"));
  assert.equal(host.asked.length, 512);
  assert.equal(await ask("web", "web"), "NOERROR 172.18.0.2", "names of the network are answered meanwhile");
  await networks.detach(idOf("web"));
  const answers = await Promise.all(waiting);
  assert.equal(answers.filter((one) => one === "REFUSED").length, 10_000 - 512);
  assert.equal(answers.filter((one) => one === "SERVFAIL").length, 512);
});

test("after a restart the living have their names again", async () => {
  const { host, up, ask } = world();
  await up("web", "front", ["www"]);
  await up("plain", "default");
  host.answering.clear();
  const after = host.engine();
  after.restore([idOf("web"), idOf("plain")]);
  assert.deepEqual([...host.answering.keys()], [placeOf("web")]);
  assert.equal(await ask("web", "www"), "NOERROR 172.18.0.2");
  host.failing.add("serve");
  const again = host.engine();
  again.restore([idOf("web")]);
  assert.match(host.complaints.join(), /name server was not opened again/);
});

test("when the name server can't be opened, an attach leaves nothing", async () => {
  const { host, up } = world();
  host.failing.add("serve");
  await assert.rejects(up("web", "front"), /serve failed/);
  assert.deepEqual(host.traces(), []);
});

test("what doesn't fit into a datagram is cut and marked, and whole by TCP or for those who take more", async () => {
  const { up, raw } = world();
  for (let n = 0; n < 40; n++) await up(`w${n}x`, "front", ["pool"]);
  const udp = dnsPacket.decode((await raw("w0x", query("pool"))) ?? Buffer.alloc(0));
  assert.equal((udp.flags ?? 0) & bits.TC, bits.TC);
  assert.ok((udp.answers?.length ?? 0) < 40);
  const tcp = dnsPacket.decode((await raw("w0x", query("pool"), "tcp")) ?? Buffer.alloc(0));
  assert.equal(tcp.answers?.length, 40);
  const opt = { type: "OPT" as const, name: ".", udpPayloadSize: 4096, extendedRcode: 0, ednsVersion: 0, flags: 0 };
  const edns = query("pool", "A", { additionals: [{ ...opt, flag_do: false, options: [] }] });
  const whole = dnsPacket.decode((await raw("w0x", edns)) ?? Buffer.alloc(0));
  assert.equal(whole.answers?.length, 40);
  assert.equal(whole.additionals?.[0]?.type, "OPT");
});

test("messages that are none get a short refusal or nothing", async () => {
  const { host, up, raw } = world();
  await up("web", "front");
  const header = (flags: number, questions: number): Buffer =>
    Buffer.from([0x12, 0x67, flags >> 8, flags & 0xff, 0, questions, 0, 0, 0, 0, 0, 0]);
  const rcode = async (bytes: Buffer): Promise<string | undefined> => {
    const reply = await raw("web", bytes, "tcp");
    return reply && decode(reply).rcode;
  };
  assert.equal(await rcode(Buffer.alloc(0)), undefined);
  assert.equal(await rcode(Buffer.alloc(11)), undefined);
  assert.equal(await rcode(header(0x8000, 1)), undefined, "a reply");
  assert.equal(await rcode(header(0x2800, 1)), "NOTIMP", "an update");
  assert.equal(await rcode(header(0, 0)), "FORMERR");
  assert.equal(await rcode(header(0, 2)), "FORMERR");
  assert.equal(await rcode(Buffer.concat([header(0, 1), Buffer.from([63, 97])])), "FORMERR");
  assert.equal(await rcode(Buffer.concat([header(0, 1), Buffer.from([0xc0, 12, 0, 1, 0, 1])])), "FORMERR", "a loop");
  assert.equal(await rcode(Buffer.concat([header(0, 1), Buffer.alloc(65_000, 0xff)])), "FORMERR");
  const hostile = Buffer.from("\u0000../../etc\n\u001b[31m\"';--", "latin1");
  const name = Buffer.concat([Buffer.from([hostile.length]), hostile, Buffer.from([0, 0, 1, 0, 1])]);
  assert.equal(await rcode(Buffer.concat([header(0, 1), name])), "SERVFAIL");
  assert.equal(await rcode(Buffer.concat([header(0, 1), Buffer.from([0, 0, 2, 0, 1])])), "SERVFAIL", "the root");
  assert.deepEqual(host.complaints, []);
});
