import assert from "node:assert/strict";
import { test } from "node:test";
import { isGantryError } from "../../../src/base/errors.ts";
import { demux } from "../../../src/client/containers.ts";
import { parseHost } from "../../../src/client/endpoint.ts";
import { Gantry } from "../../../src/client/gantry.ts";
import { gather } from "../../../src/client/bodies.ts";
import { json, play } from "../../support/played-engine.ts";
import { until } from "../../support/until.ts";

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test("the version is asked once, and is the older of both sides'", async (t) => {
  const { engine, seen } = await play(t, (_, response) => json(response, 200, []), { apiVersion: "1.41" });
  await engine.containers.list({ all: true, filters: { label: ["a=b"] } });
  await engine.images.list();
  assert.deepEqual(seen, [
    `GET /v1.41/containers/json?all=1&filters=${encodeURIComponent('{"label":{"a=b":true}}')}`,
    "GET /v1.41/images/json",
  ]);
  assert.equal(await engine.transport.atLeast(42), false);
});

test("one connection serves requests that come one after the other", async (t) => {
  const { engine, connections } = await play(t, (_, response) => json(response, 200, []));
  for (let count = 0; count < 5; count += 1) await engine.containers.list();
  assert.equal(connections(), 1);
});

test("an engine's error carries its words, its kind and its hint", async (t) => {
  const { engine } = await play(t, (_, response) =>
    json(response, 409, { message: "port is taken", hint: "try -p 81:80", code: "PORT_TAKEN" }),
  );
  await assert.rejects(engine.containers.start("c"), (error) => {
    assert.ok(isGantryError(error, "PORT_TAKEN"));
    assert.deepEqual([error.kind, error.message, error.hint], ["conflict", "port is taken", "try -p 81:80"]);
    return true;
  });
});

test("no engine: the error says so and how to start one", async () => {
  await assert.rejects(new Gantry({ host: "unix:///nonexistent/s" }).system.version(), (error) => {
    assert.ok(isGantryError(error, "ENGINE_UNREACHABLE"));
    assert.match(error.hint ?? "", /gantryd/);
    return true;
  });
});

test("304 is told from 204", async (t) => {
  const { engine } = await play(t, (request, response) =>
    response.writeHead(request.url?.includes("/old/") ? 304 : 204).end(),
  );
  assert.equal(await engine.containers.start("old"), false);
  assert.equal(await engine.containers.start("new"), true);
});

test("names can't break out of the path", async (t) => {
  const { engine, seen } = await play(t, (_, response) => json(response, 200, {}));
  await engine.containers.inspect("../images/x?a=b");
  await engine.images.inspect("localhost:5000/a/b@sha256:00");
  assert.deepEqual(seen, [
    "GET /v1.51/containers/..%2Fimages%2Fx%3Fa%3Db/json",
    "GET /v1.51/images/localhost:5000/a/b%40sha256:00/json",
  ]);
});

test("chunked, counted and endless bodies are read whole", async (t) => {
  const big = Buffer.alloc(3_000_000, "x");
  const { engine } = await play(t, (request, response) => {
    if (request.url?.includes("/counted/")) response.writeHead(200, { "Content-Length": big.length });
    if (request.url?.includes("/endless/")) {
      response.writeHead(200, { Connection: "close" });
      response.useChunkedEncodingByDefault = false;
    }
    response.end(big);
  });
  for (const name of ["chunked", "counted", "endless"]) {
    assert.equal((await gather(await engine.containers.export(name))).length, big.length, name);
  }
});

test("a body that is cut short is an error, not a shorter body", async (t) => {
  const { engine } = await play(t, (request, response) => {
    response.writeHead(200, request.url?.includes("/counted/") ? { "Content-Length": 100 } : {});
    response.write("abc", () => response.destroy());
  });
  for (const name of ["chunked", "counted"]) {
    await assert.rejects(async () => gather(await engine.containers.export(name)), { code: "CONNECTION_LOST" }, name);
  }
});

test("a stream goes up in chunks, and an early refusal is heard", async (t) => {
  const { engine } = await play(t, (request, response) => {
    if (request.url?.includes("t=refused")) {
      json(response, 400, { message: "no" });
      return;
    }
    let size = 0;
    request.on("data", (chunk: Buffer) => (size += chunk.length));
    request.on("end", () => response.end(`{"stream":"${size}"}\n`));
  });
  async function* context(): AsyncGenerator<Buffer> {
    for (let count = 0; count < 20; count += 1) yield Buffer.alloc(70_000);
  }
  const lines = await collect(engine.images.build(context(), { t: ["a", "b"] }));
  assert.deepEqual(lines, [{ stream: "1400000" }]);
  await assert.rejects(collect(engine.images.build(context(), { t: ["refused"] })), { message: "no" });
});

test("an error while the body is made is the caller's own error", async (t) => {
  const { engine } = await play(t, (request) => void request.resume());
  async function* broken(): AsyncGenerator<Buffer> {
    yield Buffer.from("x");
    throw new Error("file shrank");
  }
  await assert.rejects(collect(engine.images.build(broken(), {})), /file shrank/);
});

test("attach hands over both directions: what came early is not lost, closing stdin alone leaves the output", async (t) => {
  const { engine, seen } = await play(t, () => {});
  const { socket } = await engine.containers.attach("c", { stdin: true, stdout: true, stderr: true });
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  socket.end("typed");
  const texts: string[] = [];
  for await (const { stream, data } of demux(socket, false)) texts.push(`${stream} ${data.toString()}`);
  assert.deepEqual(texts, ["1 early ", "2 typed"]);
  assert.deepEqual(seen, ["UPGRADE /v1.51/containers/c/attach?stream=1&stdin=1&stdout=1&stderr=1"]);
});

test("a signal ends a stream that has no end", async (t) => {
  const { engine } = await play(t, (_, response) => void response.write('{"Type":"x"}\n'));
  const abort = new AbortController();
  const events = engine.system.events({}, abort.signal);
  assert.equal((await events.next()).value?.Type, "x");
  abort.abort(new Error("enough"));
  await assert.rejects(events.next(), /enough/);
});

test("hosts", () => {
  assert.deepEqual(parseHost("unix:///a/b"), { kind: "unix", path: "/a/b", text: "unix:///a/b" });
  assert.deepEqual(parseHost("tcp://h:1"), { kind: "tcp", host: "h", port: 1, text: "tcp://h:1" });
  assert.deepEqual(parseHost("tcp://[::1]:80"), { kind: "tcp", host: "::1", port: 80, text: "tcp://[::1]:80" });
  for (const bad of ["foo", "ssh://-a", "unix://", "tcp://h:x", "tcp://h:99999"]) {
    assert.throws(() => parseHost(bad), { code: "BAD_HOST" }, bad);
  }
});

test("an answer of which nothing is read leaves its connection free, or closes it", async (t) => {
  const { engine, connections } = await play(t, (request, response) => {
    if (request.method !== "HEAD") return void response.write("endless");
    const stat = Buffer.from('{"name":"a","size":3}').toString("base64");
    response.writeHead(200, { "X-Docker-Container-Path-Stat": stat }).end();
  });
  assert.equal((await engine.containers.stat("c", "/a")).size, 3);
  assert.equal((await engine.containers.stat("c", "/a")).size, 3);
  assert.equal(connections(), 1);
  const body = await engine.containers.export("c");
  await body.return(undefined);
  await engine.containers.stat("c", "/a");
  assert.equal(connections(), 2);
});

test("a signal ends the wait for an engine that says nothing at all", async (t) => {
  const { engine } = await play(t, () => {}, { silent: true });
  const signal = AbortSignal.timeout(20);
  await assert.rejects(engine.containers.list({}, signal), { name: "TimeoutError" });
});

test("a signal ends a stream with its own reason, also between two pieces", async (t) => {
  const { engine } = await play(t, (_, response) => void response.write("first"));
  const stop = new AbortController();
  const reason = new Error("enough");
  const body = await engine.containers.export("c", stop.signal);
  assert.equal(String((await body.next()).value), "first");
  stop.abort(reason);
  await assert.rejects(body.next(), (error) => error === reason);
});

test("a loop that is left closes its connection, and a slow reader stops the engine", async (t) => {
  let closed = false;
  let accepted = 0;
  const { engine } = await play(t, (_, response) => {
    response.on("close", () => (closed = true));
    const pour = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(1 << 16, "x"))) accepted += 1 << 16;
    };
    response.on("drain", pour);
    pour();
  });
  for await (const chunk of await engine.containers.export("c")) {
    assert.ok(chunk.length > 0);
    let before = -1;
    await until(
      () => {
        const still = accepted === before;
        before = accepted;
        return still;
      },
      { what: "the engine to stop", every: 100 },
    );
    assert.ok(accepted < 16 << 20, `${accepted} bytes went out to a reader that took one piece`);
    break;
  }
  await until(() => closed, { what: "the connection to close" });
});
