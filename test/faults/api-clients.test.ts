import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import { after, before, describe, it } from "node:test";
import { TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

const CLIENTS = 1000;
/** Each of those that ask, one after the other on a connection that is kept. */
const QUESTIONS = 5;
/** MiB that the engine may grow by. */
const GROWTH = 150;

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

const sockets = (): number =>
  fs.readdirSync(`/proc/${engine.pid}/fd`).filter((fd) => {
    try {
      return fs.readlinkSync(`/proc/${engine.pid}/fd/${fd}`).startsWith("socket:");
    } catch {
      return false;
    }
  }).length;
const memory = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${engine.pid}/status`, "utf8"))?.[1]) / 1024;

/** Asks several things on one connection. */
async function ask(): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const paths = ["/_ping", "/v1.51/containers/json", "/v1.43/info", "/v1.51/images/json", "/v1.24/version"];
  for (const path of paths.slice(0, QUESTIONS)) {
    const request = http.get({ socketPath: engine.socket, path, agent });
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    assert.equal(response.statusCode, 200);
    for await (const _ of response);
  }
  agent.destroy();
}

/** Opens a stream and leaves it open; resolves with its socket once `sign` has come over it. */
async function listen(request: string, sign: string): Promise<net.Socket> {
  const socket = net.connect(engine.socket);
  await once(socket, "connect");
  socket.write(`${request} HTTP/1.1\r\nHost: d\r\n${request.includes("/attach") ? UPGRADE : ""}\r\n`);
  let text = "";
  for (;;) {
    const [chunk] = (await once(socket, "data")) as [Buffer];
    text += chunk.toString("latin1");
    if (text.includes(sign)) return socket.on("data", () => {});
  }
}
const UPGRADE = "Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n";

describe(`${CLIENTS} clients at once`, () => {
  it("get their answers and streams, and leave nothing behind", async (t) => {
    await engine.ok("run", "-d", "--name", "talks", "busybox", "sh", "-c", "echo ready; sleep 1000");
    await engine.ok("run", "-d", "--name", "silent", "busybox", "sleep", "1000");
    await until(async () => (await engine.ok("logs", "talks")) === "ready", { what: "the container to talk" });
    const before = { sockets: sockets(), memory: memory() };
    const began = performance.now();
    const streams = [
      ...Array.from({ length: 200 }, () => ["GET /v1.51/events", "200 OK"] as const),
      ...Array.from({ length: 150 }, () => ["GET /containers/talks/logs?stdout=1&follow=1", "ready"] as const),
      ...Array.from(
        { length: 100 },
        () => ["POST /containers/silent/attach?stream=1&stdout=1", "101 UPGRADED"] as const,
      ),
      ...Array.from({ length: 50 }, () => ["POST /containers/silent/wait", "200 OK"] as const),
    ];
    const [open] = await Promise.all([
      Promise.all(streams.map(([request, sign]) => listen(request, sign))),
      Promise.all(Array.from({ length: CLIENTS - streams.length }, ask)),
    ]);
    const busy = { sockets: sockets(), memory: memory() };
    assert.ok(busy.sockets - before.sockets >= streams.length, `${busy.sockets} sockets`);
    assert.ok(busy.memory - before.memory < GROWTH, `grew from ${before.memory} to ${busy.memory} MiB`);

    // everybody hears of it
    const heard = open.slice(0, 200).map((socket) => once(socket, "data"));
    await engine.ok("volume", "create", "heard");
    await Promise.all(heard);
    const pinged = performance.now();
    assert.equal((await engine.get("/_ping")).text, "OK");
    const ping = performance.now() - pinged;

    // half of them say goodbye, half just go
    open.forEach((socket, index) => (index % 2 === 0 ? socket.end() : socket.destroy()));
    open.forEach((socket, index) => index % 2 === 0 && socket.once("end", () => socket.destroy()));
    await new Promise((resolve) => setImmediate(resolve));
    for (const socket of open) socket.destroy();
    await until(() => sockets() <= before.sockets, {
      what: `the sockets to be closed: ${before.sockets} before`,
      timeout: 12_000,
    });
    assert.doesNotMatch(engine.log, /bug/);
    t.diagnostic(
      `${Math.round(performance.now() - began)} ms; ${Math.round(before.memory)} MiB, ${Math.round(busy.memory)} with all of them; ping ${Math.round(ping)} ms`,
    );
  });
});
