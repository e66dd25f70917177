import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { run, spawnLean } from "../../src/drivers/process/run.ts";
import { ToolError } from "../../src/drivers/process/tool-error.ts";

const failure = (promise: Promise<unknown>): Promise<ToolError> =>
  promise.then(
    () => assert.fail("it did not fail"),
    (error: unknown) => {
      assert.ok(error instanceof ToolError);
      return error;
    },
  );

test("a tool's output comes back whole, whatever its size", async () => {
  const { stdout, stderr } = await run("sh", ["-c", "head -c 3000000 /dev/zero; echo word >&2"]);
  assert.equal(stdout.length, 3_000_000);
  assert.equal(stderr, "word\n");
});

test("a failing tool's exit code and last words are in the error", async () => {
  const error = await failure(run("sh", ["-c", "echo why >&2; exit 7"]));
  assert.equal(error.exitCode, 7);
  assert.equal(error.stderr, "why");
  await run("sh", ["-c", "exit 7"], { ok: [7] });
});

test("a tool that is not there, that is killed or takes too long is a ToolError with -1", async () => {
  assert.match((await failure(run("no-such-tool", []))).message, /not installed/);
  assert.match((await failure(run("sh", ["-c", "kill -9 $$"]))).stderr, /killed by signal 9/);
  const began = performance.now();
  const late = await failure(run("sleep", ["20"], { timeout: 50 }));
  assert.match(late.stderr, /timed out after 50 ms/);
  assert.ok(performance.now() - began < 5000);
});

test("a child gets its environment, /dev/null, default signals and no other descriptor of ours", async () => {
  const leak = fs.openSync("/dev/zero", "r");
  try {
    const script =
      "echo $WORD; readlink /proc/$$/fd/0; ls -l /proc/$$/fd | grep /dev/zero; exec grep -E 'SigIgn|SigBlk' /proc/self/status";
    const { stdout } = await run("sh", ["-c", script], { env: { PATH: process.env["PATH"], WORD: "a b" } });
    const lines = stdout.toString().split("\n");
    assert.deepEqual(lines.slice(0, 2), ["a b", "/dev/null"]);
    assert.match(lines.slice(2).join("\n"), /^SigBlk:\s0+\nSigIgn:\s0+\n$/);
  } finally {
    fs.closeSync(leak);
  }
});

test("children are reaped, also many at once, and an odd descriptor can carry output", async () => {
  await Promise.all(Array.from({ length: 20 }, () => run("true", [])));
  const child = spawnLean("sh", ["-c", "echo three >&3"], { outputs: [3] });
  let text = "";
  for await (const chunk of child.outputs[0]!) text += String(chunk);
  assert.equal(text, "three\n");
  assert.deepEqual(await child.exit(), { code: 0, signal: null });
  const zombies = fs.readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const fields = fs
        .readFileSync(`/proc/${name}/stat`, "latin1")
        .replace(/^.*\) /s, "")
        .split(" ");
      return fields[0] === "Z" && Number(fields[1]) === process.pid;
    } catch {
      return false;
    }
  });
  assert.deepEqual(zombies, []);
});
