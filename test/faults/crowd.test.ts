import assert from "node:assert/strict";
import fs from "node:fs";
import { after, before, describe, it } from "node:test";
import { TestEngine } from "../support/engine.ts";
import { assertTruth, inspect } from "./facts.ts";

const CROWD = 50;

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

/** Zombies that wait for somebody; those of process 1 are its own affair. */
const zombies = (): string[] =>
  fs.readdirSync("/proc").filter((name) => {
    try {
      const [state, parent] = fs
        .readFileSync(`/proc/${name}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ");
      return state === "Z" && Number(parent) === engine.pid;
    } catch {
      return false;
    }
  });

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
    assert.deepEqual(zombies(), []);
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
