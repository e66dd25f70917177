import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import dgram from "node:dgram";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { after, afterEach, before, test } from "node:test";
import * as dnsPacket from "dns-packet";
import { tcpMessage, TcpMessages } from "../../src/drivers/name-servers/tcp-messages.ts";
import { askDns, question, type Transport } from "../support/dns.ts";
import { run, TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

let engine: TestEngine;
let upstream: { questions: string[]; close(): void };

before(async () => {
  engine = await TestEngine.start();
  upstream = await startUpstream(`${engine.subnet}.1`);
  for (const network of ["front", "back"]) await engine.ok("network", "create", network);
  await engine.ok("network", "create", "--internal", "cellar");
});
afterEach(() => engine.clear());
after(async () => {
  upstream?.close();
  for (const network of ["front", "back", "cellar"]) await engine.docker("network", "rm", network);
  await engine.end();
});

/** A name server on the host: `*.example` is 192.0.2.7, all else isn't there. Counts what it is asked. */
async function startUpstream(address: string): Promise<typeof upstream> {
  const questions: string[] = [];
  const answer = (bytes: Buffer): Buffer => {
    const { id, questions: asked = [] } = dnsPacket.decode(bytes);
    const [{ name, type } = { name: "", type: "" }] = asked;
    questions.push(`${name} ${type}`);
    const known = name.endsWith(".example");
    const answers = known && type === "A" ? [{ type: "A" as const, name, ttl: 5, data: "192.0.2.7" }] : [];
    return dnsPacket.encode({ type: "response", id, flags: 0x180 | (known ? 0 : 3), questions: asked, answers });
  };
  const udp = dgram.createSocket("udp4");
  udp.on("message", (bytes, from) => udp.send(answer(bytes), from.port, from.address));
  const tcp = net.createServer((socket) => {
    const messages = new TcpMessages();
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => messages.push(chunk).forEach((one) => socket.write(tcpMessage(answer(one)))));
  });
  udp.bind(53, address);
  tcp.listen(53, address);
  await Promise.all([once(udp, "listening"), once(tcp, "listening")]);
  return { questions, close: () => [udp, tcp].forEach((server) => server.close()) };
}

const DNS = (): string[] => ["--dns", `${engine.subnet}.1`];

const up = (name: string, ...options: string[]): Promise<string> =>
  engine.ok("run", "-d", "--name", name, "--init", ...options, "busybox", "sleep", "1000");

const address = (name: string, network: string): Promise<string> =>
  engine.ok("inspect", "-f", `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`, name);

/** What busybox' nslookup finds: addresses, or the failure. */
async function lookUp(from: string, name: string, type = "a"): Promise<string> {
  const { stdout, stderr } = await engine.docker("exec", from, "nslookup", `-type=${type}`, name);
  const text = `${stdout}${stderr}`.split("\n").slice(3).join("\n");
  const failure = /NXDOMAIN|SERVFAIL|REFUSED|timed out/.exec(text)?.[0];
  return failure ?? [...text.matchAll(/^Address(?: \d+)?: (.*)$/gm)].map(([, found]) => found).join(" ");
}

/** For nsenter: a script in a container's network namespace. */
const inside = (id: string, script: string, ...argv: string[]): string[] => [
  `--net=${path.join(engine.execRoot, "netns", id)}`,
  ...[process.execPath, "-e", script, ...argv],
];

const rawAsk = (id: string, query: Buffer, via: Transport): Promise<dnsPacket.DecodedPacket> =>
  askDns(path.join(engine.execRoot, "netns", id), query, via);

test("containers on a network of the user's reach each other by name, alias and short id; strangers don't", async () => {
  const web = await up("web", "--network", "front", "--network-alias", "www", "--hostname", "shop.example.org");
  await up("client", "--network", "front", ...DNS());
  await up("stranger", "--network", "back", ...DNS());
  await up("plain", ...DNS());
  const there = await address("web", "front");
  for (const name of ["web", "www", "WEB", "shop.example.org", "web.front", web.slice(0, 12)]) {
    assert.equal(await lookUp("client", name), there, name);
    assert.equal(await lookUp("stranger", name), "NXDOMAIN", name);
  }
  assert.match(
    await engine.ok("exec", "client", "ping", "-c1", "-W2", "www"),
    new RegExp(`${there}.*\n.*1 packets received|1 packets received`),
  );
  assert.equal(await lookUp("client", "web", "aaaa"), "");
  assert.equal(await lookUp("plain", "web"), "NXDOMAIN", "the default bridge has no names");
  assert.equal(await engine.ok("exec", "plain", "cat", "/etc/resolv.conf"), `nameserver ${engine.subnet}.1`);
  assert.match(await engine.ok("exec", "client", "nslookup", there), /name = web\.front/);
  const names = await engine.ok("inspect", "-f", "{{json .NetworkSettings.Networks.front.DNSNames}}", "web");
  assert.deepEqual(JSON.parse(names), ["web", "www", web.slice(0, 12), "shop.example.org"]);
});

test("resolv.conf names the server, with what the user asked for; a joined container has the same", async () => {
  const asked = [...DNS(), "--dns-search", "corp.example", "--dns-option", "timeout:3", "--dns-option", "ndots:0"];
  await up("web", "--network", "front", ...asked);
  const text = await engine.ok("exec", "web", "cat", "/etc/resolv.conf");
  assert.match(text, /^nameserver 127\.0\.0\.11\nsearch corp\.example\noptions timeout:3 ndots:0$/m);
  assert.ok(text.includes(`# ExtServers: [${engine.subnet}.1]\n# Overrides: [nameservers search options]`), text);
  await up("beside", "--network", "container:web");
  assert.equal(await engine.ok("exec", "beside", "cat", "/etc/resolv.conf"), text);
  assert.match(await engine.ok("exec", "beside", "ping", "-c1", "-W2", "web"), /1 packets received/);
  const none = await engine.ok("run", "--rm", "--network", "none", "busybox", "cat", "/etc/resolv.conf");
  assert.doesNotMatch(none, /127\.0\.0\.11/);
});

test("an alias of several containers names them all, in turns", async () => {
  await up("one", "--network", "front", "--network-alias", "pool");
  await up("two", "--network", "front", "--network-alias", "pool");
  const client = await up("client", "--network", "front");
  const all = [await address("one", "front"), await address("two", "front")];
  const first = new Set<string>();
  await until(
    async () => {
      const answers = (await rawAsk(client, question("pool"), "udp")).answers ?? [];
      const found = answers.map((answer) => ("data" in answer ? String(answer.data) : ""));
      assert.deepEqual(found.toSorted(), all.toSorted());
      first.add(found[0] ?? "");
      return first.size === 2;
    },
    { what: "each to come first" },
  );
  await engine.ok("rm", "-f", "one");
  assert.equal(await lookUp("client", "pool"), all[1]);
});

test("connect, disconnect and rename of running containers count at once, also for one of the default bridge", async () => {
  await up("web", "--network", "back");
  await up("client", ...DNS());
  await engine.ok("network", "connect", "front", "client");
  assert.match(await engine.ok("exec", "client", "cat", "/etc/resolv.conf"), /^nameserver 127\.0\.0\.11$/m);
  assert.equal(await lookUp("client", "late"), "NXDOMAIN");
  await engine.ok("network", "connect", "--alias", "late", "front", "web");
  assert.equal(await lookUp("client", "late"), await address("web", "front"));
  await engine.ok("rename", "web", "site");
  assert.equal(await lookUp("client", "site"), await address("site", "front"));
  assert.equal(await lookUp("client", "web"), "NXDOMAIN");
  await engine.ok("network", "disconnect", "front", "site");
  assert.equal(await lookUp("client", "site"), "NXDOMAIN");
});

test("other names are asked for at the user's servers, by UDP and TCP", async () => {
  const client = await up("client", "--network", "front", ...DNS());
  upstream.questions.length = 0;
  assert.equal(await lookUp("client", "some.example"), "192.0.2.7");
  assert.deepEqual(upstream.questions, ["some.example A"]);
  for (const via of ["udp", "tcp"] as const) {
    const far = await rawAsk(client, question("other.example"), via);
    assert.deepEqual([far.id, far.answers?.map((one) => "data" in one && one.data)], [7, ["192.0.2.7"]], via);
    const near = await rawAsk(client, question("client"), via);
    assert.deepEqual(
      near.answers?.map((one) => "data" in one && one.data),
      [await address("client", "front")],
      via,
    );
  }
});

test("from an internal network nothing leaks", async () => {
  await up("vault", "--network", "cellar", ...DNS());
  await up("other", "--network", "cellar", ...DNS());
  upstream.questions.length = 0;
  assert.equal(await lookUp("vault", "other"), await address("other", "cellar"));
  assert.equal(await lookUp("vault", "secret.example"), "SERVFAIL");
  assert.equal(await lookUp("vault", "secret"), "SERVFAIL");
  assert.deepEqual(upstream.questions, []);
});

/** A program of a container's own on port 53 of all addresses, which answers every question with 192.0.2.9. */
async function ownServer(id: string): Promise<ChildProcess> {
  const script = `const s = require("dgram").createSocket("udp4");
    s.on("message", (m, from) => { const end = m.indexOf(0, 12) + 5;
      const a = Buffer.from("c00c000100010000000a0004c0000209", "hex"), r = Buffer.concat([m.subarray(0, end), a]);
      r.writeUInt16BE(0x8180, 2); r.writeUInt16BE(1, 6); r.fill(0, 8, 12); s.send(r, from.port, from.address); });
    s.bind(53, () => console.log("listens"));`;
  const child = spawn("nsenter", inside(id, script), { stdio: ["ignore", "pipe", "inherit"] });
  const [text] = (await once(child.stdout, "data")) as [Buffer];
  assert.match(text.toString(), /listens/);
  return child;
}

test("a container may be a name server itself, on port 53 of all its addresses, and its own first choice", async () => {
  const own = await up("own", "--network", "front", "--dns", "127.0.0.1");
  const server = await ownServer(own);
  try {
    await up("client", "--network", "front", "--dns", await address("own", "front"));
    assert.equal(await lookUp("own", "home.example"), "192.0.2.9", "on its own loopback");
    assert.equal(await lookUp("client", "home.example"), "192.0.2.9", "another container as upstream");
    assert.equal(await lookUp("own", "client"), await address("client", "front"));
  } finally {
    server.kill("SIGKILL");
  }
});

test("after kill -9 of the engine names are answered again, and nothing is lost by a restart", async () => {
  await up("web", "--network", "front", "--network-alias", "www", ...DNS());
  const client = await up("client", "--network", "front", ...DNS());
  const there = await address("web", "front");
  assert.equal(await lookUp("client", "www"), there);
  await engine.crash();
  await engine.up();
  assert.equal(await lookUp("client", "www"), there);
  assert.equal(await lookUp("client", "some.example"), "192.0.2.7");
  await engine.down();
  await engine.up();
  assert.equal(await lookUp("client", "www"), there);
  const rules = await run("nsenter", [
    `--net=${path.join(engine.execRoot, "netns", client)}`,
    "nft",
    "list",
    "ruleset",
  ]);
  assert.equal(rules.stdout.match(/dnat to 127\.0\.0\.11:61053/g)?.length, 2, rules.stdout);
});

test("ten thousand questions at once and broken ones do no harm", async () => {
  const client = await up("client", "--network", "front", "--dns", "192.0.2.1");
  const script = `const s = require("dgram").createSocket("udp4"); const q = Buffer.from(process.argv[1], "hex"); let n = 0;
    s.on("message", () => n++);
    (function more(i) { if (i === 10000) return setTimeout(() => { console.log(n); process.exit(0); }, 300);
      const b = Buffer.from(q); if (i % 3 === 0) b.fill(i & 255, 12); s.send(b, 53, "127.0.0.11", () => more(i + 1)); })(0);`;
  const flood = await run("nsenter", inside(client, script, question("far.example").toString("hex")));
  assert.ok(Number(flood.stdout) > 0, flood.stderr);
  assert.equal(await lookUp("client", "client"), await address("client", "front"));
  await engine.ok("rm", "-f", "client");
  const open = (): number => fs.readdirSync(`/proc/${engine.pid}/fd`).length;
  await until(() => open() < 100, { what: "the sockets to be closed" });
});
