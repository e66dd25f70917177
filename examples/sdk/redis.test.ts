// A throw-away service for tests, in an engine that lives as long as they do: node --test examples/sdk/redis.test.ts (as root)
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, beforeEach, describe, it } from "node:test";
import { type Container, Gantry, type LocalEngine } from "gantry";
import { buildRedisImage } from "./redis-image.ts";

describe("a counter in Redis", () => {
  let engine: LocalEngine;
  let redis: Container;
  let address: { host: string; port: number };

  before(async () => {
    engine = await Gantry.start();
    await buildRedisImage(engine, "redis");
    redis = await engine.containers.start("redis", {
      ports: [6379],
      tmpfs: { "/data": "size=16m" },
      workingDir: "/data",
      ready: { port: 6379, log: "Ready to accept connections", timeout: 20_000 },
    });
    address = await redis.address(6379);
  });
  after(() => engine.stop());

  // Each test begins with an empty database, without a new container.
  beforeEach(async () => {
    assert.equal((await redis.exec(["redis-cli", "flushall"])).stdout.trim(), "OK");
  });

  const ask = async (line: string): Promise<string> => {
    const socket = connect(address.port, address.host);
    socket.end(`${line}\r\n`);
    const [answer] = (await once(socket, "data")) as [Buffer];
    return answer.toString().trim();
  };

  it("counts", async () => {
    assert.equal(await ask("INCR visits"), ":1");
    assert.equal(await ask("INCR visits"), ":2");
  });

  it("begins anew", async () => {
    assert.equal(await ask("INCR visits"), ":1");
  });
});
