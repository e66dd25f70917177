import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { TestEngine } from "../support/engine.ts";
import { until } from "../support/until.ts";

/** undefined where CRIU can work; else what it says itself. */
function criuComplaint(): string | undefined {
  try {
    execFileSync("criu", ["check"], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    return String((error as { stderr?: Buffer }).stderr ?? error);
  }
}

const COUNTER = "i=0; while :; do echo $i; i=$((i+1)); echo $i > /scratch/n; usleep 50000; done";

describe("checkpoints", () => {
  let engine: TestEngine;
  const complaint = criuComplaint();
  before(async () => {
    engine = await TestEngine.start({ flags: ["--experimental"] });
  });
  after(() => engine.end());

  const refused = async (words: RegExp, ...args: string[]): Promise<void> => {
    for (const ran of [await engine.docker(...args), await engine.gantry(...args)]) {
      assert.equal(ran.code, 1, ran.stdout);
      assert.match(ran.stderr, words);
    }
  };
  const count = async (name: string): Promise<number> =>
    Number((await engine.ok("logs", "--tail", "1", name)).trim() || -1);

  it("refuses what cannot be, and says why", async () => {
    await engine.ok("run", "-d", "--name", "by-crun", "--runtime", "crun", "busybox", "sleep", "300");
    await engine.ok("run", "-dt", "--name", "with-tty", "--runtime", "runc", "busybox", "sleep", "300");
    await engine.ok("create", "--name", "idle", "--runtime", "runc", "busybox", "sleep", "300");
    await refused(/Container idle not running/, "checkpoint", "create", "idle", "one");
    await refused(/Invalid checkpoint ID \(\.\.\/x\)/, "checkpoint", "create", "by-crun", "../x");
    await refused(/not support on containers with tty/, "checkpoint", "create", "with-tty", "one");
    await refused(/checkpoint one does not exist/, "start", "--checkpoint", "one", "idle");
    await refused(/checkpoint one does not exist/, "checkpoint", "rm", "idle", "one");
    if (!/\+CRIU/.test(execFileSync("crun", ["--version"], { encoding: "utf8" }))) {
      await refused(/crun was built without CRIU/, "checkpoint", "create", "by-crun", "one");
    }
    assert.equal(await engine.ok("inspect", "-f", "{{.State.Status}}", "by-crun"), "running");
  });

  it("says what CRIU says where it cannot work", { skip: complaint === undefined }, async () => {
    await engine.ok("run", "-d", "--name", "stays", "--runtime", "runc", "busybox", "sleep", "300");
    await refused(
      /criu cannot work on this kernel: |criu, which is not installed/,
      "checkpoint",
      "create",
      "stays",
      "1",
    );
    assert.equal(await engine.ok("inspect", "-f", "{{.State.Status}}", "stays"), "running");
    assert.equal(await engine.ok("checkpoint", "ls", "stays"), "CHECKPOINT NAME");
  });

  it("freezes a container to disk and goes on from there", { skip: complaint }, async () => {
    await engine.ok(
      ...["run", "-d", "--name", "counter", "--runtime", "runc", "--tmpfs", "/scratch", "-v", "kept:/kept"],
      ...["-p", "127.0.0.1::80", "busybox", "sh", "-c", COUNTER],
    );
    await until(async () => (await count("counter")) > 3, { what: "the counter to count" });
    assert.equal(await engine.ok("checkpoint", "create", "--leave-running", "counter", "early"), "early");
    assert.equal(await engine.ok("inspect", "-f", "{{.State.Status}}", "counter"), "running");
    assert.equal(await engine.ok("checkpoint", "create", "counter", "late"), "late");
    assert.equal(await engine.ok("inspect", "-f", "{{.State.Status}}", "counter"), "exited");
    const frozenAt = await count("counter");
    assert.equal(await engine.ok("checkpoint", "ls", "counter"), "CHECKPOINT NAME\nearly\nlate");
    await refused(/checkpoint with name late already exists|not running/, "checkpoint", "create", "counter", "late");

    await engine.crash();
    await engine.up();
    await engine.ok("start", "--checkpoint", "late", "counter");
    await until(async () => (await count("counter")) > frozenAt, { what: "the counter to go on" });
    const lines = (await engine.ok("logs", "counter")).trim().split("\n").map(Number);
    assert.deepEqual(
      lines,
      lines.map((_, index) => index),
      "no number is lost or comes twice",
    );
    assert.ok(Number(await engine.ok("exec", "counter", "cat", "/scratch/n")) > frozenAt);

    await engine.ok("stop", "-t", "0", "counter");
    const early = await engine.gantry("start", "--checkpoint", "early", "counter");
    assert.equal(early.code, 0, early.stderr);
    await engine.ok("rm", "-fv", "counter");
  });

  it("keeps a checkpoint in a folder of the user's", { skip: complaint }, async () => {
    const folder = path.join(engine.folder, "checkpoints");
    await engine.ok("run", "-d", "--name", "away", "--runtime", "runc", "busybox", "sleep", "300");
    await engine.ok("checkpoint", "create", "--checkpoint-dir", folder, "away", "one");
    assert.deepEqual(fs.readdirSync(folder), ["one"]);
    assert.equal(await engine.ok("checkpoint", "ls", "away"), "CHECKPOINT NAME");
    await engine.ok("start", "--checkpoint", "one", "--checkpoint-dir", folder, "away");
    await engine.ok("checkpoint", "rm", "--checkpoint-dir", folder, "away", "one");
    assert.deepEqual(fs.readdirSync(folder), []);
    await engine.ok("rm", "-f", "away");
  });
});
