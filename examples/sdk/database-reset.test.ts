// A database that every test finds as it was prepared once: node --test examples/sdk/database-reset.test.ts (as root)
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { type Container, Gantry, type LocalEngine } from "gantry";
import { buildRedisImage } from "./redis-image.ts";

describe("visits that were counted before", () => {
  let engine: LocalEngine;
  let redis: Container;
  const ask = async (...words: string[]): Promise<string> =>
    (await redis.exec(["redis-cli", ...words])).stdout.trim();

  before(async () => {
    engine = await Gantry.start();
    await buildRedisImage(engine, "redis");
    redis = await engine.containers.start("redis", {
      volumes: ["visits:/data"],
      workingDir: "/data",
      ports: [6379],
      ready: { port: 6379, timeout: 20_000 },
    });
    // What takes long is done once: migrations, test data.
    await ask("SET", "visits", "41");
    await ask("SAVE"); // Redis writes to disk when it is told to; databases with a journal need nothing of the kind
    await redis.snapshot("prepared");
  });
  after(() => engine.stop());

  // Milliseconds, and the address stays the same.
  beforeEach(async () => {
    await redis.restore("prepared");
    await redis.waitForPort(6379);
  });

  it("go on from there", async () => {
    assert.equal(await ask("INCR", "visits"), "42");
    await ask("SAVE");
  });

  it("know nothing of other tests", async () => {
    assert.equal(await ask("GET", "visits"), "41");
    await ask("FLUSHALL");
  });

  it("and come back also when a test lost them", async () => {
    assert.equal(await ask("INCR", "visits"), "42");
  });
});
