import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { it } from "node:test";
import { ProcSignals } from "../../../src/drivers/process/signals.ts";

it("tells a signal that is handled, ignored, or left to the kernel", async () => {
  const script = 'trap "" HUP; trap : TERM; echo; read line';
  const child = spawn("/bin/sh", ["-c", script], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  const signals = new ProcSignals();
  const { pid = 0 } = child;
  assert.deepEqual(
    [1, 15, 10].map((signal) => signals.disposition(pid, signal)),
    ["ignored", "handled", "default"],
  );
  child.stdin.end();
  await once(child, "exit");
  assert.equal(signals.disposition(pid, 15), undefined);
});
