import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";
import { type Host, World } from "../support/world.ts";

const HOST = "192.0.2.1";

describe("rules that others take away", () => {
  const world = new World();
  let host: Host;
  let neighbour: Host;
  let engine: TestEngine;

  before(async () => {
    [host, neighbour] = await world.neighbours();
    engine = await TestEngine.start({ netns: host.netns });
    await engine.ok("run", "-d", "-p", "8080:80", "busybox", "nc", "-ll", "-p", "80", "-e", "echo", "here");
  });

  after(async () => {
    await engine.end();
    await world.close();
  });

  beforeEach(async () => assert.equal(await neighbour.ask(HOST, 8080), "here"));

  const tables = (): string[] =>
    host
      .ok("nft", "list", "tables")
      .split("\n")
      .filter((line) => line.includes("gantry_"));
  const back = (before: string[]): Promise<void> =>
    until(() => tables().join() === before.join(), { what: "the tables", timeout: 1000, every: 5 });

  for (const damage of ["flush ruleset", "delete table inet TABLE", "flush chain inet TABLE prerouting"]) {
    test(`"${damage}" is put right within a second, and the log says who did it`, async () => {
      const before = tables();
      const told = engine.log.length;
      host.ok("nft", damage.replace("TABLE", `gantry_${engine.bridge}`));
      await back(before);
      await until(() => engine.log.slice(told).includes("they are back"), { what: "word", timeout: 1000 });
      assert.match(engine.log.slice(told), /another program changed .* by="nft \(pid \d+\)/);
      assert.equal(await neighbour.ask(HOST, 8080), "here");
    });
  }

  test("changes of others' rules cost no repair, and the engine's own are not taken for others'", async () => {
    const told = engine.log.length;
    host.ok("nft", "add table ip theirs; add chain ip theirs c; add rule ip theirs c counter");
    const id = await engine.ok("run", "-d", "-p", "8081:80", "busybox", "sleep", "60");
    await engine.ok("rm", "-f", id);
    await engine.ok("network", "create", "other");
    await engine.ok("network", "rm", "other");
    assert.doesNotMatch(engine.log.slice(told), /another program/);
    assert.match(host.ok("nft", "list", "table", "ip", "theirs"), /counter/);
    host.ok("nft", "delete", "table", "ip", "theirs");
  });

  test("a container that starts just when the rules were taken away is published", async () => {
    const id = await engine.ok("create", "-p", "8083:80", "busybox", "nc", "-ll", "-p", "80", "-e", "echo", "late");
    const started = engine.ok("start", id);
    host.ok("nft", "flush", "ruleset");
    await started;
    await until(async () => (await neighbour.ask(HOST, 8083, { timeout: 500 })) === "late", { what: "the port" });
    await engine.ok("rm", "-f", id);
  });

  test("a container that goes after its rules were taken away goes whole", async () => {
    const id = await engine.ok("run", "-d", "-p", "8082:80", "busybox", "sleep", "60");
    host.ok("nft", "flush ruleset");
    await engine.ok("rm", "-f", id);
    await until(() => tables().length > 0, { what: "the tables", timeout: 1000 });
    assert.doesNotMatch(host.ok("nft", "list", "ruleset"), /8082/);
  });
});
