import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import test from "node:test";
import { processStartTime } from "../../src/drivers/process/handle.ts";
import { ProcSignals } from "../../src/drivers/process/signals.ts";

test("a signal reaches the process that is meant, and no other with its pid", async () => {
  const signals = new ProcSignals();
  const child = spawn("sleep", ["300"]);
  const ended = once(child, "exit");
  const pid = child.pid as number;
  const startTime = processStartTime(pid) as number;
  assert.equal(signals.send({ pid, startTime: startTime - 1 }, 9), false);
  assert.equal(signals.send({ pid, startTime }, 0), true);
  assert.equal(signals.send({ pid, startTime }, 10), true);
  assert.deepEqual(await ended, [null, "SIGUSR1"]);
  assert.equal(signals.send({ pid, startTime }, 9), false);
  assert.equal(signals.send({ pid: 0, startTime }, 9), false);
});
