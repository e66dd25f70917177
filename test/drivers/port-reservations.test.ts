import assert from "node:assert/strict";
import dgram from "node:dgram";
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

test("an address that the host doesn't have is refused in the system's words", () => {
  assert.throws(
    () => new SocketReservations().reserve(claim(8005, "192.0.2.99")),
    /failed to bind host port 192\.0\.2\.99:8005\/tcp: cannot assign requested address/,
  );
});
