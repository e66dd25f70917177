import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";
import { assertTruth, groupOf, inspect, lives, monitorOf } from "./facts.ts";

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.end());

const run = (...args: string[]): Promise<string> => engine.ok("run", "-d", ...args);
const sleeper = ["busybox", "sh", "-c", "sleep 1000 & sleep 1000; true"];

/** kill -9 of its monitor, and the milliseconds until the engine has noticed. */
async function loseMonitor(id: string): Promise<number> {
  const began = performance.now();
  const restarts = (await inspect(engine, id)).RestartCount;
  process.kill(monitorOf(engine, id), "SIGKILL");
  await until(
    async () => {
      const { State, RestartCount } = await inspect(engine, id);
      return !State.Running || RestartCount > restarts;
    },
    { what: "the engine to notice", timeout: 5000 },
  );
  return performance.now() - began;
}

describe("kill -9 of a container's monitor", () => {
  it("is noticed within two seconds, told as 137 and why, and ends all of the container's processes", async () => {
    const id = await run("--name", "lost", ...sleeper);
    await until(() => groupOf(id).length > 1, { what: "its second process" });
    const pids = groupOf(id);
    const waiting = engine.ok("wait", id);
    const took = await loseMonitor(id);
    assert.ok(took < 2000, `${took} ms`);
    assert.equal(await waiting, "137");
    const { State } = await inspect(engine, id);
    assert.deepEqual([State.Status, State.ExitCode, State.Error], ["exited", 137, "the container's monitor was lost"]);
    assert.deepEqual(pids.filter(lives), []);
    await assertTruth(engine);
    await engine.ok("start", id);
    await engine.ok("rm", "-f", id);
  });

  it("ends a paused container too", async () => {
    const id = await run(...sleeper);
    await engine.ok("pause", id);
    const pids = groupOf(id);
    await loseMonitor(id);
    await until(() => pids.every((pid) => !lives(pid)), { what: "its processes to end" });
    await assertTruth(engine);
    await engine.ok("rm", id);
  });

  it("makes the restart policy start it again, and removes one with --rm", async () => {
    const id = await run("--restart", "on-failure", ...sleeper);
    await loseMonitor(id);
    await until(async () => (await inspect(engine, id)).State.Status === "running", { what: "a restart" });
    await assertTruth(engine);
    await engine.ok("rm", "-f", id);
    const thrown = await run("--rm", ...sleeper);
    process.kill(monitorOf(engine, thrown), "SIGKILL");
    await until(async () => (await engine.ok("ps", "-aq", "--no-trunc", "--filter", `id=${thrown}`)) === "", {
      what: "its removal",
    });
  });

  it("is noticed by the next engine, if there was none", async () => {
    const id = await run(...sleeper);
    const pids = groupOf(id);
    await engine.crash();
    process.kill(monitorOf(engine, id), "SIGKILL");
    await engine.up();
    assert.equal((await inspect(engine, id)).State.ExitCode, 137);
    assert.deepEqual(pids.filter(lives), []);
    await assertTruth(engine);
    await engine.ok("rm", id);
  });
});

describe("kill -9 of a container's first process from the host", () => {
  it("gives 137, and the policy is applied", async () => {
    const id = await run(...sleeper);
    const waiting = engine.ok("wait", id);
    process.kill((await inspect(engine, id)).State.Pid, "SIGKILL");
    assert.equal(await waiting, "137");
    const { State } = await inspect(engine, id);
    assert.deepEqual([State.Status, State.ExitCode, State.Error], ["exited", 137, ""]);
    await engine.ok("rm", id);
    const always = await run("--restart", "always", ...sleeper);
    const { Pid } = (await inspect(engine, always)).State;
    process.kill(Pid, "SIGKILL");
    await until(async () => ![0, Pid].includes((await inspect(engine, always)).State.Pid), { what: "a restart" });
    await engine.ok("rm", "-f", always);
  });
});

describe("a container that keeps coming up", () => {
  const crashing = ["--restart", "always", "busybox", "false"];

  it("is removed by force, stopped and killed at any moment", async () => {
    const ids = await Promise.all(Array.from({ length: 6 }, () => run(...crashing)));
    await until(async () => (await inspect(engine, ids[5] as string)).RestartCount > 0, { what: "a restart" });
    const [a = "", b = "", c = "", ...rest] = ids;
    await engine.ok("rm", "-f", ...rest);
    await engine.ok("stop", a);
    assert.equal((await inspect(engine, a)).State.Status, "exited");
    await engine.docker("kill", b);
    await until(async () => (await inspect(engine, b)).State.Status === "exited", { what: "its end" });
    await engine.ok("restart", c);
    await engine.ok("rm", "-f", a, b, c);
  });

  it("stops a paused one without waiting for its time-out", async () => {
    const id = await run("busybox", "sh", "-c", 'trap "exit 4" TERM; while :; do sleep 0.05; done');
    await engine.ok("pause", id);
    const began = performance.now();
    await engine.ok("stop", id);
    assert.ok(performance.now() - began < 5000);
    assert.equal((await inspect(engine, id)).State.ExitCode, 4);
    await engine.ok("rm", id);
  });
});
