import assert from "node:assert/strict";
import fs from "node:fs";
import { after, before, describe, it } from "node:test";
import { TestEngine } from "../support/engine.ts";
import { ForwardReceiver } from "../support/log-receivers.ts";
import { until } from "../support/until.ts";

const LINES = 30_000;
/** Lines that may come twice after a kill. */
const BATCH = 250;

let engine: TestEngine;
let fluentd: ForwardReceiver;
before(async () => {
  engine = await TestEngine.start();
  fluentd = new ForwardReceiver();
  await fluentd.receiver.up();
});
after(async () => {
  await fluentd.receiver.down();
  await engine.end();
});

const run = (name: string, script: string): Promise<string> =>
  engine.ok(
    ...["run", "-d", "--name", name, "--log-driver", "fluentd"],
    ...["--log-opt", `fluentd-address=127.0.0.1:${fluentd.receiver.port}`],
    ...["--log-opt", "fluentd-request-ack=true", "--log-opt", `tag=${name}`],
    ...["busybox", "sh", "-c", script],
  );
const linesOf = (name: string): string[] =>
  fluentd.entries.filter(({ tag }) => tag === name).map(({ record }) => record["log"] ?? "");
const counting = (lines: number): string => `i=0; while [ $i -lt ${lines} ]; do echo $i; i=$((i+1)); done`;
const all = (lines: number): string[] => Array.from({ length: lines }, (_, n) => String(n));

/** Each line once in order, but for those sent twice. Answers how many were. */
function checkAll(name: string, lines: number): number {
  const got = linesOf(name);
  assert.deepEqual([...new Set(got)], all(lines));
  return got.length - lines;
}

describe("A log whose rotation a kill cut short", () => {
  it("goes on in a file of its own, and nothing of it is lost", async () => {
    const script = `i=0; while :; do echo $i; i=$((i+1)); sleep 0.02; done`;
    await engine.ok("run", "-d", "--name", "cut", "busybox", "sh", "-c", script);
    const log = await engine.ok("inspect", "-f", "{{.LogPath}}", "cut");
    await until(async () => (await engine.ok("logs", "cut")).includes("9"), { what: "some lines" });
    await engine.crash();
    fs.renameSync(log, `${log}.1`); // the monitor was not told
    await engine.up();
    await until(() => fs.existsSync(log) && fs.statSync(log).size > 0, { what: "a new file" });
    const lines = (await engine.ok("logs", "cut")).split("\n");
    assert.ok(fs.statSync(`${log}.1`).size > 0);
    assert.deepEqual(lines, all(lines.length));
    await engine.ok("rm", "-f", "cut");
  });
});

describe("A log that is sent", () => {
  it("comes whole though the engine is killed again and again, and hardly twice", async (t) => {
    await run("killed", `${counting(LINES)}; sleep 1000`);
    let kills = 0;
    for (let goal = LINES / 6; goal < LINES; goal += LINES / 4, kills++) {
      await until(() => linesOf("killed").length > goal, { what: `${goal} lines`, timeout: 20_000 });
      await engine.crash();
      await engine.up();
    }
    await until(() => linesOf("killed").at(-1) === String(LINES - 1), { what: "the last line", timeout: 20_000 });
    const twice = checkAll("killed", LINES);
    t.diagnostic(`${kills} kills, ${twice} lines of ${LINES} sent twice`);
    assert.ok(twice <= kills * BATCH, `${twice} lines came twice`);
  });

  it("goes on when the engine ends in order, without a line twice", async () => {
    await run("ended", `${counting(1000)}; sleep 1000`);
    await until(() => linesOf("ended").length === 1000, { what: "all lines" });
    await engine.down();
    await engine.up();
    await engine.ok("kill", "ended");
    await engine.ok("rm", "ended");
    assert.equal(checkAll("ended", 1000), 0);
  });

  it("waits for a receiver that is away, without holding up the container", async () => {
    await run(
      "away",
      `echo first; while [ ! -e /go ]; do sleep 0.05; done; ${counting(LINES)}; touch /done; sleep 1000`,
    );
    await until(() => linesOf("away").length === 1, { what: "the first line" });
    await fluentd.receiver.down();
    try {
      await engine.ok("exec", "away", "touch", "/go");
      await until(async () => (await engine.docker("exec", "away", "test", "-e", "/done")).code === 0, {
        what: "the container to have written all",
        timeout: 20_000,
        every: 200,
      });
      assert.equal(await engine.ok("logs", "--tail", "1", "away"), String(LINES - 1));
      const began = Date.now();
      await engine.ok("kill", "away");
      assert.ok(Date.now() - began < 5000, "ending the container waited for the receiver");
      await engine.crash();
      await engine.up();
    } finally {
      await fluentd.receiver.up();
    }
    await until(() => linesOf("away").at(-1) === String(LINES - 1), { what: "the last line", timeout: 20_000 });
    assert.deepEqual([...new Set(linesOf("away"))], ["first", ...all(LINES)]);
  });

  it("holds up no removal when nobody takes it", async () => {
    await run("removed", "echo one; sleep 1; echo two");
    await until(() => linesOf("removed").length === 1, { what: "the first line" });
    await fluentd.receiver.down();
    try {
      await engine.ok("wait", "removed");
      await until(() => engine.log.includes("a log can't be sent"), { what: "a failed try" });
      const began = Date.now();
      await engine.ok("rm", "removed");
      assert.ok(Date.now() - began < 5000, "the removal waited for the receiver");
    } finally {
      await fluentd.receiver.up();
    }
  });
});
