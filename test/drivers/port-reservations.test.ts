import assert from "node:assert/strict";
import dgram from "node:dgram";
import { once } from "node:events";
import net from "node:net";
import { after, before, test } from "node:test";
import { SocketReservations } from "../../src/drivers/port-reservations/socket-reservations.ts";
import type { PortClaim } from "../../src/ports/port-reservations.ts";
import { HOST, World } from "./networks-world.ts";

let world: World;
before(() => {
  world = new World();
});
after(() => world.close());

const claim = (port: number, address = "0.0.0.0", protocol: PortClaim["protocol"] = "tcp"): PortClaim => ({
  protocol,
  address,
  port,
});
const listen = (port: number): Promise<net.Server | string> =>
  new Promise((resolve) => {
    const server = net.createServer().unref();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? ""));
    server.listen({ port }, () => resolve(server));
  });

test("a held port is refused to others, answers nobody, and is free when released", async () => {
  const reservations = new SocketReservations();
  assert.equal(reservations.reserve(claim(8001)), true);
  assert.equal(reservations.reserve(claim(8001)), true);
  assert.equal(await listen(8001), "EADDRINUSE");
  assert.equal(new SocketReservations().reserve(claim(8001)), false);
  assert.equal(new SocketReservations().reserve(claim(8001, HOST)), false);
  assert.equal(await world.ask(undefined, "127.0.0.1", 8001), undefined);
  reservations.release(claim(8001));
  reservations.release(claim(8001));
  const server = await listen(8001);
  assert.ok(server instanceof net.Server);
  server.close();
});

test("the process that has a port is named, for TCP and UDP, IPv4 and IPv6", async () => {
  const reservations = new SocketReservations();
  const server = await listen(8002); // on [::], which takes IPv4 too
  assert.equal(reservations.reserve(claim(8002)), false);
  assert.equal(reservations.holder(claim(8002))?.pid, process.pid);
  assert.ok(server instanceof net.Server);
  server.close();
  const socket = dgram.createSocket("udp4").unref();
  await new Promise<void>((resolve) => socket.bind({ port: 8003 }, resolve));
  assert.equal(reservations.reserve(claim(8003, "0.0.0.0", "udp")), false);
  assert.equal(reservations.holder(claim(8003, "0.0.0.0", "udp"))?.pid, process.pid);
  assert.equal(reservations.holder(claim(8003)), undefined);
  socket.close();
});

test("closed connections of an earlier server don't keep a port busy, and it is held all the same", async () => {
  const server = await listen(8004);
  assert.ok(server instanceof net.Server);
  // the server's side closes first and so keeps the port in TIME_WAIT
  server.on("connection", (socket) => socket.end("bye\n"));
  assert.equal(await world.ask(undefined, "127.0.0.1", 8004), "bye");
  await new Promise((resolve) => server.close(resolve));
  assert.match(world.inside("/proc/self/ns/net", "ss", "-Htan", "sport = :8004"), /TIME-WAIT/);
  const reservations = new SocketReservations();
  assert.equal(reservations.reserve(claim(8004)), true);
  assert.equal(await listen(8004), "EADDRINUSE");
  reservations.release(claim(8004));
});

/** What comes back for `text`, sent with an end after it; or the error's code. */
const talk = (host: string, port: number, text: string): Promise<string> =>
  new Promise((resolve) => {
    let answer = "";
    const socket = net.connect({ host, port, allowHalfOpen: true }, () => socket.end(text));
    socket.on("data", (bytes) => (answer += bytes));
    socket.on("end", () => resolve(answer));
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? ""));
  });

test("a held port passes connections on, half-closed ones too, and refuses as its target does", async () => {
  const echo = net.createServer({ allowHalfOpen: true }, (socket) => {
    let heard = "";
    socket.on("data", (bytes) => (heard += bytes));
    socket.on("end", () => socket.end(heard.toUpperCase()));
  });
  await new Promise<void>((resolve) => echo.listen(8006, "127.0.0.1", resolve));
  const reservations = new SocketReservations();
  const held = claim(8007, "::");
  reservations.reserve(held);
  assert.equal(await talk("::1", 8007, "x"), "ECONNREFUSED");
  reservations.relay(held, { address: "127.0.0.1", port: 8006 });
  const long = "text ".repeat(200_000);
  assert.equal(await talk("::1", 8007, long), long.toUpperCase());
  assert.equal(await listen(8007), "EADDRINUSE");
  reservations.relay(held, { address: "127.0.0.1", port: 8009 });
  assert.equal(await talk("::1", 8007, "x"), "ECONNRESET");
  reservations.relay(held, { address: "127.0.0.1", port: 8006 });
  const open = net.connect(8007, "::1");
  const over = once(open, "close");
  await once(open, "connect");
  reservations.release(held);
  await over;
  assert.equal(await talk("::1", 8007, "x"), "ECONNREFUSED");
  echo.close();
});

test("a held port passes datagrams on, and answers to who asked", async () => {
  const echo = dgram.createSocket("udp4");
  echo.on("message", (bytes, from) => echo.send(`${bytes} of ${from.port}`, from.port, from.address));
  await new Promise<void>((resolve) => echo.bind(8006, "127.0.0.1", resolve));
  const reservations = new SocketReservations();
  const held = claim(8008, "::", "udp");
  reservations.reserve(held);
  reservations.relay(held, { address: "127.0.0.1", port: 8006 });
  const answers: string[] = [];
  for (const name of ["one", "two"]) {
    const client = dgram.createSocket("udp6");
    for (const _ of [1, 2]) {
      client.send(name, 8008, "::1");
      const [answer] = (await once(client, "message")) as [Buffer];
      answers.push(answer.toString());
    }
    client.close();
  }
  assert.deepEqual(
    answers.map((answer) => answer.split(" ")[0]),
    ["one", "one", "two", "two"],
  );
  assert.equal(new Set(answers).size, 2, "a flow keeps its port, each client has its own");
  reservations.release(held);
  echo.close();
});

test("an address that the host doesn't have is refused in the system's words", () => {
  assert.throws(
    () => new SocketReservations().reserve(claim(8005, "192.0.2.99")),
    /failed to bind host port 192\.0\.2\.99:8005\/tcp: cannot assign requested address/,
  );
});
