import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";
import { footprint, pingsDuring, sideBySide, zombies } from "./crowd-facts.ts";
import { assertTruth, inspect } from "./facts.ts";

const CROWD = 50;
const MASSES = 200;

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

describe("many containers", () => {
  it(`starts ${CROWD} at once and removes them all at once, without an error or a zombie`, async (t) => {
    const began = performance.now();
    const names = Array.from({ length: CROWD }, (_, index) => `crowd${index}`);
    const results = await Promise.all(
      names.map((name) => engine.docker("run", "-d", "--name", name, "busybox", "sleep", "1000")),
    );
    assert.deepEqual(results.map(({ stderr }) => stderr).filter(Boolean), []);
    t.diagnostic(`${CROWD} started in ${Math.round(performance.now() - began)} ms`);
    await assertTruth(engine);
    const removed = await Promise.all(
      [0, 1, 2, 3, 4].map((part) => engine.docker("rm", "-f", ...names.slice(part * 10, part * 10 + 10))),
    );
    assert.deepEqual(removed.map(({ stderr }) => stderr).filter(Boolean), []);
    assert.equal(await engine.ok("ps", "-aq"), "");
    assert.deepEqual(zombies(engine), []);
  });

  it(`makes, starts, stops and removes ${MASSES} at once through the API, and stays answerable and small`, async (t) => {
    const ask = async (method: string, path: string, body?: object): Promise<void> => {
      const { status, text } = await engine.get(path, method, body);
      assert.ok(status < 300, `${method} ${path}: ${status} ${text}`);
    };
    const create = { Image: "busybox", Cmd: ["sleep", "1000"], StopSignal: "SIGKILL" };
    const steps: [name: string, step: (index: number) => Promise<void>][] = [
      ["create", (index) => ask("POST", `/containers/create?name=mass${index}`, create)],
      ["start", (index) => ask("POST", `/containers/mass${index}/start`)],
      ["stop", (index) => ask("POST", `/containers/mass${index}/stop?t=20`)],
      ["remove", (index) => ask("DELETE", `/containers/mass${index}`)],
    ];
    const before = footprint(engine);
    for (const [name, step] of steps) {
      const began = performance.now();
      const pings = await pingsDuring(engine, () => sideBySide(MASSES, MASSES, step));
      const took = performance.now() - began;
      const worst = pings.at(-1) ?? 0;
      const { rss } = footprint(engine);
      t.diagnostic(`${name}: ${Math.round(took)} ms, _ping at most ${Math.round(worst)} ms, ${Math.round(rss)} MB`);
      // a crowd at the door must not keep everybody else out until it is through
      assert.ok(worst < Math.max(5000, took * 0.6), `${name}: _ping took ${worst} of ${took} ms`);
      assert.ok(rss < before.rss + 150, `${rss} MB`);
      if (name === "start") assert.equal((await engine.ok("ps", "-q")).split("\n").length, MASSES);
    }
    assert.equal(await engine.ok("ps", "-aq"), "");
    await until(() => zombies(engine).length === 0, { what: "zombies to be reaped" });
    await until(() => footprint(engine).fds <= before.fds + 4, { what: "descriptors to be closed" });
  });
});

describe("a container that does not want to end", () => {
  it("holds up nobody else while it is stopped", async () => {
    const id = await engine.ok("run", "-d", "busybox", "sh", "-c", 'trap "" TERM; while :; do sleep 1; done');
    let over = false;
    const began = performance.now();
    const stopping = engine.ok("stop", "-t", "3", id).then(() => {
      over = true;
    });
    await engine.ok("run", "--rm", "busybox", "true");
    assert.equal((await inspect(engine, id)).State.Status, "running");
    assert.match(await engine.ok("exec", id, "echo", "still here"), /still here/);
    await engine.ok("ps");
    await engine.ok("logs", id);
    assert.equal(over, false, "all this before it ended");
    await stopping;
    assert.ok(performance.now() - began >= 3000);
    assert.equal((await inspect(engine, id)).State.ExitCode, 137);
    await engine.ok("rm", id);
  });
});
