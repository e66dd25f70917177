import assert from "node:assert/strict";
import { once } from "node:events";
import path from "node:path";
import { after, afterEach, before, test } from "node:test";
import type { DecodedPacket } from "dns-packet";
import { askDns, question, type Transport } from "../support/dns.ts";
import { TestEngine } from "../support/engine.ts";
import { type Host, World } from "../support/world.ts";

/** Name servers on the LAN, each with a temper of its own. */
const GOOD = "198.51.100.1";
const REFUSING = "198.51.100.2";
const TALKING_NONSENSE = "198.51.100.3";
const SILENT = "198.51.100.4";
const CUTTING = "198.51.100.5";
const CLOSED = "198.51.100.6";
const MACHINE = "198.51.100.9";

const world = new World();
let engine: TestEngine;

before(async () => {
  const machine = await world.host();
  const router = await world.host();
  await world.plug(machine, "eth0", "lan", `${MACHINE}/24`);
  const addresses = [GOOD, REFUSING, TALKING_NONSENSE, SILENT, CUTTING, CLOSED];
  await world.plug(router, "eth0", "lan", ...addresses.map((address) => `${address}/24`));
  machine.ok("ip", "route", "add", "default", "via", GOOD);
  await serveNames(router);
  engine = await TestEngine.start({ netns: machine.netns });
  await engine.ok("network", "create", "front");
  const lan = ["--subnet", "198.51.100.0/24", "--gateway", GOOD, "--ip-range", "198.51.100.64/26"];
  await engine.ok("network", "create", "-d", "macvlan", "-o", "parent=eth0", ...lan, "lan");
  await engine.ok("network", "create", "-d", "macvlan", "island");
});
afterEach(() => engine.clear());
after(async () => {
  await engine.end();
  await world.close();
});

/** Answers are made of the question's bytes: one A record, 192.0.2.7. */
const SERVERS = `
  const dgram = require("dgram"), net = require("net");
  const reply = (q, code, cut) => {
    const end = q.indexOf(0, 12) + 5, r = Buffer.from(q.subarray(0, end));
    r.writeUInt16BE(0x8180 | code | (cut ? 0x200 : 0), 2); r.fill(0, 6, 12);
    if (code || cut) return r;
    r.writeUInt16BE(1, 6);
    return Buffer.concat([r, Buffer.from("c00c000100010000000a0004c0000207", "hex")]);
  };
  const nonsense = (q) => {
    const other = reply(q, 0); other.writeUInt16BE(q.readUInt16BE(0) ^ 1, 0);
    return [Buffer.from("nonsense"), Buffer.alloc(0), q, other, Buffer.alloc(12, q.subarray(0, 2))];
  };
  const by = { good: (q) => [reply(q, 0)], refusing: (q) => [reply(q, 5)], nonsense, silent: () => [],
    cutting: (q) => [reply(q, 0, true)] };
  const open = Object.entries(JSON.parse(process.argv[1])).flatMap(([name, address]) => {
    const udp = dgram.createSocket("udp4");
    udp.on("message", (q, from) => by[name](q).forEach((r) => udp.send(r, from.port, from.address)));
    const tcp = net.createServer((s) => s.on("error", () => {}).on("data", (m) => {
      const r = name === "cutting" || name === "good" ? reply(m.subarray(2), 0) : Buffer.from("nonsense");
      s.end(Buffer.concat([Buffer.from([r.length >> 8, r.length & 255]), r]));
    }));
    return [new Promise((done) => udp.bind(53, address, done)), new Promise((done) => tcp.listen(53, address, done))];
  });
  Promise.all(open).then(() => console.log("ready"));`;

async function serveNames(router: Host): Promise<void> {
  const places = { good: GOOD, refusing: REFUSING, nonsense: TALKING_NONSENSE, silent: SILENT, cutting: CUTTING };
  const child = router.spawn(process.execPath, "-e", SERVERS, JSON.stringify(places));
  const [ready] = (await once(child.stdout as NodeJS.EventEmitter, "data")) as [Buffer];
  assert.equal(ready.toString(), "ready\n");
}

const up = (name: string, network: string, servers: string[], ...options: string[]): Promise<string> => {
  const dns = servers.flatMap((server) => ["--dns", server]);
  return engine.ok(
    "run",
    "-d",
    "--name",
    name,
    "--init",
    "--network",
    network,
    ...dns,
    ...options,
    "busybox",
    "sleep",
    "600",
  );
};
const ask = (id: string, name: string, via: Transport = "udp"): Promise<DecodedPacket> =>
  askDns(path.join(engine.execRoot, "netns", id), question(name), via);
const found = ({ answers = [] }: DecodedPacket): string[] =>
  answers.map((answer) => ("data" in answer ? String(answer.data) : ""));

const codeOf = ({ flags = 0 }: DecodedPacket): number => flags & 0xf;
const SERVFAIL = 2;
const REFUSED = 5;

for (const network of ["front", "lan"]) {
  test(`on ${network} the next server is asked where one refuses, isn't there, talks nonsense or is silent`, async () => {
    const asked = [REFUSING, CLOSED, TALKING_NONSENSE, SILENT].map(async (first) => {
      const id = await up(`after${first.at(-1)}`, network, [first, GOOD]);
      assert.deepEqual(found(await ask(id, "far.example")), ["192.0.2.7"], first);
    });
    await Promise.all(asked);
  });
}

test("where no server answers the client is told so, and names of containers are answered meanwhile", async () => {
  const id = await up("asker", "lan", [SILENT]);
  const lost = ask(id, "far.example");
  const own = await ask(id, "asker");
  assert.equal(found(own).length, 1);
  assert.equal(codeOf(await lost), SERVFAIL);
  const refused = await up("refused", "front", [REFUSING]);
  assert.equal(codeOf(await ask(refused, "far.example")), REFUSED);
});

test("a cut answer is handed on as it is, and the whole one comes by TCP", async () => {
  const id = await up("asker", "front", [CUTTING]);
  const cut = await ask(id, "far.example");
  assert.deepEqual([cut.flag_tc, found(cut)], [true, []]);
  const whole = await ask(id, "far.example", "tcp");
  assert.deepEqual([whole.flag_tc, found(whole)], [false, ["192.0.2.7"]]);
  assert.match(await engine.ok("exec", "asker", "cat", "/etc/resolv.conf"), /nameserver 127\.0\.0\.11/);
});

test("an alias of many containers is cut to a datagram, whole by TCP, and in another order each time", async () => {
  const alias = `pool-${"x".repeat(50)}`;
  const names = Array.from({ length: 9 }, (_, at) => `one${at}`);
  await Promise.all(names.map((name) => up(name, "front", [], "--network-alias", alias)));
  const id = await up("asker", "front", []);
  const cut = await ask(id, alias);
  assert.equal(cut.flag_tc, true);
  assert.ok(found(cut).length > 0 && found(cut).length < names.length);
  const whole = await ask(id, alias, "tcp");
  assert.equal(whole.flag_tc, false);
  const addresses = await Promise.all(
    names.map((name) => engine.ok("inspect", "-f", "{{.NetworkSettings.Networks.front.IPAddress}}", name)),
  );
  assert.deepEqual(found(whole).toSorted(), addresses.toSorted());
  const firsts = new Set<string | undefined>();
  for (let turn = 0; turn < 100 && firsts.size < 3; turn++) firsts.add(found(await ask(id, alias))[0]);
  assert.equal(firsts.size, 3);
});

test("a search list and ndots do their work in the container, with the answers of both", async () => {
  const options = [
    "--dns-search",
    "example",
    "--dns-option",
    "ndots:1",
    "--dns-option",
    "timeout:2",
    "--dns-option",
    "attempts:1",
  ];
  await up("asker", "front", [GOOD], ...options);
  const text = await engine.ok("exec", "asker", "cat", "/etc/resolv.conf");
  assert.match(text, /^search example\noptions ndots:1 timeout:2 attempts:1$/m);
  const resolved = await engine.docker("exec", "asker", "nslookup", "-type=a", "far");
  assert.match(resolved.stdout, /far\.example[^]*192\.0\.2\.7/);
});

test("from a macvlan network that leads nowhere nothing is asked outside", async () => {
  const id = await up("asker", "island", [GOOD]);
  assert.equal(codeOf(await ask(id, "far.example")), SERVFAIL);
  assert.equal(found(await ask(id, "asker")).length, 1);
});
