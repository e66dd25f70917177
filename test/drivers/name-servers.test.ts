import assert from "node:assert/strict";
import dgram from "node:dgram";
import fs from "node:fs";
import net from "node:net";
import { after, before, test } from "node:test";
import { NamespaceNameServers } from "../../src/drivers/name-servers/namespace-name-servers.ts";
import { TcpMessages, tcpMessage } from "../../src/drivers/name-servers/tcp-messages.ts";
import { run } from "../support/engine.ts";
import { until } from "../support/until.ts";
import { World } from "./networks-world.ts";

let world: World;
const servers = new NamespaceNameServers();

before(() => {
  world = new World();
});
after(() => world.close());

const inside = (script: string): Promise<{ code: number; stdout: string; stderr: string }> =>
  run("nsenter", [`--net=${world.neighbour}`, process.execPath, "-e", script]);
const sockets = (): number => fs.readdirSync("/proc/self/fd").length;
const echo = async (query: Buffer): Promise<Buffer> => query;

/** A whole query as a client would write it. */
const QUERY = Buffer.from("12670100000100000000000001610000010001", "hex");

const ONE_UDP = `const s = require("dgram").createSocket("udp4"); setTimeout(() => process.exit(3), 3000).unref();
  s.on("message", (m, from) => { console.log(m.toString(), from.address, from.port); s.close(); });
  s.send("hello", 53, "127.0.0.11");`;

test("UDP and TCP are answered from 127.0.0.11:53, with another server on port 53 beside it", async () => {
  const server = servers.serve(world.neighbour, echo);
  try {
    assert.equal((await inside(ONE_UDP)).stdout, "hello 127.0.0.11 53\n");
    const beside = await inside(`const d = require("dgram").createSocket("udp4"), s = require("net").createServer();
      d.bind(53, "0.0.0.0", () => s.listen(53, "0.0.0.0", () => { console.log("both"); process.exit(); }));`);
    assert.equal(beside.stdout, "both\n", beside.stderr);
    const tcp = await inside(`const s = require("net").connect(53, "127.0.0.11"); let got = "";
      s.on("data", (m) => { got += m.toString("latin1"); if (got.length === 9 + 65537) { console.log(got.slice(0, 9)); s.destroy(); } });
      s.write("\\0\\x05he"); setImmediate(() => s.write(Buffer.concat([Buffer.from("llo\\0\\0\\xff\\xff", "latin1"), Buffer.alloc(65535, 97)])));`);
    assert.equal(tcp.stdout, "\0\x05hello\0\0\n", tcp.stderr);
  } finally {
    server.close();
  }
});

test("messages come out of a stream however it is cut", () => {
  const texts = ["", "a", "bc".repeat(300), "", "d".repeat(65_535)];
  const stream = Buffer.concat(texts.map((text) => tcpMessage(Buffer.from(text))));
  for (const size of [1, 2, 3, 7, 1000, stream.length]) {
    const messages = new TcpMessages();
    const found: string[] = [];
    for (let at = 0; at < stream.length; at += size) {
      found.push(...messages.push(stream.subarray(at, at + size)).map(String));
    }
    assert.deepEqual(found, texts, `by ${size}`);
  }
});

test("a server takes the place of one that an earlier engine left, and of its rules", async () => {
  servers.serve(world.neighbour, echo).close();
  const first = servers.serve(world.neighbour, echo); // the old sockets are still closing: another port
  const second = servers.serve(world.neighbour, async (query) => Buffer.from(query.toString().toUpperCase()));
  try {
    assert.equal((await inside(ONE_UDP)).stdout, "HELLO 127.0.0.11 53\n");
    assert.equal(world.inside(world.neighbour, "nft", "list", "ruleset").match(/dnat/g)?.length, 2);
  } finally {
    first.close();
    second.close();
    second.close();
  }
});

test("closing gives all descriptors back, also those of clients and waiting questions", async () => {
  const before = sockets();
  const server = servers.serve(world.neighbour, () => new Promise(() => {}));
  const client = inside(
    `const s = require("net").connect(53, "127.0.0.11", () => s.write("\\0\\x01x")); s.on("close", () => process.exit());`,
  );
  await until(() => sockets() > before + 3, { what: "the client" });
  const abort = new AbortController();
  const asked = { server: "192.0.2.1", netns: world.neighbour, query: QUERY, timeout: 60_000, signal: abort.signal };
  const waiting = [servers.ask({ ...asked, via: "udp" }), servers.ask({ ...asked, via: "tcp" })];
  for (const one of waiting) one.catch(() => {});
  server.close();
  abort.abort();
  for (const one of waiting) await assert.rejects(one, { code: "UPSTREAM_FAILED" });
  await client;
  await until(() => sockets() <= before, { what: "the descriptors" });
});

test("an upstream's reply counts only with the id and the question, over UDP and TCP", async () => {
  const forged = (query: Buffer): Buffer[] => {
    const id = Buffer.from(query).fill(query[0]! ^ 1, 0, 1);
    const name = Buffer.from(query);
    name[13] = 98;
    const right = Buffer.from(query);
    right[13] = 65;
    for (const reply of [id, name, right]) reply[2] = 0x81;
    return [query, id, name, Buffer.alloc(3), right];
  };
  const udp = dgram.createSocket({ type: "udp4", lookup: (host, _options, done) => done(null, host, 4) });
  udp.on("message", (query, from) => forged(query).forEach((reply) => udp.send(reply, from.port, from.address)));
  const tcp = net.createServer((socket) => {
    const messages = new TcpMessages();
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: Buffer) =>
      messages
        .push(chunk)
        .flatMap(forged)
        .forEach((one) => socket.write(tcpMessage(one))),
    );
  });
  world.within(world.neighbour, () => {
    udp.bind(53, "127.0.0.1");
    tcp.listen({ port: 53 });
  });
  try {
    for (const via of ["udp", "tcp"] as const) {
      const { signal } = new AbortController();
      const asked = { server: "127.0.0.1", netns: world.neighbour, via, query: QUERY, timeout: 5000, signal };
      const reply = await servers.ask(asked);
      assert.equal(reply.toString("hex", 0, 4), "12678100", via);
      assert.equal(reply.toString("latin1", 13, 14), "A", "the name in the server's own case");
    }
  } finally {
    udp.close();
    tcp.close();
  }
});

test("nobody there, no time left and an address that is none are failures", async () => {
  const { signal } = new AbortController();
  const asked = { netns: world.neighbour, query: QUERY, timeout: 50, signal };
  for (const via of ["udp", "tcp"] as const) {
    for (const server of ["127.0.0.9", "192.0.2.1", "::1", "nonsense", ""]) {
      await assert.rejects(servers.ask({ ...asked, via, server }), { code: "UPSTREAM_FAILED" }, `${via} ${server}`);
    }
  }
  assert.throws(() => servers.serve("/nowhere", echo), { code: "NAME_SERVER_FAILED" });
});
